"""Reads at request time: a user with its newest events, items by id, neighbours. Every statement is bounded.

What is long comes as lists, one row: a row for each value costs five times as much.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from types import MappingProxyType
from typing import Any, LiteralString

from graph.client import AsyncClient
from graph.schema import CATEGORY_SEPARATOR, EVENT_RELATIONSHIPS

_EVENT_TYPES: Mapping[str, str] = MappingProxyType({kind: name for name, kind in EVENT_RELATIONSHIPS.items()})

_USER: LiteralString = """
MATCH (u:User {id: $id})
WITH u, [u.key, coalesce(u.events_at, 0), COUNT { (u)-->() }] AS state
CALL (u, state) {
  WITH u, state WHERE $known IS NULL OR state <> $known
  MATCH (u)-[r:VIEWED|CLICKED|SEARCHED|CARTED|RATED|EXPOSED_TO|RECEIVED_COUPON|PURCHASED|RETURNED|INTERACTED]->(i:Item)
  WHERE $since IS NULL OR r.recorded_at >= $since
  WITH r, i ORDER BY r.at DESC, r.event_id LIMIT $limit
  RETURN collect(i.id) AS item_ids, collect(coalesce(r.type, type(r))) AS types, collect(r.at) AS at,
    collect(coalesce(r.quantity, $nan)) AS quantity, collect(coalesce(r.amount, $nan)) AS amount,
    collect(coalesce(r.value, $nan)) AS value, collect(coalesce(r.context, '')) AS context,
    collect(coalesce(r.recorded_at, 0)) AS recorded
}
RETURN u.key AS key, properties(u) AS properties, state, item_ids, types, at, quantity, amount, value, context,
  recorded, [(u)-[d:DISPUTES]->(n) | [d.kind, labels(n)[0], n.id, d.within, d.at]] AS disputes
"""

_STATES: LiteralString = """
MATCH (u:User) WHERE u.id IN $ids
RETURN collect([u.id, u.key, coalesce(u.events_at, 0), COUNT { (u)-->() }]) AS rows
"""

ITEM: LiteralString = """[i.key, i.id, i.title, i.description, coalesce(i.price, i.typical_price), i.currency,
  i.price_level, i.image, coalesce(i.available, true), head([(i)-[:IN_CATEGORY]->(c) | c.id]),
  head([(i)-[:MADE_BY]->(b) | b.id])]"""
_ITEMS: LiteralString = "MATCH (i:Item) WHERE i.id IN $ids RETURN collect(" + ITEM + ") AS rows"
CATEGORY: LiteralString = "[c.id, c.name, c.level, head([(c)-[:CHILD_OF]->(p) | p.id])]"
BRAND: LiteralString = "[b.id, coalesce(b.name, b.id)]"
_CATEGORIES: LiteralString = "MATCH (c:Category) WHERE c.id IN $ids RETURN collect(" + CATEGORY + ") AS rows"
_BRANDS: LiteralString = "MATCH (b:Brand) WHERE b.id IN $ids RETURN collect(" + BRAND + ") AS rows"

_PAGE: LiteralString = "WITH i ORDER BY i.key LIMIT $limit RETURN collect(" + ITEM + ") AS rows"
_ALL_ITEMS: LiteralString = "MATCH (i:Item) WHERE i.key > $after " + _PAGE
_IN_CATEGORY: LiteralString = (
    """
MATCH (c:Category) WHERE c.id = $category OR c.id STARTS WITH $below
MATCH (c)<-[:IN_CATEGORY]-(i:Item) WHERE i.key > $after
"""
    + _PAGE
)
_FOUND: LiteralString = (
    """
CALL db.index.fulltext.queryNodes('item_text', $search, {limit: $hits}) YIELD node AS i
WITH i WHERE i.key > $after
"""
    + _PAGE
)
_FOUND_IN_CATEGORY: LiteralString = (
    """
CALL db.index.fulltext.queryNodes('item_text', $search, {limit: $hits}) YIELD node AS i
WITH i WHERE i.key > $after AND EXISTS {
  (i)-[:IN_CATEGORY]->(c:Category) WHERE c.id = $category OR c.id STARTS WITH $below
}
"""
    + _PAGE
)
# The best matches of a search; pages go through these in the order of keys.
_HITS = 10_000

_USERS: LiteralString = """
MATCH (u:User) WHERE u.key > $after
WITH u ORDER BY u.key LIMIT $limit
RETURN collect([u.key, u.id]) AS rows
"""
_FOUND_USERS: LiteralString = """
MATCH (u:User) WHERE u.id CONTAINS $search AND u.key > $after
WITH u ORDER BY u.key LIMIT $limit
RETURN collect([u.key, u.id]) AS rows
"""

# Everything but letters, digits and the signs inside a word ends a word: nothing of a search is Lucene syntax.
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A way that a user does not want used."""

    kind: str
    """As in `gnn.paths.Kind`."""
    label: str
    """Item, Category or Brand."""
    id: str
    within: str
    """The category of a product line, whose brand the node is; empty for all else."""
    at: int
    """Microseconds UTC."""


EVENT_COLUMNS = ("item_ids", "types", "at", "quantity", "amount", "value", "context", "recorded")
"""The lists of a `UserRow`."""


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user and its newest events, newest first; the lists have one entry per event."""

    id: str
    key: int
    properties: dict[str, Any]
    item_ids: list[str]
    types: list[str]
    at: list[int]
    """Microseconds UTC."""
    quantity: list[float | None]
    amount: list[float | None]
    value: list[float | None]
    context: list[str | None]
    recorded: list[int] = field(default_factory=list[int])
    """When the graph got the event, milliseconds by its own clock; 0 for those of a first, offline load."""
    state: tuple[int, ...] = ()
    """Which events the graph held when they were read: the same state, the same events."""
    disputes: tuple[DisputeRow, ...] = ()

    def until(self, recorded: int) -> "UserRow":
        """Return the user as it was when nothing later than `recorded` had been written."""
        return self.only([moment <= recorded for moment in self.recorded])

    def only(self, kept: Sequence[bool]) -> "UserRow":
        """Return the user with these events alone; one entry per event."""
        if all(kept):
            return self
        return replace(self, **{name: list(compress(getattr(self, name), kept)) for name in EVENT_COLUMNS}, state=())

    def beside(self, older: "UserRow") -> "UserRow":
        """Return the user with the events of both rows, as this row has all else."""
        columns = {name: getattr(self, name) + getattr(older, name) for name in EVENT_COLUMNS}
        at: list[int] = columns["at"]
        if self.at and older.at and self.at[-1] < older.at[0]:
            order = sorted(range(len(at)), key=lambda place: -at[place])
            columns = {name: [column[place] for place in order] for name, column in columns.items()}
        return replace(self, **columns)

    def events(self) -> Iterator[tuple[object, ...]]:
        """Yield what is known of each event."""
        return zip(
            self.item_ids, self.types, self.at, self.quantity, self.amount, self.value, self.context, strict=True
        )


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item; `price` is the declared one, else the typical one that was paid."""

    id: str
    title: str | None
    description: str | None
    price: float | None
    currency: str | None
    price_level: float | None
    image: str | None
    available: bool
    category_id: str | None
    brand_id: str | None


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A category; level 0 is a root."""

    id: str
    name: str
    level: int
    parent_id: str | None


@dataclass(frozen=True, slots=True)
class BrandRow:
    """A brand."""

    id: str
    name: str


async def user(
    client: AsyncClient,
    id: str,  # noqa: A002
    *,
    limit: int = 5000,
    known: UserRow | None = None,
) -> UserRow | None:
    """Return a user with its newest `limit` events in one round trip; None when there is no such user.

    `known`: the user as it was read before; only what was recorded since is read, and where that does not account for
    all that the graph holds now, everything, in a second round trip. What another program changed within an event,
    adding and removing none, is seen by a reader who knows nothing.
    """
    known = known if known and known.state else None
    # Of a user with more events than are read nobody can say which of the older ones are still among the newest.
    since = max(*known.recorded, 1) if known and 0 < len(known.at) < limit else None
    rows = await client.read(
        _USER, id=id, limit=limit, nan=math.nan, known=list(known.state) if known else None, since=since
    )
    if not rows:
        return None
    row = rows[0]
    if known and known.state == tuple(row["state"]):
        now = {"properties": row["properties"], "disputes": _disputes(row)}
        # One dispute withdrawn and another made leave the count of relationships as it was.
        return known if all(getattr(known, name) == value for name, value in now.items()) else replace(known, **now)
    found = user_row(id, row)
    if known is None or since is None:
        return found
    return _continued(known, found, since, limit) or await user(client, id, limit=limit)


def _continued(known: UserRow, newer: UserRow, since: int, limit: int) -> UserRow | None:
    """Return the user with what was recorded from `since` on in place of what was known of it.

    None where the count of its relationships says that something else is different as well.
    """
    found = newer.beside(known.only([moment < since for moment in known.recorded]))
    uncounted = [row.state[2] - len(row.at) - len(row.disputes) for row in (known, found)]
    same = known.key == newer.key and uncounted[0] == uncounted[1] and len(found.at) <= limit
    return found if same else None


async def states(client: AsyncClient, ids: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return which events the graph holds of these users (`UserRow.state`); unknown users are left out."""
    rows = await client.read(_STATES, ids=list(ids))
    return {row[0]: tuple(row[1:]) for row in rows[0]["rows"]}


def user_row(id: str, row: Mapping[str, Any]) -> UserRow:  # noqa: A002
    """Return a user from the columns that a statement gave."""
    return UserRow(
        id=id,
        key=row["key"],
        properties=row["properties"],
        item_ids=row["item_ids"],
        types=[_EVENT_TYPES.get(kind, kind) for kind in row["types"]],
        at=row["at"],
        quantity=_known(row["quantity"]),
        amount=_known(row["amount"]),
        value=_known(row["value"]),
        context=[context or None for context in row["context"]],
        recorded=row["recorded"],
        state=tuple(row.get("state", ())),
        disputes=_disputes(row),
    )


def _disputes(row: Mapping[str, Any]) -> tuple[DisputeRow, ...]:
    return tuple(DisputeRow(*one) for one in row.get("disputes", ()))


async def items(client: AsyncClient, ids: Iterable[str]) -> dict[str, ItemRow]:
    """Return the items of these ids that exist, by id."""
    rows = await client.read(_ITEMS, ids=list(ids))
    return {row[1]: ItemRow(*row[1:]) for row in rows[0]["rows"]}


async def categories(client: AsyncClient, ids: Iterable[str]) -> dict[str, CategoryRow]:
    """Return the categories of these ids that exist, by id."""
    rows = await client.read(_CATEGORIES, ids=list(ids))
    return {row[0]: CategoryRow(*row) for row in rows[0]["rows"]}


async def brands(client: AsyncClient, ids: Iterable[str]) -> dict[str, BrandRow]:
    """Return the brands of these ids that exist, by id."""
    rows = await client.read(_BRANDS, ids=list(ids))
    return {row[0]: BrandRow(*row) for row in rows[0]["rows"]}


async def search_items(
    client: AsyncClient, search: str | None, category: str | None, first: int, after_key: int | None
) -> list[tuple[int, ItemRow]]:
    """Return items after `after_key` in the order of keys, one more than `first` when there are more.

    `search`: every word begins a word of the title. `category`: its id; what lies below it counts.
    """
    params: dict[str, Any] = {"after": -1 if after_key is None else after_key, "limit": first + 1}
    if category is not None:
        params |= {"category": category, "below": category + CATEGORY_SEPARATOR}
    if search is not None:
        words = _WORDS.findall(search)
        if not words:
            return []
        params |= {"search": " AND ".join(f"{word.lower()}*" for word in words), "hits": _HITS}
    if search is None:
        statement = _ALL_ITEMS if category is None else _IN_CATEGORY
    else:
        statement = _FOUND if category is None else _FOUND_IN_CATEGORY
    rows = await client.read(statement, timeout_s=None, **params)
    return [(row[0], ItemRow(*row[1:])) for row in rows[0]["rows"]]


async def users(
    client: AsyncClient, first: int, after_key: int | None, search: str | None = None
) -> list[tuple[int, str]]:
    """Return (key, id) of users after `after_key`, one more than `first` when there are more.

    `search`: a part of the id, upper and lower case as written.
    """
    after = -1 if after_key is None else after_key
    if search:
        rows = await client.read(_FOUND_USERS, after=after, limit=first + 1, search=search)
    else:
        rows = await client.read(_USERS, after=after, limit=first + 1)
    return [(row[0], row[1]) for row in rows[0]["rows"]]


def _known(values: list[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]
