"""What can be written: events, and the erasure of a user."""

from collections import Counter
from enum import StrEnum

import strawberry

from api import arguments, disputes
from api.context import Context, Info
from api.disputes import DisputeInput, DisputePayload
from api.errors import bad_input
from api.events import EventInput, UserError, UserErrorCode, check_all
from api.limits import MAX_EVENTS
from graph import record
from graph.record import NewEvent, Recorded


@strawberry.enum(description="What became of an event.")
class RecordStatus(StrEnum):
    """Outcome of one event."""

    CREATED = "CREATED"
    EXISTING = "EXISTING"
    REJECTED = "REJECTED"


@strawberry.input
class RecordEventsInput:
    """A batch of events."""

    events: list[EventInput] = strawberry.field(description=f"Up to {MAX_EVENTS}; each is recorded or not by itself.")
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class RecordedEvent:
    """One event of the batch, in the order of the batch."""

    event_id: str
    status: RecordStatus


@strawberry.type(description="What became of a batch.")
class RecordEventsPayload:
    """`recorded`, `existing` and `rejected` add up to the batch."""

    recorded: int = strawberry.field(description="Newly written events.")
    existing: int = strawberry.field(description="Events that were there already, with the same content.")
    rejected: int = strawberry.field(description="Events that were not written; `userErrors` says why.")
    results: list[RecordedEvent]
    user_errors: list[UserError]
    client_mutation_id: str | None


@strawberry.type(description="What an erasure removed.")
class EraseUserPayload:
    """An unknown user gives a user error."""

    erased_events: int
    user_errors: list[UserError]


@strawberry.type
class Mutation:
    """Writes take effect at once: the next list of the same user sees them."""

    @strawberry.mutation(description="Record what users did; an event id that is known is not recorded twice.")
    async def record_events(self, info: Info, input: RecordEventsInput) -> RecordEventsPayload:  # noqa: A002
        """Check, write and report event by event."""
        if len(input.events) > MAX_EVENTS:
            raise bad_input("input", f"One call may record up to {MAX_EVENTS} events, not {len(input.events)}.")
        checked = check_all(input.events)
        errors = [error for one in checked for error in one.errors]
        recorded = iter(await _write(info.context, [one.event for one in checked if one.event is not None]))
        results: list[RecordedEvent] = []
        for place, (given, one) in enumerate(zip(input.events, checked, strict=True)):
            status = RecordStatus.REJECTED
            if one.event is not None:
                status = _status(next(recorded), given)
                if status is RecordStatus.REJECTED:
                    errors.append(_conflict(place, one.event_id))
            results.append(RecordedEvent(event_id=one.event_id, status=status))
        counts = Counter(result.status for result in results)
        for status, n in counts.items():
            info.context.recommender.metrics.events(status.value, n)
        return RecordEventsPayload(
            recorded=counts[RecordStatus.CREATED],
            existing=counts[RecordStatus.EXISTING],
            rejected=counts[RecordStatus.REJECTED],
            results=results,
            user_errors=errors,
            client_mutation_id=arguments.given(input.client_mutation_id),
        )

    @strawberry.mutation(description="Remove a user and everything it did from the graph.")
    async def erase_user(self, info: Info, id: str) -> EraseUserPayload:  # noqa: A002
        """Erase at once; backups and transaction logs of the database are its owner's business."""
        known = arguments.external_id(id)
        recommender = info.context.recommender
        try:
            erased = await record.erase_user(recommender.client, known) if known else None
        finally:
            if known:  # also where it failed half way
                recommender.forget(known)
            info.context.renew()
        if erased is None:
            error = UserError(field=["id"], code=UserErrorCode.UNKNOWN_USER, message="There is no such user.")
            return EraseUserPayload(erased_events=0, user_errors=[error])
        recommender.broadcast.publish([id])
        return EraseUserPayload(erased_events=erased, user_errors=[])

    @strawberry.mutation(description="This reason is wrong: do not use it for this user. Said twice, it is kept once.")
    async def dispute_reason(self, info: Info, input: DisputeInput) -> DisputePayload:  # noqa: A002
        """Take effect with the user's next request."""
        return await disputes.dispute(info.context, input)

    @strawberry.mutation(description="Use a disputed reason again.")
    async def withdraw_dispute(self, info: Info, input: DisputeInput) -> DisputePayload:  # noqa: A002
        """Take effect with the user's next request."""
        return await disputes.withdraw(info.context, input)


async def _write(context: Context, events: list[NewEvent]) -> list[Recorded]:
    if not events:
        return []
    recorded = await record.record_events(context.recommender.client, events)
    # A mutation may be followed by others in the same document: they must see the graph as it is now.
    context.renew()
    context.recommender.metrics.seen(max(event.at for event in events))
    created = (one.status == "created" for one in recorded)
    context.recommender.broadcast.publish({event.user_id for event, new in zip(events, created, strict=True) if new})
    return recorded


def _status(recorded: Recorded, given: EventInput) -> RecordStatus:
    match recorded.status:
        case "created":
            return RecordStatus.CREATED
        case "existing":
            return RecordStatus.EXISTING
        case "retimed" if given.at is None:
            # Sent again without a time, it differs in nothing that the client said.
            return RecordStatus.EXISTING
        case _:
            return RecordStatus.REJECTED


def _conflict(place: int, event_id: str) -> UserError:
    return UserError(
        field=["input", "events", str(place), "eventId"],
        code=UserErrorCode.CONFLICT,
        message=f"Another event with other content has the id {event_id!r}. Give each event its own id.",
    )
