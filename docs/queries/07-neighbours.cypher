// 07 Neighbours: who shares most items with a user, counted over the user's thirty newest items and at most 200 buyers of each.
// :param user => 'u0'
MATCH (u:User {id: $user})
CALL (u) {
  MATCH (u)-[p:PURCHASED]->(i:Item)
  WITH i, max(p.at) AS last ORDER BY last DESC LIMIT 30
  RETURN collect(i) AS recent
}
UNWIND recent AS i
CALL (u, i) {
  MATCH (i)<-[:PURCHASED]-(v:User) WHERE v <> u
  RETURN DISTINCT v LIMIT 200
}
RETURN v.id AS neighbour, count(i) AS shared_items, collect(i.title)[..5] AS some_of_them
ORDER BY shared_items DESC, neighbour LIMIT 20
