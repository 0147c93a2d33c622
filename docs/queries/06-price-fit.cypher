// Does the model meet purses? The price level of what it recommends beside the price level of what each user buys.
MATCH (m:Model {current: true})
MATCH (u:User)-[:RECOMMENDED {model: m.version}]->(i:Item)
WHERE u.price_level IS NOT NULL AND i.price_level IS NOT NULL
WITH u, avg(i.price_level) AS recommended
WITH round(u.price_level, 1) AS own_price_level, count(*) AS users, avg(recommended) AS recommended
RETURN own_price_level, users, round(recommended, 3) AS recommended_price_level
ORDER BY own_price_level
