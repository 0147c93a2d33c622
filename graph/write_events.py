"""Writes events: one relationship each, unique by `event_id` within its type, so that writing twice changes nothing.

The batch side (`events`, for `graph.write`) and the request side (`graph.record`) share the statements.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, LiteralString

from graph.client import Client
from graph.errors import Taken
from graph.schema import EVENT_RELATIONSHIPS, OTHER_EVENT, relationship_type

BATCH = 10_000
"""Events of one transaction: 20,000 events a second from one session; a second session gains nothing."""

# Rows are lists: a map for each row costs a third of the speed. Users and items exist before (a MERGE of them here
# would make the plan eager); a MATCH that finds none drops the row, so the count comes back. Neo4j takes no parameter
# for a relationship's type: each type has its own statement, made from literals alone. `events_at` tells who read the
# user's events before that there are others now (`graph.explore.user`).
_MERGE: LiteralString = """
UNWIND $rows AS row
MATCH (u:User {id: row[0]})
MATCH (i:Item {id: row[1]})
MERGE (u)-[r:KIND {event_id: row[2]}]->(i)
ON CREATE SET r.at = row[3], r.quantity = row[4], r.amount = row[5], r.value = row[6], r.basket_id = row[7],
  r.context = row[8], r.type = row[9], r.recorded_at = timestamp(), u.events_at = timestamp()
RETURN count(*) AS found
"""
_FIND: LiteralString = """
UNWIND $ids AS id
MATCH (u:User)-[r:KIND {event_id: id}]->(i:Item)
RETURN collect([id, u.id, i.id, r.at, r.quantity, r.amount, r.value, r.basket_id, r.context, r.type]) AS found
"""

KINDS: tuple[LiteralString, ...] = (*EVENT_RELATIONSHIPS.values(), OTHER_EVENT)
MERGE: Mapping[str, LiteralString] = MappingProxyType({kind: _MERGE.replace("KIND", kind) for kind in KINDS})
FIND: Mapping[str, LiteralString] = MappingProxyType({kind: _FIND.replace("KIND", kind) for kind in KINDS})

EventRow = list[Any]
"""[user_id, item_id, event_id, at, quantity, amount, value, basket_id, context, type]; type only for INTERACTED."""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """What became of the events given."""

    created: int
    existing: int
    """Their ids were in the graph already, between the same user and item."""
    missing: int
    """Their user or item is not in the graph; they were not written."""
    conflicts: int = 0
    """Their ids belong to events of another user or item; they were not written."""


def row_of(event: Mapping[str, Any]) -> tuple[LiteralString, EventRow]:
    """Return an event's relationship type and its row; raises `ValueError` that names what is missing or mistyped."""
    try:
        kind = relationship_type(event["type"])
        row: EventRow = [
            event["user_id"],
            event["item_id"],
            event["event_id"],
            event["at"],
            event.get("quantity"),
            event.get("amount"),
            event.get("value"),
            event.get("basket_id"),
            event.get("context"),
            event["type"] if kind == OTHER_EVENT else None,
        ]
    except KeyError as error:
        raise ValueError(f"an event without {error.args[0]}") from error
    # A number beside a string would be another event to the index.
    if not (isinstance(row[0], str) and isinstance(row[1], str) and isinstance(row[2], str)):
        raise ValueError(f"user_id, item_id and event_id are strings, not {row[0]!r}, {row[1]!r}, {row[2]!r}")
    if not isinstance(row[3], int):
        raise ValueError(f"at is an int of microseconds, not {row[3]!r}")
    return kind, row


def events(client: Client, rows: Iterable[Mapping[str, Any]]) -> EventCounts:
    """Write events in batches; see `graph.write.events`."""
    waiting: defaultdict[LiteralString, list[EventRow]] = defaultdict(list)
    total = EventCounts(0, 0, 0)
    for event in rows:
        kind, row = row_of(event)
        batch = waiting[kind]
        batch.append(row)
        if len(batch) == BATCH:
            total = _sum(total, _write(client, kind, batch))
            waiting[kind] = []
    for kind, batch in waiting.items():
        total = _sum(total, _write(client, kind, batch))
    return total


def _sum(one: EventCounts, other: EventCounts) -> EventCounts:
    return EventCounts(
        one.created + other.created,
        one.existing + other.existing,
        one.missing + other.missing,
        one.conflicts + other.conflicts,
    )


def _write(client: Client, kind: LiteralString, batch: list[EventRow]) -> EventCounts:
    if not batch:
        return EventCounts(0, 0, 0)
    # Writers in parallel lock shared items: in one order they wait for each other instead of deadlocking.
    rows = sorted(batch, key=lambda row: row[1])
    try:
        written = client.change(MERGE[kind], rows=rows)
    except Taken:
        rows = _without_conflicts(client, kind, rows)
        written = client.change(MERGE[kind], rows=rows)
    found = int(written.rows[0]["found"])
    return EventCounts(
        created=written.relationships_created,
        existing=found - written.relationships_created,
        missing=len(rows) - found,
        conflicts=len(batch) - len(rows),
    )


def _without_conflicts(client: Client, kind: LiteralString, rows: Sequence[EventRow]) -> list[EventRow]:
    """Return the rows whose event id is free or belongs to the same user and item; the first of a batch keeps it."""
    owner: dict[str, tuple[str, str]] = {}
    for found in client.read(FIND[kind], ids=[row[2] for row in rows])[0]["found"]:
        owner[found[0]] = (found[1], found[2])
    return [row for row in rows if owner.setdefault(row[2], (row[0], row[1])) == (row[0], row[1])]
