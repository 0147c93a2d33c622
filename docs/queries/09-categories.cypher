// The shop's shelves: items, purchases and money of each category with everything below it.
MATCH (c:Category) WHERE c.level <= 1
OPTIONAL MATCH (c)<-[:CHILD_OF*0..8]-(:Category)<-[:IN_CATEGORY]-(i:Item)
WITH c, collect(DISTINCT i) AS items
CALL (items) {
  UNWIND items AS i
  MATCH (i)<-[p:PURCHASED]-()
  RETURN count(p) AS purchases, sum(p.amount) AS amount
}
RETURN c.id AS category, c.level AS level, size(items) AS items, purchases, round(amount, 2) AS amount
ORDER BY amount DESC
