// 06 Price fit: does the model meet purses? The price level of what it recommends beside that of what 500 users buy.
MATCH (m:Model {current: true})
MATCH (u:User) WHERE u.price_level IS NOT NULL
WITH m, u LIMIT 500
MATCH (u)-[r:RECOMMENDED {model: m.version}]->(i:Item) WHERE r.rank <= 10 AND i.price_level IS NOT NULL
WITH u, avg(i.price_level) AS recommended
WITH round(u.price_level, 1) AS own_price_level, count(*) AS users, avg(recommended) AS recommended
RETURN own_price_level, users, round(recommended, 3) AS recommended_price_level
ORDER BY own_price_level
