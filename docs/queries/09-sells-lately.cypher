// 09 What sells lately: the newest 1,000 purchases by department, with how many different items and what was paid.
MATCH ()-[p:PURCHASED]->(i:Item) WHERE p.at > 0
WITH p, i ORDER BY p.at DESC LIMIT 1000
WITH i, count(*) AS purchases, sum(p.amount) AS amount
MATCH (i)-[:IN_CATEGORY]->(:Category)-[:CHILD_OF*0..8]->(c:Category {level: 0})
RETURN c.name AS department, sum(purchases) AS purchases, count(i) AS items, round(sum(amount), 2) AS amount
ORDER BY purchases DESC
