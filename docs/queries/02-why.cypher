// 02 Why: the ways from what a user attends to most to the five best recommendations, over similar items. Draws a graph.
// :param user => 'u0'
MATCH (m:Model {current: true})
MATCH (u:User {id: $user})-[r:RECOMMENDED {model: m.version}]->(i:Item) WHERE r.rank <= 5
WITH m, u, collect(r) AS recommended, collect(i) AS best
OPTIONAL MATCH (u)-[a:ATTENDS {model: m.version}]->(j:Item)
OPTIONAL MATCH (j)-[s:SIMILAR {model: m.version}]->(i:Item) WHERE i IN best
RETURN u, recommended, best, collect(CASE WHEN s IS NOT NULL THEN [a, j, s] END) AS ways
