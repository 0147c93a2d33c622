// 04 History: the last fifty events of a user, with what was shown or sent to it.
// :param user => 'u0'
MATCH (u:User {id: $user})-[r]->(i:Item) WHERE r.event_id IS NOT NULL
RETURN datetime({epochMillis: r.at / 1000}) AS at, coalesce(r.type, type(r)) AS type, i.title AS title,
       r.quantity AS quantity, r.amount AS amount, r.context AS context
ORDER BY r.at DESC LIMIT 50
