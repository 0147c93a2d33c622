// 10 Exposure: whom the lists favour: how often the first ten of 500 lists show an item, beside how often it is bought.
MATCH (m:Model {current: true})
MATCH (u:User) WITH m, u LIMIT 500
MATCH (u)-[r:RECOMMENDED {model: m.version}]->(i:Item) WHERE r.rank <= 10
WITH i, count(*) AS recommended ORDER BY recommended DESC, i.id LIMIT 50
RETURN i.id AS item, i.title AS title, recommended, count { (i)<-[:PURCHASED]-() } AS purchases
ORDER BY recommended DESC, item
