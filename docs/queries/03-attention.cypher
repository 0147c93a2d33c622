// 03 Attention: what the model looks at when it thinks of one user, and how often and when last the user bought it.
// :param user => 'u0'
MATCH (m:Model {current: true})
MATCH (u:User {id: $user})-[a:ATTENDS {model: m.version}]->(i:Item)
OPTIONAL MATCH (u)-[p:PURCHASED]->(i)
RETURN i.id AS item, i.title AS title, a.weight AS weight, count(p) AS purchases,
       CASE WHEN count(p) > 0 THEN date(datetime({epochMillis: max(p.at) / 1000})) END AS last_bought
ORDER BY weight DESC
