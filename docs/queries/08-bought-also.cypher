// What the buyers of one item also buy, and how much more often than everybody does (lift).
// :param item => 'i0'
MATCH (i:Item {id: $item})<-[:PURCHASED]-(u:User)
WITH i, collect(DISTINCT u)[..500] AS buyers
CALL () { MATCH (v:User) RETURN count(v) AS users }
CALL (i, buyers) {
  UNWIND buyers AS u
  MATCH (u)-[:PURCHASED]->(j:Item) WHERE j <> i
  RETURN j, count(DISTINCT u) AS together ORDER BY together DESC LIMIT 50
}
WITH j, together, size(buyers) AS buyers, users, COUNT { MATCH (j)<-[:PURCHASED]-(v:User) RETURN DISTINCT v } AS all_buyers
RETURN j.id AS item, j.title AS title, together, all_buyers,
       round(1.0 * together * users / (buyers * all_buyers), 2) AS lift
ORDER BY together DESC, lift DESC LIMIT 20
