"""Other users who have much in common with one: exact, and so not to be told to anyone but by `api.private`.

`until` (milliseconds of the database's clock): events that were recorded later do not count.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString

from graph.client import AsyncClient
from graph.schema import ATTRIBUTE_PREFIX

# Popular items have a hundred thousand users: of each recent item only so many are looked at. What people were shown
# or gave back is nothing that they share.
_NEIGHBORS: LiteralString = """
MATCH (u:User {id: $id})
CALL (u) {
  MATCH (u)-[r:VIEWED|CLICKED|SEARCHED|CARTED|RATED|PURCHASED|INTERACTED]->(i:Item)
  WHERE coalesce(r.recorded_at, 0) <= $until
  WITH i, max(r.at) AS last ORDER BY last DESC LIMIT 1000
  RETURN collect(i) AS mine
}
CALL (u, mine) {
  UNWIND mine[..30] AS i
  CALL (u, i) {
    MATCH (i)<-[r:VIEWED|CLICKED|SEARCHED|CARTED|RATED|PURCHASED|INTERACTED]-(v:User)
    WHERE v <> u AND coalesce(r.recorded_at, 0) <= $until
    RETURN DISTINCT v LIMIT 200
  }
  WITH v, count(*) AS shared ORDER BY shared DESC, v.key LIMIT $candidates
  RETURN collect([v.id, COLLECT {
    MATCH (v)-[r:VIEWED|CLICKED|SEARCHED|CARTED|RATED|PURCHASED|INTERACTED]->(x:Item)
    WHERE coalesce(r.recorded_at, 0) <= $until
    RETURN DISTINCT x.key LIMIT 1000
  }, properties(v)]) AS others
}
RETURN [i IN mine | [i.key, head([(i)-[:IN_CATEGORY]->(c) | c.key]), i.id]] AS mine, others
"""

_SUPPORTERS: LiteralString = """
MATCH (u:User {id: $id})
CALL (u) {
  MATCH (u)-[r:PURCHASED|CARTED|RATED|CLICKED|VIEWED|INTERACTED]->(i:Item)
  WHERE coalesce(r.recorded_at, 0) <= $until
  WITH i, max(r.at) AS last ORDER BY last DESC LIMIT 30
  RETURN collect(i) AS recent
}
CALL (u, recent) {
  UNWIND recent AS i
  CALL (u, i) {
    MATCH (i)<-[r:PURCHASED|CARTED|RATED|CLICKED|VIEWED|INTERACTED]-(v:User)
    WHERE v <> u AND coalesce(r.recorded_at, 0) <= $until
    RETURN DISTINCT v LIMIT 300
  }
  RETURN collect([v.key, i.id]) AS sharing
}
CALL (u) {
  MATCH (t:Item) WHERE t.id IN $items
  RETURN collect([t.id, COLLECT {
    MATCH (t)<-[r:PURCHASED]-(v:User) WHERE coalesce(r.recorded_at, 0) <= $until RETURN DISTINCT v.key LIMIT 1000
  }]) AS buyers
}
RETURN sharing, buyers
"""


@dataclass(frozen=True, slots=True)
class NeighborRow:
    """Another user by what both share."""

    id: str
    similarity: float
    """Jaccard index of the items of both (the newest 1,000 of each), 0-1."""
    shared_items: tuple[str, ...]
    """Their ids, in the order in which the user met them last, newest first."""
    shared_categories: int
    attributes: dict[str, Any]
    """What the shop declares, by its own names."""


async def neighbors(client: AsyncClient, user_id: str, first: int, *, until: int) -> list[NeighborRow]:
    """Return the users who share most with this one, most similar first; [] for an unknown user.

    Looks at the 30 newest items and at most 200 users of each: a sample where items are popular.
    """
    rows = await client.read(_NEIGHBORS, id=user_id, until=until, candidates=min(max(2 * first, 20), 200))
    if not rows:
        return []
    category: dict[int, int | None] = {key: leaf for key, leaf, _ in rows[0]["mine"]}
    found: list[NeighborRow] = []
    for other, theirs, properties in rows[0]["others"]:
        shared = category.keys() & theirs
        found.append(
            NeighborRow(
                id=other,
                similarity=len(shared) / (len(category) + len(theirs) - len(shared)),
                shared_items=tuple(name for key, _, name in rows[0]["mine"] if key in shared),
                shared_categories=len({category[item] for item in shared} - {None}),
                attributes={
                    name.removeprefix(ATTRIBUTE_PREFIX): value
                    for name, value in properties.items()
                    if name.startswith(ATTRIBUTE_PREFIX)
                },
            )
        )
    found.sort(key=lambda row: (-row.similarity, row.id))
    return found[:first]


async def supporters(client: AsyncClient, user_id: str, item_ids: Iterable[str], *, until: int) -> dict[str, int]:
    """Return for each item how many others share two or more recent items with the user and bought it.

    Looks at the 30 newest items, at most 300 users of each and at most 1,000 buyers: a lower bound where more are.
    Unknown items and users have none.
    """
    rows = await client.read(_SUPPORTERS, id=user_id, items=list(item_ids), until=until)
    if not rows:
        return {}
    shared: dict[int, set[str]] = {}
    for other, item in rows[0]["sharing"]:
        shared.setdefault(other, set()).add(item)
    # That both have the item itself says nothing about it.
    return {
        target: sum(len(shared.get(buyer, set()) - {target}) >= 2 for buyer in buyers)
        for target, buyers in rows[0]["buyers"]
    }
