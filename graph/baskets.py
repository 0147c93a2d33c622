"""What is bought together, and what is bought much, read from the purchases at request time, in bounded statements.

`seen`: only what had been recorded until then (milliseconds of the database's clock) counts, so that the pages of one
list agree; None is now, and the answer says which moment that was.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from graph.client import AsyncClient

SAMPLE = 500
"""Newest baskets with an item that are looked at."""

# Of an item with millions of purchases not all are put in order: Neo4j reads the latest written ones first.
_SCAN = 50_000
_MOST = 1_000

_TOGETHER: LiteralString = """
MATCH (i:Item {id: $id})
WITH i, coalesce($seen, timestamp()) AS seen
CALL (i, seen) {
  MATCH (i)<-[r:PURCHASED]-(u:User) WHERE r.basket_id IS NOT NULL AND coalesce(r.recorded_at, 0) <= seen
  WITH u, r LIMIT $scan
  WITH u, r ORDER BY r.at DESC, r.event_id LIMIT $sample
  RETURN collect(DISTINCT [u.id, r.basket_id]) AS baskets
}
CALL (i, seen, baskets) {
  UNWIND baskets AS basket
  MATCH (u:User)-[p:PURCHASED]->(j:Item) USING INDEX p:PURCHASED(basket_id)
  WHERE p.basket_id = basket[1] AND u.id = basket[0] AND j <> i AND coalesce(p.recorded_at, 0) <= seen
  WITH DISTINCT u, basket, j
  WITH j, count(*) AS together, count(DISTINCT u) AS shoppers
  RETURN sum(together) AS lines, [row IN collect([j, together, shoppers]) WHERE row[2] >= $fewest] AS found
}
CALL (found) {
  UNWIND found AS row
  WITH row, row[0] AS j ORDER BY row[1] DESC, j.id LIMIT $most
  RETURN collect([j.id, row[1], COUNT { (j)<-[:PURCHASED]-() }]) AS rows
}
CALL () { MATCH ()-[r:PURCHASED]->() RETURN count(r) AS everything }
RETURN seen, size(baskets) AS baskets, lines, rows, everything - COUNT { (i)<-[:PURCHASED]-() } AS others
"""

_NEWEST: LiteralString = """
MATCH ()-[r:PURCHASED]->() WHERE r.at <= $now
RETURN r.at AS at, timestamp() AS seen ORDER BY r.at DESC LIMIT 1
"""
_DEMAND: LiteralString = """
MATCH ()-[r:PURCHASED]->(i:Item) WHERE $begin < r.at AND r.at <= $end AND coalesce(r.recorded_at, 0) <= $seen
WITH i, count(*) AS both, sum(CASE WHEN r.at > $middle THEN 1 ELSE 0 END) AS latest
RETURN collect(i.id) AS ids, collect(latest) AS latest, collect(both - latest) AS before
"""


@dataclass(frozen=True, slots=True)
class Companion:
    """An item that is in baskets of another one, of as many shoppers as were asked for at least."""

    id: str
    together: int
    """Baskets with both, of those looked at."""
    confidence: float
    """Share of the baskets with the other item that hold this one as well, 0-1."""
    lift: float
    """How many times likelier a line of such a basket is this item than a line of any basket; 1: no likelier."""


@dataclass(frozen=True, slots=True)
class Companions:
    """What an item is bought with, in no order."""

    seen: int
    baskets: int
    """Baskets with the item that were looked at: its newest `SAMPLE`."""
    items: tuple[Companion, ...]


@dataclass(frozen=True, slots=True)
class Demand:
    """Purchases per item in a period and in the one before; one entry per item that was bought in either."""

    begin: int
    """Microseconds UTC; the period before begins as long before."""
    end: int
    ids: list[str]
    latest: list[int]
    before: list[int]


async def bought_together(
    client: AsyncClient, item_id: str, *, fewest: int, seen: int | None = None
) -> Companions | None:
    """Return what is in the newest baskets with the item, of `fewest` shoppers or more; None for an unknown item.

    A basket is one user's purchases with the same `basket_id`; purchases without one are in no basket.
    """
    found = await client.read(_TOGETHER, id=item_id, seen=seen, sample=SAMPLE, scan=_SCAN, fewest=fewest, most=_MOST)
    if not found:
        return None
    row = found[0]
    return Companions(
        seen=row["seen"],
        baskets=row["baskets"],
        items=tuple(
            Companion(name, together, together / row["baskets"], together / row["lines"] / (bought / row["others"]))
            for name, together, bought in row["rows"]
        ),
    )


async def newest_purchase(client: AsyncClient, now: int) -> tuple[int, int] | None:
    """Return when the newest purchase before `now` was made, and when that was read (`seen`); None without any."""
    rows = await client.read(_NEWEST, now=now)
    return (rows[0]["at"], rows[0]["seen"]) if rows else None


async def demand(client: AsyncClient, *, end: int, period_us: int, seen: int) -> Demand:
    """Count the purchases of every item in the period up to `end` and in the one before it."""
    middle = end - period_us
    row = (await client.read(_DEMAND, begin=middle - period_us, middle=middle, end=end, seen=seen))[0]
    return Demand(middle, end, row["ids"], row["latest"], row["before"])


def strongest(items: Sequence[Companion]) -> list[Companion]:
    """Return the companions that are there more often than by chance, by support times the logarithm of the lift."""
    likelier = [item for item in items if item.lift > 1]
    return sorted(likelier, key=lambda item: (-item.together * math.log(item.lift), item.id))
