"""Writes what users do, as they do it: small batches at request time, with what became of each event."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal, LiteralString

from graph.client import AsyncClient
from graph.errors import Conflict, Taken
from graph.write_events import FIND, MERGE, EventRow, row_of

Outcome = Literal["created", "existing", "retimed", "conflict"]
"""`retimed`: there already, with the same content but for its time."""

MOST = 1_000
"""Most events of one call."""

# Somebody else may take a key or an event id between the look and the write: look again.
_TRIES = 5
_ERASE_BATCH = 10_000

# Where the time stands in an `EventRow`.
_AT = 3

# What the write needs to know, in one round trip: ids that exist, the highest keys, events with these ids.
_LOOK: LiteralString = """
CALL () { OPTIONAL MATCH (m:User) WHERE m.key >= 0 RETURN max(m.key) AS last_user }
CALL () { OPTIONAL MATCH (m:Item) WHERE m.key >= 0 RETURN max(m.key) AS last_item }
CALL () { OPTIONAL MATCH (n:User) WHERE n.id IN $users RETURN collect(n.id) AS users }
CALL () { OPTIONAL MATCH (n:Item) WHERE n.id IN $items RETURN collect(n.id) AS items }
CALL () { FIND }
RETURN last_user, last_item, users, items, found
"""
_LOOKS: Mapping[str, LiteralString] = MappingProxyType({kind: _LOOK.replace("FIND", FIND[kind]) for kind in FIND})

_NEW_USERS: LiteralString = "UNWIND $rows AS row MERGE (n:User {id: row[0]}) ON CREATE SET n.key = row[1]"
_NEW_ITEMS: LiteralString = """
UNWIND $rows AS row
MERGE (n:Item {id: row[0]}) ON CREATE SET n.key = row[1], n.title = row[0], n.created_at = timestamp()
"""

_ERASE_RELATIONSHIPS: LiteralString = """
MATCH (u:User {id: $id})-[r]->()
WITH r, r.event_id IS NOT NULL AS event LIMIT $limit
DELETE r
RETURN count(*) AS removed, sum(CASE WHEN event THEN 1 ELSE 0 END) AS events
"""
_ERASE_NODE: LiteralString = "MATCH (u:User {id: $id}) DETACH DELETE u RETURN count(*) AS removed"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What a user did with an item; `event_id` makes it once, however often it is sent."""

    user_id: str
    item_id: str
    type: str
    at: int
    """Microseconds UTC."""
    event_id: str
    quantity: float | None = None
    amount: float | None = None
    value: float | None = None
    basket_id: str | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an event: written now, there already with the same content, or its id is another event's.

    Who gave no time, and lets it be now, says the same thing twice as `retimed`; who gave one has a conflict.
    """

    event_id: str
    status: Outcome


async def record_events(client: AsyncClient, events: Sequence[NewEvent]) -> list[Recorded]:
    """Write up to `MOST` events; return what became of each, in their order.

    An unknown user is created; an unknown item is created bare, with its id as title. Event ids are unique within a
    relationship type. Events of one type are written whole or not at all; the call may be repeated after any error.
    Raises the errors of `graph.client`, and `ValueError` for more than `MOST` events.
    """
    if len(events) > MOST:
        raise ValueError(f"one call records up to {MOST} events, not {len(events)}")
    kinds: defaultdict[LiteralString, list[int]] = defaultdict(list)
    rows: list[EventRow] = []
    for place, event in enumerate(events):
        kind, row = row_of(asdict(event))
        rows.append(row)
        kinds[kind].append(place)
    status: dict[int, Outcome] = {}
    for kind, places in kinds.items():
        status |= dict(zip(places, await _record(client, kind, [rows[place] for place in places]), strict=True))
    return [Recorded(event.event_id, status[place]) for place, event in enumerate(events)]


async def erase_user(client: AsyncClient, id: str) -> int | None:  # noqa: A002 - the property's name
    """Remove a user and everything it did; return how many events went, None when there is no such user.

    Neo4j keeps deleted values in its store and log files until the space is used again.
    """
    events = 0
    while True:
        found = (await client.write(_ERASE_RELATIONSHIPS, id=id, limit=_ERASE_BATCH))[0]
        events += int(found["events"])
        if found["removed"] < _ERASE_BATCH:
            break
    removed = (await client.write(_ERASE_NODE, id=id))[0]["removed"]
    return events if removed else None


async def _record(client: AsyncClient, kind: LiteralString, rows: list[EventRow]) -> list[Outcome]:
    users = sorted({row[0] for row in rows})
    items = sorted({row[1] for row in rows})
    # The first event of a batch with an id owns it.
    first: dict[str, EventRow] = {}
    for row in rows:
        first.setdefault(row[2], row)
    trouble: Taken | None = None
    for _ in range(_TRIES):
        look = (await client.read(_LOOKS[kind], users=users, items=items, ids=list(first)))[0]
        # `found` rows: event id, user, item, and the rest as in the row.
        there = {found[0]: [found[1], found[2], found[0], *found[3:]] for found in look["found"]}
        new = [row for event_id, row in first.items() if event_id not in there]
        try:
            if new:
                fresh = {row[0] for row in new} - set(look["users"])
                await _nodes(client, _NEW_USERS, fresh, look["last_user"], about_users=fresh)
                await _nodes(client, _NEW_ITEMS, {row[1] for row in new} - set(look["items"]), look["last_item"])
                await client.write(MERGE[kind], about_users=users, rows=sorted(new, key=lambda row: row[1]))
        except Taken as error:
            trouble = error
            continue
        return _outcomes(rows, first, there)
    raise Conflict(tuple(first)) from trouble


async def _nodes(
    client: AsyncClient, statement: LiteralString, ids: set[str], last: int | None, about_users: Collection[str] = ()
) -> None:
    if ids:
        start = -1 if last is None else last
        rows = [[name, start + place] for place, name in enumerate(sorted(ids), 1)]
        await client.write(statement, about_users=about_users, rows=rows)


def _outcomes(rows: Sequence[EventRow], first: Mapping[str, EventRow], there: Mapping[str, EventRow]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    seen: set[str] = set()
    for row in rows:
        event_id = row[2]
        if event_id in there:
            outcomes.append(_beside(row, there[event_id]))
        elif event_id not in seen:
            outcomes.append("created")
        else:
            outcomes.append(_beside(row, first[event_id]))
        seen.add(event_id)
    return outcomes


def _beside(row: EventRow, owner: EventRow) -> Outcome:
    """Return what becomes of an event whose id is the owner's."""
    same = [_equal(one, other) for one, other in zip(row, owner, strict=True)]
    if all(same):
        return "existing"
    return "retimed" if all(same[:_AT] + same[_AT + 1 :]) else "conflict"


def _equal(one: Any, other: Any) -> bool:  # noqa: ANN401 - values of any column
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return one == other
