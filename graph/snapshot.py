"""The graph at a moment as numpy columns: what the network learns from, without a database behind it.

Reading it out of Neo4j is the work of `graph.columns`, called through `read` here; this module needs numpy alone,
and must never import the driver, polars or torch.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, LiteralString, Protocol

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int16, Int32, Int64

# The id depends on this: raise it when the meaning of a column changes.
_FORMAT = b"attune-snapshot-1"


class Reads(Protocol):
    """What `read` needs of a client: `graph.client.Client` is one."""

    def read(
        self, query: LiteralString, /, *, timeout_s: float | None = None, **params: object
    ) -> list[dict[str, Any]]:
        """Run one reading statement and return its rows; safe to call from several threads."""
        ...


@dataclass(frozen=True, slots=True)
class Events:
    """One row per event, sorted by (user, at, item, type, the rest); E events."""

    user: Int32[np.ndarray, "E"]
    """Row in `Snapshot.user_ids`."""
    item: Int32[np.ndarray, "E"]
    """Row in `Snapshot.item_ids`."""
    type: Int16[np.ndarray, "E"]
    """Row in `Snapshot.event_types`."""
    at: Int64[np.ndarray, "E"]
    """Microseconds since 1970, UTC."""
    quantity: Float32[np.ndarray, "E"]
    """Pieces or measure; nan when the event has none."""
    amount: Float64[np.ndarray, "E"]
    """Money paid for the whole line; nan when the event has none."""
    value: Float32[np.ndarray, "E"]
    """Rating, dwell; nan when the event has none."""
    context: Int16[np.ndarray, "E"]
    """Row in `Snapshot.contexts`; -1 when the event has none."""
    basket: Int64[np.ndarray, "E"]
    """Hash of the basket id (see `basket_hash`); -1 when the event has none."""

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: "Int64[np.ndarray, 'N'] | Bool[np.ndarray, 'E'] | slice") -> "Events":
        """Return the events of these rows, in this order; the caller keeps the sorting."""
        return Events(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, slots=True)
class Promotions:
    """One row per item and period of promotion, sorted by (item, at, until); P periods."""

    item: Int32[np.ndarray, "P"]
    """Row in `Snapshot.item_ids`."""
    at: Int64[np.ndarray, "P"]
    """Start, microseconds UTC."""
    until: Int64[np.ndarray, "P"]
    """End (exclusive), microseconds UTC."""
    share: Float32[np.ndarray, "P"]
    """Share of the shop's reach that showed the promotion, 0-1."""

    def __len__(self) -> int:
        return len(self.item)

    def take(self, rows: "Int64[np.ndarray, 'N'] | Bool[np.ndarray, 'P']") -> "Promotions":
        """Return the promotions of these rows, in this order; the caller keeps the sorting."""
        return Promotions(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a shop knows of its users in one respect; U users."""

    kind: Literal["ordinal", "numeric", "categorical"]
    values: Float32[np.ndarray, "U"]
    """The number, or the row in `levels`; nan when unknown."""
    levels: tuple[str, ...] = ()
    """The names of ordinal (in order) and categorical values; empty for numeric."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Users, items and what is known of both, with all events strictly before `at`; U users, I items, C categories."""

    id: str
    """Hash of everything below, hexadecimal."""
    at: int
    """Microseconds UTC; events and promotions start strictly before this moment."""
    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    category_ids: tuple[str, ...]
    brand_ids: tuple[str, ...]
    item_titles: tuple[str, ...]
    category_parent: Int32[np.ndarray, "C"]
    """Row in `category_ids`; -1 for a root."""
    item_category: Int32[np.ndarray, "I"]
    """The leaf category; -1 when the item has none."""
    item_brand: Int32[np.ndarray, "I"]
    """-1 when the item has none."""
    item_price: Float64[np.ndarray, "I"]
    """The price that the shop declares; nan when it gives none."""
    item_available: Bool[np.ndarray, "I"]
    event_types: tuple[str, ...]
    contexts: tuple[str, ...]
    attributes: dict[str, Attribute]
    events: Events
    promotions: Promotions
    announced: Promotions
    """Promotions that are known to start at `at` or later."""

    def until(self, at: int, *, ahead: int = 0) -> "Snapshot":
        """Return the same nodes with the events and promotions that start before `at`, under a new id.

        What was to come is forgotten, but for promotions that start within `ahead` (microseconds) from `at`: those
        that a shop has announced by then. A moment at or after the snapshot's own is the snapshot's own: it cannot know
        what came later.
        """
        at = min(at, self.at)
        until = at + ahead
        kept = self.announced.take(self.announced.at < until)
        if at == self.at:
            cut = self if len(kept) == len(self.announced) else replace(self, announced=kept)
        else:
            promotions = self.promotions
            soon = promotions.take((promotions.at >= at) & (promotions.at < until))
            cut = replace(
                self,
                at=at,
                events=self.events.take(self.events.at < at),
                promotions=promotions.take(promotions.at < at),
                announced=_in_order(_joined(soon, kept)),
            )
        return self if cut is self else replace(cut, id=content_hash(cut))

    def without(self, rows: Bool[np.ndarray, "E"]) -> "Snapshot":
        """Return the same graph without these of its events, under a new id."""
        if not rows.any():
            return self
        rest = replace(self, events=self.events.take(~rows))
        return replace(rest, id=content_hash(rest))


def basket_hash(basket_id: str) -> int:
    """Return a basket id's place in `Events.basket`: 63 bits of BLAKE2b, never negative."""
    return int.from_bytes(hashlib.blake2b(basket_id.encode(), digest_size=8).digest(), "little") >> 1


def make_events(
    user: Iterable[int],
    item: Iterable[int],
    type: Iterable[int],  # noqa: A002 - the column's name
    at: Iterable[int],
    *,
    quantity: Iterable[float] | None = None,
    amount: Iterable[float] | None = None,
    value: Iterable[float] | None = None,
    context: Iterable[int] | None = None,
    basket: Iterable[int] | None = None,
) -> Events:
    """Return event columns of the right dtypes; what is not given is unknown for every event."""
    users = _column(user, np.int32)
    n = len(users)
    return Events(
        user=users,
        item=_column(item, np.int32),
        type=_column(type, np.int16),
        at=_column(at, np.int64),
        quantity=np.full(n, np.nan, np.float32) if quantity is None else _column(quantity, np.float32),
        amount=np.full(n, np.nan, np.float64) if amount is None else _column(amount, np.float64),
        value=np.full(n, np.nan, np.float32) if value is None else _column(value, np.float32),
        context=np.full(n, -1, np.int16) if context is None else _column(context, np.int16),
        basket=np.full(n, -1, np.int64) if basket is None else _column(basket, np.int64),
    )


def make_promotions(
    item: Iterable[int] = (), at: Iterable[int] = (), until: Iterable[int] = (), share: Iterable[float] = ()
) -> Promotions:
    """Return promotion columns of the right dtypes; none when nothing is given."""
    return Promotions(
        item=_column(item, np.int32),
        at=_column(at, np.int64),
        until=_column(until, np.int64),
        share=_column(share, np.float32),
    )


def build(
    *,
    user_ids: Sequence[str],
    item_ids: Sequence[str],
    event_types: Sequence[str],
    events: Events,
    at: int | None = None,
    contexts: Sequence[str] = (),
    item_titles: Sequence[str] | None = None,
    category_ids: Sequence[str] = (),
    category_parent: Iterable[int] | None = None,
    item_category: Iterable[int] | None = None,
    brand_ids: Sequence[str] = (),
    item_brand: Iterable[int] | None = None,
    item_price: Iterable[float] | None = None,
    item_available: Iterable[bool] | None = None,
    attributes: Mapping[str, Attribute] | None = None,
    promotions: Promotions | None = None,
) -> Snapshot:
    """Sort, cut at `at`, check and hash the columns into a snapshot.

    `at` defaults to just after the last event (0 without events). Events and promotions may come in any order: the
    same rows give the same id. Promotions that start from `at` on are the announced ones. Raises `ValueError` that
    names the column when lengths or references do not fit.
    """
    U, I, C = len(user_ids), len(item_ids), len(category_ids)  # noqa: E741 - I is the axis of items
    if at is None:
        at = int(events.at.max()) + 1 if len(events) else 0
    found = Snapshot(
        id="",
        at=at,
        user_ids=tuple(user_ids),
        item_ids=tuple(item_ids),
        category_ids=tuple(category_ids),
        brand_ids=tuple(brand_ids),
        item_titles=tuple(item_ids if item_titles is None else item_titles),
        category_parent=np.full(C, -1, np.int32) if category_parent is None else _column(category_parent, np.int32),
        item_category=np.full(I, -1, np.int32) if item_category is None else _column(item_category, np.int32),
        item_brand=np.full(I, -1, np.int32) if item_brand is None else _column(item_brand, np.int32),
        item_price=np.full(I, np.nan) if item_price is None else _column(item_price, np.float64),
        item_available=np.ones(I, np.bool_) if item_available is None else _column(item_available, np.bool_),
        event_types=tuple(event_types),
        contexts=tuple(contexts),
        attributes={name: attributes[name] for name in sorted(attributes)} if attributes else {},
        events=events,
        promotions=make_promotions() if promotions is None else promotions,
        announced=make_promotions(),
    )
    _check(found, U, I, C)
    begun = found.promotions.at < at
    found = replace(
        found,
        events=_sorted_events(found),
        promotions=_in_order(found.promotions.take(begun)),
        announced=_in_order(found.promotions.take(~begun)),
    )
    return replace(found, id=content_hash(found))


def read(client: Reads, *, at: int | None = None, report: Callable[[str], None] | None = None) -> Snapshot:
    """Read the graph as it was at `at` (microseconds UTC; default: just after the last event).

    Raises the errors of `graph.client`. `report` is told what was read, once a phase.
    """
    from graph import columns  # it stands on this module

    return columns.snapshot(client, at=at, report=report)


def content_hash(snapshot: Snapshot) -> str:
    """Return the hash of everything in the snapshot but its id."""
    digest = hashlib.blake2b(_FORMAT, digest_size=16)

    def text(values: Iterable[str]) -> None:
        data = "\0".join(values).encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)

    def column(values: np.ndarray) -> None:
        digest.update(f"{values.dtype.str}{len(values)}".encode())
        digest.update(np.ascontiguousarray(values).data)

    text((str(snapshot.at),))
    for name in ("user_ids", "item_ids", "category_ids", "brand_ids", "item_titles", "event_types", "contexts"):
        text((name, *getattr(snapshot, name)))
    for name in ("category_parent", "item_category", "item_brand", "item_price", "item_available"):
        column(getattr(snapshot, name))
    for name, attribute in sorted(snapshot.attributes.items()):
        text((name, attribute.kind, *attribute.levels))
        column(attribute.values)
    # What was announced only where anything was: a shop that announces nothing keeps its ids.
    for table in (snapshot.events, snapshot.promotions, *([snapshot.announced] if len(snapshot.announced) else [])):
        for field in fields(table):
            column(getattr(table, field.name))
    return digest.hexdigest()


def _column(values: Iterable[object], dtype: type[np.generic]) -> np.ndarray:
    array = values if isinstance(values, np.ndarray) else np.asarray(list(values))
    column = array.astype(dtype, copy=False)
    if np.issubdtype(dtype, np.integer) and not np.array_equal(column, array):
        raise ValueError(f"a value is not an {np.dtype(dtype).name}")
    return column


def _check(snapshot: Snapshot, U: int, I: int, C: int) -> None:  # noqa: E741 - I is the axis of items
    lengths = {"item_titles": I, "category_parent": C, "item_category": I, "item_brand": I}
    lengths |= {"item_price": I, "item_available": I}
    for name, expected in lengths.items():
        if len(getattr(snapshot, name)) != expected:
            raise ValueError(f"{name} has {len(getattr(snapshot, name))} rows, expected {expected}")
    for name, attribute in snapshot.attributes.items():
        if len(attribute.values) != U:
            raise ValueError(f"attribute {name} has {len(attribute.values)} rows, expected {U}")
    events, promotions = snapshot.events, snapshot.promotions
    for table in (events, promotions):
        for field in fields(table):
            if len(getattr(table, field.name)) != len(table):
                raise ValueError(f"{type(table).__name__}.{field.name} has another length than the first column")
    references = (
        ("category_parent", snapshot.category_parent, -1, C),
        ("item_category", snapshot.item_category, -1, C),
        ("item_brand", snapshot.item_brand, -1, len(snapshot.brand_ids)),
        ("events.user", events.user, 0, U),
        ("events.item", events.item, 0, I),
        ("events.type", events.type, 0, len(snapshot.event_types)),
        ("events.context", events.context, -1, len(snapshot.contexts)),
        ("promotions.item", promotions.item, 0, I),
    )
    for name, column, low, high in references:
        if len(column) and (column.min() < low or column.max() >= high):
            raise ValueError(
                f"{name} points outside its table: {column.min()}..{column.max()}, allowed {low}..{high - 1}"
            )


def _sorted_events(snapshot: Snapshot) -> Events:
    events = snapshot.events
    if len(events) and events.at.max() >= snapshot.at:
        events = events.take(events.at < snapshot.at)
    if len(events) < 2:
        return events
    # Two packed keys sort ten times faster than nine columns; what is still tied after them is a small rest.
    pair = events.item.astype(np.int64) * len(snapshot.event_types) + events.type
    moment = events.at - events.at.min()
    span = int(moment.max()) + 1
    if span * len(snapshot.user_ids) < 2**63:
        first = events.user.astype(np.int64) * span + moment
        order = np.lexsort((pair, first))
        tied = (np.diff(first[order]) == 0) & (np.diff(pair[order]) == 0)
    else:
        order = np.lexsort((pair, events.at, events.user))
        tied = (np.diff(events.user[order]) == 0) & (np.diff(events.at[order]) == 0) & (np.diff(pair[order]) == 0)
    if tied.any():
        in_group = np.concatenate(([False], tied)) | np.concatenate((tied, [False]))
        group = np.cumsum(np.concatenate(([True], ~tied)))
        places = np.flatnonzero(in_group)
        rows = order[places]
        rest = (events.quantity, events.amount, events.value, events.context, events.basket)
        order[places] = rows[np.lexsort((*(column[rows] for column in reversed(rest)), group[places]))]
    return events.take(order)


def _in_order(given: Promotions) -> Promotions:
    return given.take(np.lexsort((given.share, given.until, given.at, given.item)))


def _joined(first: Promotions, second: Promotions) -> Promotions:
    return Promotions(
        **{
            field.name: np.concatenate([getattr(first, field.name), getattr(second, field.name)])
            for field in fields(first)
        }
    )
