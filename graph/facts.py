"""What a page shows, in one round trip: rows of items, categories and brands, and which events users have.

Read once to make an answer, and once more to see whether it is still true.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from graph.client import AsyncClient
from graph.explore import BRAND, CATEGORY, ITEM, BrandRow, CategoryRow, DisputeRow, ItemRow, UserRow

_PAGE: LiteralString = (
    "MATCH (i:Item) WHERE i.id IN $of.items RETURN 'items' AS kind, collect("
    + ITEM
    + """) AS rows
UNION ALL
MATCH (c:Category) WHERE c.id IN $of.categories RETURN 'categories' AS kind, collect("""
    + CATEGORY
    + """) AS rows
UNION ALL
MATCH (b:Brand) WHERE b.id IN $of.brands RETURN 'brands' AS kind, collect("""
    + BRAND
    + ") AS rows"
)
# Apart, so that the server plans the statement that every page needs in half of the time.
_WITH_USERS: LiteralString = (
    """
MATCH (u:User) WHERE u.id IN $of.users
RETURN 'users' AS kind, collect([u.id, [u.key, coalesce(u.events_at, 0), COUNT { (u)-->() }], properties(u),
  [(u)-[d:DISPUTES]->(n) | [d.kind, labels(n)[0], n.id, d.within, d.at]]]) AS rows
UNION ALL
"""
    + _PAGE
)

Face = tuple[tuple[int, ...], str, tuple[DisputeRow, ...]]
"""Which events a user has (`UserRow.state`), what the shop says of it, and what it disputes."""


@dataclass(frozen=True, slots=True)
class Facts:
    """By external id; what the graph does not hold is left out."""

    users: Mapping[str, Face]
    items: Mapping[str, ItemRow]
    categories: Mapping[str, CategoryRow]
    brands: Mapping[str, BrandRow]


async def read(
    client: AsyncClient,
    *,
    users: Iterable[str] = (),
    items: Iterable[str] = (),
    categories: Iterable[str] = (),
    brands: Iterable[str] = (),
) -> Facts:
    """Return what the graph says now; the events of users are not among it."""
    wanted = {"users": list(users), "items": list(items), "categories": list(categories), "brands": list(brands)}
    # As one map: of lists the server would make a plan for each order of magnitude of each of them.
    parts = await client.read(_WITH_USERS if wanted["users"] else _PAGE, of=wanted)
    # Of a kind that nothing was found of there is no row.
    rows: dict[str, list[list[Any]]] = {"users": [], "items": [], "categories": [], "brands": []}
    rows |= {part["kind"]: part["rows"] for part in parts}
    return Facts(
        users={
            id: _face(tuple(state), properties, tuple(DisputeRow(*one) for one in disputes))
            for id, state, properties, disputes in rows["users"]  # noqa: A001
        },
        items={one[1]: ItemRow(*one[1:]) for one in rows["items"]},
        categories={one[0]: CategoryRow(*one) for one in rows["categories"]},
        brands={one[0]: BrandRow(*one) for one in rows["brands"]},
    )


def face(row: UserRow) -> Face:
    """Return the same of a user that was read with its events."""
    return _face(row.state, row.properties, row.disputes)


def _face(state: tuple[int, ...], properties: Mapping[str, Any], disputes: tuple[DisputeRow, ...]) -> Face:
    # As text: a property may be a list, and nan is to equal itself.
    return state, repr(sorted(properties.items())), disputes
