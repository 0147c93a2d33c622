"""Reads the graph into a snapshot's columns: whole lists of values per range of keys, not a row per edge."""

import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any, LiteralString

import numpy as np

from graph.schema import ATTRIBUTE_PREFIX, EVENT_RELATIONSHIPS, OTHER_EVENT
from graph.snapshot import (
    Attribute,
    Events,
    Promotions,
    Reads,
    Snapshot,
    basket_hash,
    build,
    make_events,
    make_promotions,
)

Report = Callable[[str], None]

# Two sessions keep the server and this process busy; a chunk of this size is a few megabytes on the wire.
_SESSIONS = 2
_CHUNK_EVENTS = 50_000
_CHUNK_NODES = 20_000
_CHUNK_DEGREES = 200_000
# Codes of types and contexts are int16; the rarest contexts beyond this are read as none.
_MOST_CODES = 32_000

# collect() leaves nulls out, and the columns would no longer line up: each has a stand-in for "none".
_USERS: LiteralString = """
MATCH (u:User) WHERE u.key >= $low AND u.key < $high
RETURN collect(u.key) AS key, collect(u.id) AS id, collect([name IN $names | u[name]]) AS attributes
"""
_ITEMS: LiteralString = """
MATCH (i:Item) WHERE i.key >= $low AND i.key < $high
RETURN collect(i.key) AS key, collect(i.id) AS id, collect(coalesce(i.title, i.id)) AS title,
  collect(coalesce(i.price, $nan)) AS price, collect(coalesce(i.available, true)) AS available,
  collect(coalesce(head([(i)-[:IN_CATEGORY]->(c) | c.id]), '')) AS category,
  collect(coalesce(head([(i)-[:MADE_BY]->(b) | b.id]), '')) AS brand,
  collect(coalesce(i.promoted_at, [])) AS promoted_at, collect(coalesce(i.promoted_until, [])) AS promoted_until,
  collect(coalesce(i.promoted_share, [])) AS promoted_share
"""
_CATEGORIES: LiteralString = """
MATCH (c:Category)
WITH c ORDER BY c.id
RETURN collect(c.id) AS id, collect(coalesce(head([(c)-[:CHILD_OF]->(p) | p.id]), '')) AS parent
"""
_BRANDS: LiteralString = "MATCH (b:Brand) WITH b ORDER BY b.id RETURN collect(b.id) AS id"
_LAST_USER: LiteralString = "MATCH (n:User) WHERE n.key >= 0 RETURN max(n.key) AS last"
_LAST_ITEM: LiteralString = "MATCH (n:Item) WHERE n.key >= 0 RETURN max(n.key) AS last"
_DECLARED: LiteralString = "MATCH (a:Attune {id: 'graph'}) RETURN a.attributes AS attributes"
_NAMES: LiteralString = """
CALL db.propertyKeys() YIELD propertyKey
WITH propertyKey WHERE propertyKey STARTS WITH $prefix
RETURN collect(propertyKey) AS names
"""

_COUNT: LiteralString = "MATCH ()-[r:KIND]->() RETURN count(r) AS events"
_DEGREES: LiteralString = """
MATCH (u:User) WHERE u.key >= $low AND u.key < $high
RETURN collect(u.key) AS key, collect(count { (u)-[:KIND]->() }) AS degree
"""
_EVENTS: LiteralString = """
MATCH (u:User)-[r:KIND]->(i:Item) WHERE u.key >= $low AND u.key < $high
RETURN collect(u.key) AS user, collect(i.key) AS item, collect(r.at) AS at,
  collect(coalesce(r.quantity, $nan)) AS quantity, collect(coalesce(r.amount, $nan)) AS amount,
  collect(coalesce(r.value, $nan)) AS value, collect(coalesce(r.context, '')) AS context,
  collect(coalesce(r.basket_id, '')) AS basket"""
# Only the shop's own types differ within a relationship type; the column would cost the others a third more time.
_TYPES: LiteralString = ", collect(r.type) AS type"


@dataclass(frozen=True, slots=True)
class _Kind:
    """The statements for one relationship type."""

    event_type: str
    """"" when each event has its own."""
    count: LiteralString
    degrees: LiteralString
    events: LiteralString


def _kind(event_type: str, kind: LiteralString) -> _Kind:
    return _Kind(
        event_type,
        _COUNT.replace("KIND", kind),
        _DEGREES.replace("KIND", kind),
        _EVENTS.replace("KIND", kind) + ("" if event_type else _TYPES),
    )


_KINDS = (*(_kind(event_type, kind) for event_type, kind in EVENT_RELATIONSHIPS.items()), _kind("", OTHER_EVENT))


def _silent(_: str) -> None: ...


def snapshot(client: Reads, *, at: int | None, report: Report | None) -> Snapshot:
    """Read everything, then cut at `at`; see `graph.snapshot.read`.

    Several transactions read one after another: of what is written meanwhile, some events may be in and others not.
    """
    say = report or _silent
    started = time.monotonic()
    with ThreadPoolExecutor(_SESSIONS) as pool:
        categories = client.read(_CATEGORIES)[0]
        brand_ids: list[str] = client.read(_BRANDS)[0]["id"]
        declared, names = _declarations(client)
        users = _nodes(client, pool, _USERS, _LAST_USER, names=[ATTRIBUTE_PREFIX + name for name in names])
        items = _nodes(client, pool, _ITEMS, _LAST_ITEM, nan=math.nan)
        user_key, item_key = _keys(users), _keys(items)
        say(f"Read {len(user_key)} users and {len(item_key)} items in {time.monotonic() - started:.1f} s")
        events = _Gathered()
        for kind in _KINDS:
            for chunk in _event_chunks(client, pool, kind, user_key):
                events.add(chunk, user_key, item_key)
    say(f"Read {events.count} events in {time.monotonic() - started:.1f} s")
    category_row = {name: row for row, name in enumerate(categories["id"])}
    brand_row = {name: row for row, name in enumerate(brand_ids)}
    event_types, contexts, columns = events.columns()
    whole = build(
        user_ids=users["id"],
        item_ids=items["id"],
        item_titles=items["title"],
        category_ids=categories["id"],
        category_parent=[category_row.get(name, -1) for name in categories["parent"]],
        brand_ids=brand_ids,
        item_category=[category_row.get(name, -1) for name in items["category"]],
        item_brand=[brand_row.get(name, -1) for name in items["brand"]],
        item_price=items["price"],
        item_available=items["available"],
        event_types=event_types,
        contexts=contexts,
        events=columns,
        attributes=_attributes(declared, names, users["attributes"]),
        promotions=_promotions(items),
    )
    say(f"Snapshot {whole.id} in {time.monotonic() - started:.1f} s")
    return whole if at is None else whole.until(at)


class _Gathered:
    """Chunks of events as they come in: numbers as arrays, strings as codes."""

    def __init__(self) -> None:
        self.count = 0
        self._parts: list[dict[str, np.ndarray]] = []
        self._codes: dict[str, dict[str, int]] = {"type": {}, "context": {"": -1}, "basket": {"": -1}}

    def add(self, chunk: dict[str, Any], user_key: np.ndarray, item_key: np.ndarray) -> None:
        part: dict[str, np.ndarray] = {name: chunk[name] for name in ("at", "quantity", "amount", "value")}
        for name, codes in self._codes.items():
            texts = chunk[name]
            if isinstance(texts, str):
                part[name] = np.full(len(part["at"]), codes.setdefault(texts, len(codes)), np.int64)
            else:
                part[name] = np.fromiter((codes.setdefault(text, len(codes)) for text in texts), np.int64, len(texts))
        user, user_known = _rows(user_key, chunk["user"])
        item, item_known = _rows(item_key, chunk["item"])
        part |= {"user": user, "item": item}
        known = user_known & item_known
        if not known.all():  # a node that was written after the nodes were read
            part = {name: column[known] for name, column in part.items()}
        self.count += len(part["user"])
        self._parts.append(part)

    def columns(self) -> tuple[list[str], list[str], Events]:
        """Return event types and contexts, sorted by name, and the events that point into them."""
        if not self._parts:
            return [], [], make_events([], [], [], [])
        whole = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        types, type_rows = _sorted_codes(self._codes["type"], whole["type"], most=_MOST_CODES)
        contexts, context_rows = _sorted_codes(self._codes["context"], whole["context"], most=_MOST_CODES)
        # The stand-in for "no basket" takes no code of its own.
        hashes = np.array([basket_hash(name) for name in self._codes["basket"] if name] + [-1], np.int64)
        baskets = whole["basket"]
        return (
            types,
            contexts,
            make_events(
                whole["user"],
                whole["item"],
                type_rows,
                whole["at"],
                quantity=whole["quantity"],
                amount=whole["amount"],
                value=whole["value"],
                context=context_rows,
                basket=hashes[np.where(baskets < 0, len(hashes) - 1, baskets - 1)],
            ),
        )


def _event_chunks(
    client: Reads, pool: ThreadPoolExecutor, kind: _Kind, user_key: np.ndarray
) -> Iterator[dict[str, Any]]:
    """Yield the events of one relationship type in chunks of whole users, about `_CHUNK_EVENTS` each."""
    if not len(user_key) or not client.read(kind.count)[0]["events"]:
        return
    low, end = int(user_key[0]), int(user_key[-1]) + 1
    degree = np.zeros(len(user_key), np.int64)
    for start in range(low, end, _CHUNK_DEGREES):
        found = client.read(kind.degrees, low=start, high=min(start + _CHUNK_DEGREES, end))[0]
        row, known = _rows(user_key, np.array(found["key"], np.int64))
        degree[row[known]] = np.array(found["degree"], np.int64)[known]
    chunk = np.cumsum(degree) // _CHUNK_EVENTS
    first = np.flatnonzero(np.diff(chunk, prepend=-1))
    bounds = [*user_key[first].tolist(), end]

    def read(place: int) -> dict[str, Any]:
        found = client.read(kind.events, low=bounds[place], high=bounds[place + 1], nan=math.nan)[0]
        if kind.event_type:
            found["type"] = kind.event_type
        for name in ("user", "item", "at"):
            found[name] = np.array(found[name], np.int64)
        for name in ("quantity", "amount", "value"):
            found[name] = np.array(found[name], np.float64)
        return found

    yield from _in_turn(pool, read, range(len(first)))


def _in_turn(
    pool: ThreadPoolExecutor, work: Callable[[int], dict[str, Any]], places: range
) -> Iterator[dict[str, Any]]:
    """Yield the results in order, with only a few computed ahead: memory stays bounded."""
    waiting: deque[Future[dict[str, Any]]] = deque()
    for place in places:
        waiting.append(pool.submit(work, place))
        if len(waiting) > _SESSIONS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _nodes(
    client: Reads,
    pool: ThreadPoolExecutor,
    statement: LiteralString,
    last: LiteralString,
    **params: Sequence[str] | float,
) -> dict[str, list[Any]]:
    """Return the columns of all nodes of one label, sorted by key."""
    highest = client.read(last)[0]["last"]

    def read(start: int) -> dict[str, Any]:
        return client.read(statement, low=start, high=start + _CHUNK_NODES, timeout_s=None, **params)[0]

    parts = list(_in_turn(pool, read, range(0, (-1 if highest is None else highest) + 1, _CHUNK_NODES)))
    if not parts:
        parts = [client.read(statement, low=0, high=0, timeout_s=None, **params)[0]]
    columns = {name: list(chain.from_iterable(part[name] for part in parts)) for name in parts[0]}
    keys = columns["key"]
    if keys != sorted(keys):
        order = sorted(range(len(keys)), key=keys.__getitem__)
        columns = {name: [column[row] for row in order] for name, column in columns.items()}
    return columns


def _keys(nodes: Mapping[str, list[Any]]) -> np.ndarray:
    return np.array(nodes["key"], np.int64)


def _rows(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each wanted key's row in the sorted `keys`, and whether it is there."""
    if len(keys) and keys[0] == 0 and keys[-1] == len(keys) - 1:  # no gap: the key is the row
        return wanted, wanted < len(keys)
    row = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return row, keys[row] == wanted


def _sorted_codes(codes: Mapping[str, int], column: np.ndarray, *, most: int) -> tuple[list[str], np.ndarray]:
    """Return the names sorted, and the column with each code replaced by its name's place among them; -1 stays."""
    names = [name for name, code in codes.items() if code >= 0]
    if len(names) > most:
        shift = 1 if -1 in codes.values() else 0
        often = np.bincount(column[column >= 0] - shift, minlength=len(names))
        kept = set(np.argsort(-often, kind="stable")[:most].tolist())
        names = [name for place, name in enumerate(names) if place in kept]
    names.sort()
    place = {name: row for row, name in enumerate(names)}
    # The last row is what code -1 finds.
    rows = np.full(len(codes) + 1, -1, np.int64)
    for name, code in codes.items():
        if code >= 0:
            rows[code] = place.get(name, -1)
    return names, rows[column]


def _promotions(items: Mapping[str, list[Any]]) -> Promotions:
    counts = [len(starts) for starts in items["promoted_at"]]
    return make_promotions(
        item=np.repeat(np.arange(len(counts)), counts),
        at=np.fromiter(chain.from_iterable(items["promoted_at"]), np.int64),
        until=np.fromiter(chain.from_iterable(items["promoted_until"]), np.int64),
        share=np.fromiter(chain.from_iterable(items["promoted_share"]), np.float32),
    )


def _declarations(client: Reads) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the declared attributes, and the names of all that users may have."""
    rows = client.read(_DECLARED)
    declared: dict[str, dict[str, Any]] = json.loads(rows[0]["attributes"] or "{}") if rows else {}
    seen: list[str] = client.read(_NAMES, prefix=ATTRIBUTE_PREFIX)[0]["names"]
    names = {name.removeprefix(ATTRIBUTE_PREFIX) for name in seen} | set(declared)
    return declared, sorted(name for name in names if declared.get(name, {}).get("kind") != "ignore")


def _attributes(
    declared: Mapping[str, Mapping[str, Any]], names: Sequence[str], values: Sequence[Sequence[Any]]
) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for place, name in enumerate(names):
        column = [row[place] for row in values]
        declaration = declared.get(name)
        if declaration is not None:
            found[name] = _attribute(declaration["kind"], declaration.get("order") or (), column)
        elif known := [value for value in column if value is not None]:
            numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)
            found[name] = _attribute("numeric" if numbers else "categorical", (), column)
    return found


def _attribute(kind: str, order: Sequence[Any], column: Sequence[Any]) -> Attribute:
    if kind == "numeric":
        return Attribute("numeric", np.array([_number(value) for value in column], np.float32))
    texts = [None if value is None else _text(value) for value in column]
    if kind == "ordinal":
        levels = tuple(_text(level) for level in order)
        row = {level: float(code) for code, level in enumerate(levels)}
        return Attribute("ordinal", _codes(texts, row), levels)
    levels = tuple(sorted({text for text in texts if text is not None}))
    return Attribute("categorical", _codes(texts, {level: float(code) for code, level in enumerate(levels)}), levels)


def _codes(texts: Sequence[str | None], row: Mapping[str, float]) -> np.ndarray:
    return np.array([math.nan if text is None else row.get(text, math.nan) for text in texts], np.float32)


def _number(value: object) -> float:
    try:
        return math.nan if value is None else float(value)  # pyright: ignore[reportArgumentType] - ValueError else
    except (TypeError, ValueError):
        return math.nan


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
