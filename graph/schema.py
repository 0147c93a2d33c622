"""What the graph holds: labels, relationship types, properties, constraints, and how an old graph becomes new."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import LiteralString

from graph.client import Client
from graph.errors import SchemaTooNew

VERSION = 3

USER = "User"
ITEM = "Item"
CATEGORY = "Category"
BRAND = "Brand"
MODEL = "Model"
ATTUNE = "Attune"
"""The label of the one bookkeeping node: `schema_version`, `attributes` (declarations as JSON)."""

IN_CATEGORY = "IN_CATEGORY"
CHILD_OF = "CHILD_OF"
MADE_BY = "MADE_BY"
RECOMMENDED = "RECOMMENDED"
SIMILAR = "SIMILAR"
ATTENDS = "ATTENDS"
DISPUTES = "DISPUTES"
"""From a user to an item, category or brand: a reason that is not to be used for that user."""

CATEGORY_SEPARATOR = " > "
"""Joins the names on the way from the root to a category: the category's id is its full path."""

EVENT_RELATIONSHIPS: Mapping[str, LiteralString] = MappingProxyType(
    {
        "view": "VIEWED",
        "click": "CLICKED",
        "search": "SEARCHED",
        "cart": "CARTED",
        "rate": "RATED",
        "exposure": "EXPOSED_TO",
        "coupon": "RECEIVED_COUPON",
        "purchase": "PURCHASED",
        "return": "RETURNED",
    }
)
"""Relationship type of each event type that every shop knows."""

OTHER_EVENT: LiteralString = "INTERACTED"
"""Relationship type of the shop's own event types; the type itself is its property `type`."""

ATTRIBUTE_PREFIX = "attr_"
"""A user's attribute `age` is the property `attr_age`."""

FEEDBACK = frozenset({"dismiss", "not_interested"})
"""Types of events that say no, kept like the shop's own: attention must not take them for interest."""

EVENT_TYPES = (*EVENT_RELATIONSHIPS, *sorted(FEEDBACK))
"""Event types that mean something to Attune: in capitals they are the same."""

EVENT_PROPERTIES = ("quantity", "amount", "value", "basket_id", "context")
"""What an event may hold beside `event_id`, `at` and (for the shop's own types) `type`."""

# Neo4j takes no parameters in schema statements: each is a literal. The event ids are unique per relationship type,
# which is all that Neo4j Community offers for relationships.
_CONSTRAINTS: tuple[LiteralString, ...] = (
    "CREATE CONSTRAINT attune_id IF NOT EXISTS FOR (n:Attune) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT user_id IF NOT EXISTS FOR (n:User) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT user_key IF NOT EXISTS FOR (n:User) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT item_id IF NOT EXISTS FOR (n:Item) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT item_key IF NOT EXISTS FOR (n:Item) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT category_id IF NOT EXISTS FOR (n:Category) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT category_key IF NOT EXISTS FOR (n:Category) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT brand_id IF NOT EXISTS FOR (n:Brand) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT brand_key IF NOT EXISTS FOR (n:Brand) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT model_version IF NOT EXISTS FOR (n:Model) REQUIRE n.version IS UNIQUE",
    "CREATE CONSTRAINT viewed_event IF NOT EXISTS FOR ()-[r:VIEWED]-() REQUIRE r.event_id IS UNIQUE",
    "CREATE CONSTRAINT clicked_event IF NOT EXISTS FOR ()-[r:CLICKED]-() REQUIRE r.event_id IS UNIQUE",
    "CREATE CONSTRAINT searched_event IF NOT EXISTS FOR ()-[r:SEARCHED]-() REQUIRE r.event_id IS UNIQUE",
    "CREATE CONSTRAINT carted_event IF NOT EXISTS FOR ()-[r:CARTED]-() REQUIRE r.event_id IS UNIQUE",
    "CREATE CONSTRAINT rated_event IF NOT EXISTS FOR ()-[r:RATED]-() REQUIRE r.event_id IS UNIQUE",
    "CREATE CONSTRAINT exposed_event IF NOT EXISTS FOR ()-[r:EXPOSED_TO]-() REQUIRE r.event_id IS UNIQUE",
    "CREATE CONSTRAINT coupon_event IF NOT EXISTS FOR ()-[r:RECEIVED_COUPON]-() REQUIRE r.event_id IS UNIQUE",
    "CREATE CONSTRAINT purchased_event IF NOT EXISTS FOR ()-[r:PURCHASED]-() REQUIRE r.event_id IS UNIQUE",
    "CREATE CONSTRAINT returned_event IF NOT EXISTS FOR ()-[r:RETURNED]-() REQUIRE r.event_id IS UNIQUE",
    "CREATE CONSTRAINT interacted_event IF NOT EXISTS FOR ()-[r:INTERACTED]-() REQUIRE r.event_id IS UNIQUE",
    "CREATE FULLTEXT INDEX item_text IF NOT EXISTS FOR (n:Item) ON EACH [n.title]",
    "CREATE TEXT INDEX user_id_text IF NOT EXISTS FOR (n:User) ON (n.id)",
)

# What was bought together, and what was bought lately, are read by these without a look at every purchase.
_PURCHASE_INDEXES: tuple[LiteralString, ...] = (
    "CREATE INDEX purchased_basket IF NOT EXISTS FOR ()-[r:PURCHASED]-() ON (r.basket_id)",
    "CREATE INDEX purchased_at IF NOT EXISTS FOR ()-[r:PURCHASED]-() ON (r.at)",
)

# What came into the graph last is read from the end of it (`graph.newcomers`). Items of before have no such moment.
_CREATION_INDEX: tuple[LiteralString, ...] = ("CREATE INDEX item_created IF NOT EXISTS FOR (n:Item) ON (n.created_at)",)

# Migrations[n] brings a graph of version n to n + 1; 0 is a graph without the bookkeeping node. A statement may run
# twice (a crash in between), so each is idempotent.
_MIGRATIONS: tuple[tuple[LiteralString, ...], ...] = (_CONSTRAINTS, _PURCHASE_INDEXES, _CREATION_INDEX)
assert len(_MIGRATIONS) == VERSION  # noqa: S101 - the two grow together

_AWAIT: LiteralString = "CALL db.awaitIndexes(600)"
_READ_VERSION: LiteralString = "MATCH (a:Attune {id: 'graph'}) RETURN a.schema_version AS version"
_SET_VERSION: LiteralString = "MERGE (a:Attune {id: 'graph'}) SET a.schema_version = $version"

# Building an index over a hundred million relationships takes minutes.
_BUILD_TIMEOUT_S = 3600.0


def statements() -> tuple[LiteralString, ...]:
    """Return the statements that make an empty graph one of `VERSION`."""
    return tuple(statement for step in _MIGRATIONS for statement in step)


def relationship_type(event_type: str) -> LiteralString:
    """Return the relationship type that holds events of this type."""
    return EVENT_RELATIONSHIPS.get(event_type, OTHER_EVENT)


def version(client: Client) -> int:
    """Return the version of the graph's schema, 0 for a graph without one."""
    rows = client.read(_READ_VERSION)
    return int(rows[0]["version"] or 0) if rows else 0


def migrate(client: Client) -> int:
    """Bring the graph to `VERSION`: constraints, indexes, bookkeeping; return the version it had.

    Does nothing on a current graph. Raises `SchemaTooNew` on a graph of a newer Attune.
    """
    found = version(client)
    if found > VERSION:
        raise SchemaTooNew(found, VERSION)
    for step in range(found, VERSION):
        for statement in _MIGRATIONS[step]:
            client.write(statement, timeout_s=_BUILD_TIMEOUT_S)
        client.read(_AWAIT, timeout_s=_BUILD_TIMEOUT_S)
        client.write(_SET_VERSION, version=step + 1)
    return found
