// Whom the lists favour: how often each item is recommended beside how often it is bought.
MATCH (m:Model {current: true})
MATCH (i:Item)
WITH i, count { (i)<-[:RECOMMENDED {model: m.version}]-() } AS recommended, count { (i)<-[:PURCHASED]-() } AS bought
WHERE recommended > 0
RETURN i.id AS item, i.title AS title, recommended, bought
ORDER BY recommended DESC, item LIMIT 50
