// 08 In the same baskets: what else is in the baskets with one item: the baskets of its newest 100 purchases, and how often each other item was bought at all.
// :param item => 'i0'
MATCH (i:Item {id: $item})<-[p:PURCHASED]-(u:User) WHERE p.basket_id IS NOT NULL
WITH i, u, p ORDER BY p.at DESC LIMIT 100
WITH DISTINCT i, u, p.basket_id AS basket
MATCH (u)-[q:PURCHASED {basket_id: basket}]->(j:Item) WHERE j <> i
WITH j, count(DISTINCT basket) AS together ORDER BY together DESC, j.id LIMIT 20
RETURN j.id AS item, j.title AS title, together, count { (j)<-[:PURCHASED]-() } AS purchases
ORDER BY together DESC, item
