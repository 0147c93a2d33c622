"""Events that are said in a request and recorded nowhere: of a session, of a basket, of a what-if."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import strawberry

from api import events
from api.errors import bad_input
from api.events import EventInput
from api.limits import MAX_EVENTS
from graph.explore import UserRow
from graph.record import NewEvent


@strawberry.input(description="Something that somebody did with an item in this session; it is not recorded.")
class SessionEventInput:
    """As `EventInput`, without a user."""

    item: str
    type: str = strawberry.field(
        default="view", description="As in `EventInput`: view, click, cart, purchase, dismiss, or another."
    )
    at: datetime | None = strawberry.field(default=strawberry.UNSET, description="Without a zone it is UTC. Null: now.")
    quantity: float | None = strawberry.field(default=strawberry.UNSET, description="Pieces; more than 0.")
    amount: float | None = strawberry.field(default=strawberry.UNSET, description="Paid for the whole line.")
    value: float | None = strawberry.field(default=strawberry.UNSET, description="Rating, dwell.")
    context: str | None = strawberry.UNSET


def nobody() -> UserRow:
    """Return somebody who is not in the graph, to whom events can be added."""
    return UserRow(
        id="", key=-1, properties={}, item_ids=[], types=[], at=[], quantity=[], amount=[], value=[], context=[]
    )


def with_events(row: UserRow, given: Sequence[SessionEventInput]) -> UserRow:
    """Return the user as if it had done these things as well. Raises `Refused` for what is no event."""
    if len(given) > MAX_EVENTS:
        raise bad_input("events", f"`events` may have up to {MAX_EVENTS} entries, not {len(given)}.")
    found: list[NewEvent] = []
    for place, one in enumerate(given):
        checked = events.check(
            EventInput(
                user="session",
                item=one.item,
                type=one.type,
                at=one.at,
                quantity=one.quantity,
                amount=one.amount,
                value=one.value,
                context=one.context,
            ),
            place,
        )
        if checked.event is None:
            raise bad_input("events", f"`events[{place}]`: {checked.errors[0].message}")
        found.append(checked.event)
    return replace(
        row,
        item_ids=[*(event.item_id for event in found), *row.item_ids],
        types=[*(event.type for event in found), *row.types],
        at=[*(event.at for event in found), *row.at],
        quantity=[*(event.quantity for event in found), *row.quantity],
        amount=[*(event.amount for event in found), *row.amount],
        value=[*(event.value for event in found), *row.value],
        context=[*(event.context for event in found), *row.context],
        recorded=[*[0] * len(found), *(row.recorded or [0] * len(row.item_ids))],
    )
