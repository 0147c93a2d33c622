"""What came into the graph last: items by the moment of their creation, read from the end of its index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from graph.client import AsyncClient, Client

# Of items that were created at one moment, in one batch, the one written last counts as the newer.
_NEWEST: LiteralString = """
MATCH (i:Item) WHERE i.created_at >= $since AND i.created_at < $until
WITH i ORDER BY i.created_at DESC, i.key DESC LIMIT $limit
RETURN collect([i.id, i.created_at, head([(i)-[:IN_CATEGORY]->(c) | c.id]), head([(i)-[:MADE_BY]->(b) | b.id]),
  coalesce(i.price, i.typical_price), coalesce(i.available, true)]) AS rows
"""

ALWAYS = 1 << 60
"""After every moment."""


@dataclass(frozen=True, slots=True)
class CreatedRow:
    """An item as it came, or as it was changed since."""

    id: str
    created_at: int
    """Milliseconds by the database's clock."""
    category_id: str | None
    brand_id: str | None
    price: float | None
    available: bool


async def newest(client: AsyncClient, *, since: int, until: int = ALWAYS, limit: int) -> list[CreatedRow]:
    """Return the items created in a span of time (milliseconds, `until` is not in it), the newest first.

    Items that came with a first, offline load, or before the graph took note, have no such moment.
    """
    return _rows(await client.read(_NEWEST, since=since, until=until, limit=limit))


def newest_of(client: Client, *, since: int, until: int = ALWAYS, limit: int) -> list[CreatedRow]:
    """The same for batch work."""
    return _rows(client.read(_NEWEST, since=since, until=until, limit=limit))


def _rows(found: Sequence[dict[str, Any]]) -> list[CreatedRow]:
    return [CreatedRow(*row) for row in found[0]["rows"]]
