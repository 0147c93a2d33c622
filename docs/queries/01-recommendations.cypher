// 01 Recommendations: what the current model recommends to one user, best first, with price and price level.
// :param user => 'u0'
MATCH (m:Model {current: true})
MATCH (u:User {id: $user})-[r:RECOMMENDED {model: m.version}]->(i:Item)
OPTIONAL MATCH (i)-[:IN_CATEGORY]->(c:Category)
RETURN r.rank AS rank, i.id AS item, i.title AS title, c.id AS category,
       coalesce(i.price, i.typical_price) AS price, i.price_level AS price_level, r.score AS score
ORDER BY rank
