"""Writes a shop into the graph in idempotent batches: nodes first, then events, then what is computed from them.

Rows are dicts. Each function may be called again with the same or newer rows; what a row leaves out stays as it was.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, LiteralString

from graph import write_events
from graph.client import Client
from graph.errors import NotFound, Taken
from graph.output import OutputCounts, batches, model_output
from graph.schema import ATTRIBUTE_PREFIX, CATEGORY_SEPARATOR
from graph.write_events import EventCounts

__all__ = [
    "EventCounts",
    "OutputCounts",
    "attributes",
    "brands",
    "categories",
    "events",
    "items",
    "keep_load",
    "last_load",
    "model_output",
    "price_levels",
    "promotions",
    "purchase_power",
    "users",
    "wipe",
]

Row = Mapping[str, Any]

BATCH = 5_000
"""Nodes of one transaction."""

# Two loads at once may draw the same key for different nodes: the constraint stops the second, which draws again.
_TRIES = 5

_ITEM_PROPERTIES = frozenset({"title", "description", "price", "currency", "price_level", "image", "available"})
_POWER = ("spend_per_week", "basket_value", "price_level", "discount_share", "purchases")

_USERS: LiteralString = """
UNWIND $rows AS row
MERGE (n:User {id: row.id}) ON CREATE SET n.key = row.key
SET n += row.properties
"""
_ITEMS: LiteralString = """
UNWIND $rows AS row
MERGE (n:Item {id: row.id}) ON CREATE SET n.key = row.key, n.created_at = timestamp()
SET n += row.properties
"""
_CATEGORIES: LiteralString = """
UNWIND $rows AS row
MERGE (n:Category {id: row.id}) ON CREATE SET n.key = row.key
SET n += row.properties
"""
_BRANDS: LiteralString = """
UNWIND $rows AS row
MERGE (n:Brand {id: row.id}) ON CREATE SET n.key = row.key
SET n += row.properties
"""

# The ids of a batch that exist, and the highest key (found from the end of the key's index, not by a scan).
_KNOWN_USERS: LiteralString = """
OPTIONAL MATCH (m:User) WHERE m.key >= 0 WITH m.key AS last ORDER BY last DESC LIMIT 1
OPTIONAL MATCH (n:User) WHERE n.id IN $ids
RETURN last, collect(n.id) AS known
"""
_KNOWN_ITEMS: LiteralString = """
OPTIONAL MATCH (m:Item) WHERE m.key >= 0 WITH m.key AS last ORDER BY last DESC LIMIT 1
OPTIONAL MATCH (n:Item) WHERE n.id IN $ids
RETURN last, collect(n.id) AS known
"""
_KNOWN_CATEGORIES: LiteralString = """
OPTIONAL MATCH (m:Category) WHERE m.key >= 0 WITH m.key AS last ORDER BY last DESC LIMIT 1
OPTIONAL MATCH (n:Category) WHERE n.id IN $ids
RETURN last, collect(n.id) AS known
"""
_KNOWN_BRANDS: LiteralString = """
OPTIONAL MATCH (m:Brand) WHERE m.key >= 0 WITH m.key AS last ORDER BY last DESC LIMIT 1
OPTIONAL MATCH (n:Brand) WHERE n.id IN $ids
RETURN last, collect(n.id) AS known
"""

_IN_CATEGORY: LiteralString = """
UNWIND $rows AS row
MATCH (i:Item {id: row[0]}) MATCH (c:Category {id: row[1]})
OPTIONAL MATCH (i)-[old:IN_CATEGORY]->(other) WHERE other <> c
DELETE old
MERGE (i)-[:IN_CATEGORY]->(c)
RETURN collect(DISTINCT row[0]) AS linked
"""
_MADE_BY: LiteralString = """
UNWIND $rows AS row
MATCH (i:Item {id: row[0]}) MATCH (b:Brand {id: row[1]})
OPTIONAL MATCH (i)-[old:MADE_BY]->(other) WHERE other <> b
DELETE old
MERGE (i)-[:MADE_BY]->(b)
RETURN collect(DISTINCT row[0]) AS linked
"""
_CHILD_OF: LiteralString = """
UNWIND $rows AS row
MATCH (c:Category {id: row[0]}) MATCH (p:Category {id: row[1]})
MERGE (c)-[:CHILD_OF]->(p)
"""

_PROMOTIONS_READ: LiteralString = """
MATCH (i:Item) WHERE i.id IN $ids
RETURN i.id AS id, i.promoted_at AS at, i.promoted_until AS until, i.promoted_share AS share
"""
_PROMOTIONS_WRITE: LiteralString = """
UNWIND $rows AS row
MATCH (i:Item {id: row[0]})
SET i.promoted_at = row[1], i.promoted_until = row[2], i.promoted_share = row[3]
"""

_PURCHASE_POWER: LiteralString = """
UNWIND $rows AS row
MATCH (u:User {id: row.id})
SET u.spend_per_week = row.spend_per_week, u.basket_value = row.basket_value, u.price_level = row.price_level,
  u.discount_share = row.discount_share, u.purchases = row.purchases, u.income = coalesce(row.income, u.income)
RETURN count(*) AS found
"""
_PRICE_LEVELS: LiteralString = """
UNWIND $rows AS row
MATCH (i:Item {id: row.id})
SET i.price_level = row.price_level, i.typical_price = row.price
RETURN count(*) AS found
"""

_ATTRIBUTES_READ: LiteralString = "MATCH (a:Attune {id: 'graph'}) RETURN a.attributes AS attributes"
_ATTRIBUTES_WRITE: LiteralString = "MERGE (a:Attune {id: 'graph'}) SET a.attributes = $attributes"

_LOAD_READ: LiteralString = "MATCH (a:Attune {id: 'graph'}) RETURN a.last_load AS load"
_LOAD_WRITE: LiteralString = "MERGE (a:Attune {id: 'graph'}) SET a.last_load = $load"

_WIPE_RELATIONSHIPS: LiteralString = "MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 20000 ROWS"
_WIPE_NODES: LiteralString = "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 20000 ROWS"


def users(client: Client, rows: Iterable[Row]) -> int:
    """Create or update users; return how many rows were written.

    A row: `id`, optional `key` (kept from the first write; else the next free one), `attr_<name>` for each attribute
    (string or number), `income`. An attribute `income` is also written as `income`.
    """
    return sum(_nodes(client, _USERS, _KNOWN_USERS, batch, _user_properties) for batch in batches(rows, BATCH))


def items(client: Client, rows: Iterable[Row]) -> int:
    """Create or update items and their links to category and brand; return how many rows were written.

    A new item gets `created_at`, milliseconds by the database's clock; it stays however often the item is written.

    A row: `id`, optional `key`, `title`, `description`, `price`, `currency`, `price_level`, `image`, `available`,
    `category` (a category's id) and `brand` (a brand's id), which must be in the graph: else `NotFound`.
    """
    written = 0
    for batch in batches(rows, BATCH):
        written += _nodes(client, _ITEMS, _KNOWN_ITEMS, batch, _item_properties)
        _link(client, _IN_CATEGORY, "category", batch)
        _link(client, _MADE_BY, "brand", batch)
    return written


def categories(client: Client, rows: Iterable[Row]) -> int:
    """Create categories, with every ancestor on their path; return how many were written, ancestors included.

    A row: `id` (the full path, "A > B > C"), optional `key`. Name, level (0 for a root) and parent follow from the
    path.
    """
    given = {str(row["id"]): row for row in rows}
    paths: dict[str, Row] = {}
    for path in given:
        names = path.split(CATEGORY_SEPARATOR)
        for depth in range(1, len(names) + 1):
            step = CATEGORY_SEPARATOR.join(names[:depth])
            paths[step] = {**given.get(step, {}), "id": step, "name": names[depth - 1], "level": depth - 1}
    for batch in batches(paths.values(), BATCH):
        _nodes(client, _CATEGORIES, _KNOWN_CATEGORIES, batch, _category_properties)
    links = [[path, path.rsplit(CATEGORY_SEPARATOR, 1)[0]] for path in paths if CATEGORY_SEPARATOR in path]
    for batch in batches(links, BATCH):
        client.write(_CHILD_OF, rows=batch)
    return len(paths)


def brands(client: Client, rows: Iterable[Row]) -> int:
    """Create or update brands; a row: `id`, optional `key`, optional `name` (default: the id)."""
    return sum(_nodes(client, _BRANDS, _KNOWN_BRANDS, batch, _brand_properties) for batch in batches(rows, BATCH))


def events(client: Client, rows: Iterable[Row]) -> EventCounts:
    """Write events between users and items that are in the graph already; an event that is there is left as it is.

    A row: `event_id`, `user_id`, `item_id` (strings), `type`, `at` (int, microseconds UTC), and as far as known
    `quantity`, `amount`, `value` (floats), `basket_id`, `context` (strings). Raises `ValueError` on other types. Safe
    to repeat after a crash: a batch is written whole or not at all.
    """
    return write_events.events(client, rows)


def promotions(client: Client, rows: Iterable[Row]) -> int:
    """Add periods of promotion to items; return how many rows belong to items of the graph.

    A row: `item_id`, `at`, `until` (int, microseconds UTC), `share` (0-1). A later row for the same item and start
    replaces the earlier one.
    """
    wanted: defaultdict[str, dict[int, tuple[int, float]]] = defaultdict(dict)
    for row in rows:
        wanted[row["item_id"]][int(row["at"])] = (int(row["until"]), float(row["share"]))
    written = 0
    for ids in batches(wanted, BATCH):
        changed: list[list[Any]] = []
        for found in client.read(_PROMOTIONS_READ, ids=ids):
            old = zip(found["at"] or (), found["until"] or (), found["share"] or (), strict=True)
            before = {at: (until, share) for at, until, share in old}
            after = dict(sorted((before | wanted[found["id"]]).items()))
            written += len(wanted[found["id"]])
            if after != before:
                until, share = zip(*after.values(), strict=True)
                changed.append([found["id"], list(after), list(until), list(share)])
        if changed:
            client.write(_PROMOTIONS_WRITE, rows=changed)
    return written


def purchase_power(client: Client, rows: Iterable[Row]) -> int:
    """Write what users can and do spend; return how many users were found.

    A row: `id`, `spend_per_week`, `basket_value`, `price_level`, `discount_share`, `purchases` and optional `income`;
    what is None (or left out) is unknown and removed, but an income stays.
    """
    return _found(client, _PURCHASE_POWER, rows, (*_POWER, "income"))


def price_levels(client: Client, rows: Iterable[Row]) -> int:
    """Write each item's `price_level` (0-1 within its category) and typical price; return how many were found.

    A row: `id`, `price_level`, `price`. The price goes into `typical_price`: `price` stays what the shop declared.
    """
    return _found(client, _PRICE_LEVELS, rows, ("price_level", "price"))


def attributes(client: Client, declarations: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Keep the declarations of user attributes: name -> {"kind": ..., "order": [...]}; others stay as they are.

    Returns those that were there and said something else, as they were.
    """
    rows = client.read(_ATTRIBUTES_READ)
    known = json.loads(rows[0]["attributes"] or "{}") if rows else {}
    before = {name: known[name] for name, said in declarations.items() if name in known and known[name] != dict(said)}
    client.write(_ATTRIBUTES_WRITE, attributes=json.dumps(known | dict(declarations), sort_keys=True))
    return before


def last_load(client: Client) -> str | None:
    """Return the id of the load that wrote nodes last; empty while one writes, None in a graph that never kept it."""
    rows = client.read(_LOAD_READ)
    return rows[0]["load"] if rows else None


def keep_load(client: Client, load_id: str) -> None:
    """Keep which load wrote nodes last; empty: one is writing."""
    client.write(_LOAD_WRITE, load=load_id)


def wipe(client: Client) -> None:
    """Remove every node and relationship, the bookkeeping included; constraints stay. `schema.migrate` comes next."""
    client.in_batches(_WIPE_RELATIONSHIPS)
    client.in_batches(_WIPE_NODES)


def _user_properties(row: Row) -> dict[str, Any]:
    unknown = [name for name in row if not (name in ("id", "key", "income") or name.startswith(ATTRIBUTE_PREFIX))]
    if unknown:
        raise ValueError(f"a user has no {', '.join(unknown)}; attributes are named {ATTRIBUTE_PREFIX}<name>")
    income = row.get("income", row.get(f"{ATTRIBUTE_PREFIX}income"))
    given = {name: value for name, value in row.items() if name not in ("id", "key", "income")}
    return _known(given | {"income": None if income is None else str(income)})


def _item_properties(row: Row) -> dict[str, Any]:
    unknown = [name for name in row if name not in _ITEM_PROPERTIES and name not in ("id", "key", "category", "brand")]
    if unknown:
        raise ValueError(f"an item has no {', '.join(unknown)}")
    return _known({name: value for name, value in row.items() if name in _ITEM_PROPERTIES})


def _category_properties(row: Row) -> dict[str, Any]:
    return {"name": row["name"], "level": row["level"]}


def _brand_properties(row: Row) -> dict[str, Any]:
    return {"name": row.get("name") or row["id"]}


def _known(properties: Mapping[str, Any]) -> dict[str, Any]:
    # A null in `SET n += {...}` removes the property; a row that does not know a value does not unlearn it.
    return {name: value for name, value in properties.items() if value is not None}


def _nodes(
    client: Client,
    merge: LiteralString,
    known: LiteralString,
    batch: Sequence[Row],
    properties: Callable[[Row], dict[str, Any]],
) -> int:
    rows = [{"id": row["id"], "key": row.get("key"), "properties": properties(row)} for row in batch]
    if strange := [row["id"] for row in rows if not isinstance(row["id"], str)]:
        raise ValueError(f"ids are strings, not {strange[0]!r}")
    keyless = [row for row in rows if row["key"] is None]
    for attempt in range(1, _TRIES + 1):
        if keyless:
            found = client.read(known, ids=[row["id"] for row in keyless])[0]
            given = [row["key"] for row in rows if row["key"] is not None]
            following = max(-1 if found["last"] is None else found["last"], *given, -1) + 1
            # A known node keeps its key, and an id that comes twice gets one.
            drawn = dict.fromkeys(found["known"])
            for row in keyless:
                if row["id"] not in drawn:
                    drawn[row["id"]] = following + len(drawn) - len(found["known"])
            sent = [row if row["key"] is not None else {**row, "key": drawn[row["id"]]} for row in rows]
        else:
            sent = rows
        try:
            client.write(merge, rows=sent)
        except Taken:
            if not keyless or attempt == _TRIES:
                raise
        else:
            break
    return len(rows)


def _link(client: Client, statement: LiteralString, name: str, batch: Sequence[Row]) -> None:
    links = [[row["id"], row[name]] for row in batch if row.get(name) is not None]
    if not links:
        return
    linked = set(client.write(statement, rows=links)[0]["linked"])
    lost = sorted({target for item, target in links if item not in linked})
    if lost:
        raise NotFound(
            f"{len(lost)} {name} id(s) are not in the graph: {', '.join(lost[:5])}", f"Write each {name} first."
        )


def _found(client: Client, statement: LiteralString, rows: Iterable[Row], names: Sequence[str]) -> int:
    found = 0
    for batch in batches(rows, BATCH):
        for row in batch:
            if unknown := set(row) - {"id", *names}:
                raise ValueError(f"unknown {', '.join(sorted(unknown))}; known are {', '.join(names)}")
        sent = [{"id": row["id"], **{name: row.get(name) for name in names}} for row in batch]
        found += int(client.write(statement, rows=sent)[0]["found"])
    return found
