// Why: the way from what a user attends to most to the five best recommendations, over similar items. Draws a graph.
// :param user => 'u0'
MATCH (m:Model {current: true})
MATCH (u:User {id: $user})-[r:RECOMMENDED {model: m.version}]->(i:Item) WHERE r.rank <= 5
OPTIONAL MATCH path = (u)-[:ATTENDS {model: m.version}]->(:Item)-[:SIMILAR {model: m.version}]-(i)
RETURN u, r, i, path
