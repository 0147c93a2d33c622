"""Who might buy an item or something of a category: candidates from the graph, bounded, and their newest events."""

import math
from collections.abc import Sequence
from typing import LiteralString

from graph.client import AsyncClient
from graph.explore import UserRow, user_row
from graph.schema import CATEGORY_SEPARATOR

MOST = 100
"""Most users that are looked at closely."""
EVENTS = 500
"""Newest events of each of them that are looked at."""

_EACH = 200
_SCAN = 20_000
_LATER = 1 << 60

# Whoever the model listed the item for when it was trained, then the newest buyers of it and of items like it.
_OF_ITEMS: LiteralString = """
CALL () {
  MATCH (i:Item {id: $item})<-[r:RECOMMENDED {model: $model}]-(u:User) RETURN u, 2.0 AS weight LIMIT $each
  UNION ALL
  UNWIND $items AS row
  MATCH (i:Item {id: row[0]})
  CALL (i) {
    MATCH (i)<-[r:PURCHASED]-(u:User) WHERE coalesce(r.recorded_at, 0) <= $seen
    WITH u, r LIMIT $scan
    WITH u, r ORDER BY r.at DESC, u.key LIMIT $each
    RETURN DISTINCT u
  }
  RETURN u, row[1] AS weight
}
WITH u, sum(weight) AS weight ORDER BY weight DESC, u.key LIMIT $most
RETURN collect(u.id) AS ids
"""
_OF_CATEGORY: LiteralString = """
MATCH (c:Category) WHERE c.id = $category OR c.id STARTS WITH $below
MATCH (c)<-[:IN_CATEGORY]-(i:Item)<-[r:PURCHASED]-(u:User) WHERE coalesce(r.recorded_at, 0) <= $seen
WITH u, r LIMIT $scan
WITH u, count(*) AS weight ORDER BY weight DESC, u.key LIMIT $most
RETURN collect(u.id) AS ids
"""
_ROWS: LiteralString = """
UNWIND $ids AS id
MATCH (u:User {id: id})
CALL (u) {
  MATCH (u)-[r:VIEWED|CLICKED|SEARCHED|CARTED|RATED|EXPOSED_TO|RECEIVED_COUPON|PURCHASED|RETURNED|INTERACTED]->(i:Item)
  WHERE coalesce(r.recorded_at, 0) <= $seen
  WITH r, i ORDER BY r.at DESC, r.event_id LIMIT $limit
  RETURN collect(i.id) AS item_ids, collect(coalesce(r.type, type(r))) AS types, collect(r.at) AS at,
    collect(coalesce(r.quantity, $nan)) AS quantity, collect(coalesce(r.amount, $nan)) AS amount,
    collect(coalesce(r.value, $nan)) AS value, collect(coalesce(r.context, '')) AS context,
    collect(coalesce(r.recorded_at, 0)) AS recorded
}
RETURN u.id AS id, u.key AS key, properties(u) AS properties, item_ids, types, at, quantity, amount, value, context,
  recorded, [(u)-[d:DISPUTES]->(n) | [d.kind, labels(n)[0], n.id, d.within, d.at]] AS disputes
"""


async def of_items(
    client: AsyncClient, item_id: str, alike: Sequence[tuple[str, float]], *, model: str, seen: int | None = None
) -> list[str]:
    """Return up to `MOST` users who may buy the item; `alike`: items that are bought by the same people, weighed."""
    rows = await client.read(
        _OF_ITEMS,
        item=item_id,
        items=[[item_id, 1.0], *map(list, alike)],
        model=model,
        seen=_LATER if seen is None else seen,
        each=_EACH,
        scan=_SCAN,
        most=MOST,
    )
    return rows[0]["ids"]


async def of_category(client: AsyncClient, category_id: str, *, seen: int | None = None) -> list[str]:
    """Return up to `MOST` users who buy most in the category and below it, of its first 20,000 purchases."""
    rows = await client.read(
        _OF_CATEGORY,
        category=category_id,
        below=category_id + CATEGORY_SEPARATOR,
        seen=_LATER if seen is None else seen,
        scan=_SCAN,
        most=MOST,
    )
    return rows[0]["ids"]


async def users(client: AsyncClient, ids: Sequence[str], *, seen: int | None = None) -> list[UserRow]:
    """Return these users with their newest `EVENTS` events, in one round trip; those who are unknown are left out."""
    rows = await client.read(_ROWS, ids=list(ids), seen=_LATER if seen is None else seen, limit=EVENTS, nan=math.nan)
    return [user_row(row["id"], row) for row in rows]
