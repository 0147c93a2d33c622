"""What clients record: checked event by event, so that one bad event does not lose the others."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum

import strawberry

from api.limits import MAX_ID, MAX_MONEY
from api.shoppers import present_us
from graph.record import NewEvent
from graph.schema import EVENT_TYPES

_MAX_TYPE = 64
_MAX_CONTEXT = 128
# Clocks differ; what lies further ahead than this is a mistake.
_SKEW_US = 24 * 3_600_000_000


@strawberry.input(description="One thing that a user did with an item.")
class EventInput:
    """External ids; what is left out is unknown."""

    event_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The shop's own id, unique among events of one type: sent twice, recorded once. Else derived from "
        "the other fields.",
    )
    user: str = strawberry.field(description="The shop's own id; one that is unknown is created.")
    item: str = strawberry.field(description="The shop's own id; one that is unknown is created, bare.")
    type: str = strawberry.field(
        description="view, click, search, cart, rate, exposure, coupon, purchase, return, dismiss, not_interested, "
        "in capitals too; or the shop's own, as it spells it."
    )
    at: datetime | None = strawberry.field(default=strawberry.UNSET, description="Without a zone it is UTC. Null: now.")
    quantity: float | None = strawberry.field(default=strawberry.UNSET, description="Pieces; more than 0.")
    amount: float | None = strawberry.field(default=strawberry.UNSET, description="Paid for the whole line.")
    value: float | None = strawberry.field(default=strawberry.UNSET, description="Rating, dwell.")
    basket_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The same for all that one user buys at once."
    )
    context: str | None = strawberry.field(default=strawberry.UNSET, description="Channel, device, campaign.")

    def __post_init__(self) -> None:
        for part in fields(self):
            if getattr(self, part.name) is strawberry.UNSET:
                setattr(self, part.name, None)
        # As in files: blanks name no basket, which all that the user buys would otherwise share.
        for name in ("basket_id", "context"):
            if not (getattr(self, name) or "").strip():
                setattr(self, name, None)
        # Likewise, a known type in capitals or between blanks is known.
        self.type = self.type.strip(" ")
        if self.type.lower() in EVENT_TYPES:
            self.type = self.type.lower()


@strawberry.enum(description="Why an event, or an erasure, was not done.")
class UserErrorCode(StrEnum):
    """Stable codes of `userErrors`."""

    BLANK = "BLANK"
    TOO_LONG = "TOO_LONG"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    IN_FUTURE = "IN_FUTURE"
    CONFLICT = "CONFLICT"
    UNKNOWN_USER = "UNKNOWN_USER"
    REFUSED = "REFUSED"


@strawberry.type(description="Something that the client must change.")
class UserError:
    """`field` leads to the place in the arguments."""

    field: list[str]
    code: UserErrorCode
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """An event that can be recorded, or what is wrong with it."""

    event: NewEvent | None
    event_id: str
    errors: tuple[UserError, ...]


# In files blanks around these are taken away: kept here, they would name another user, item, event or basket. Taken
# away here, they would come after the check of whom a customer may speak for.
_IDS = ("user", "item", "eventId", "basketId")


def check(given: EventInput, place: int) -> Checked:
    """Check one event; `place` is its position in the batch."""
    errors: list[UserError] = []

    def wrong(name: str, code: UserErrorCode, message: str) -> None:
        errors.append(UserError(field=["input", "events", str(place), name], code=code, message=message))

    needed = (("user", given.user, MAX_ID), ("item", given.item, MAX_ID), ("type", given.type, _MAX_TYPE))
    for name, text, most in needed:
        if not text.strip():
            wrong(name, UserErrorCode.BLANK, f"`{name}` must not be blank.")
        _check_text(name, text, most, wrong)
    optional = (
        ("eventId", given.event_id, MAX_ID),
        ("basketId", given.basket_id, MAX_ID),
        ("context", given.context, _MAX_CONTEXT),
    )
    for name, text, most in optional:
        if text is not None:
            _check_text(name, text, most, wrong)
    if given.event_id is not None and not given.event_id.strip():
        wrong("eventId", UserErrorCode.BLANK, "`eventId` must not be blank; leave it out instead.")
    if given.quantity is not None and not 0 < given.quantity <= MAX_MONEY:
        message = f"`quantity` must be more than 0, and up to {MAX_MONEY:,.0f}; leave it out when unknown."
        wrong("quantity", UserErrorCode.OUT_OF_RANGE, message)
    if given.amount is not None and not 0 <= given.amount <= MAX_MONEY:
        message = f"`amount` must be a number from 0 to {MAX_MONEY:,.0f}; leave it out when unknown."
        wrong("amount", UserErrorCode.OUT_OF_RANGE, message)
    if given.value is not None and not math.isfinite(given.value):
        wrong("value", UserErrorCode.OUT_OF_RANGE, "`value` must be a finite number.")
    now = present_us()
    at = now if given.at is None else _microseconds(given.at)
    if at < 0:
        wrong("at", UserErrorCode.OUT_OF_RANGE, "`at` must not lie before 1970.")
    elif at > now + _SKEW_US:
        wrong("at", UserErrorCode.IN_FUTURE, "`at` lies more than a day ahead of the service's clock.")
    event_id = given.event_id or _derived_id(given, at)
    if errors:
        return Checked(None, event_id, tuple(errors))
    event = NewEvent(
        user_id=given.user,
        item_id=given.item,
        type=given.type,
        at=at,
        event_id=event_id,
        quantity=given.quantity,
        amount=given.amount,
        value=given.value,
        basket_id=given.basket_id,
        context=given.context,
    )
    return Checked(event, event_id, ())


def check_all(given: Sequence[EventInput]) -> list[Checked]:
    """Check a batch."""
    return [check(event, place) for place, event in enumerate(given)]


def _check_text(name: str, text: str, most: int, wrong: Callable[[str, UserErrorCode, str], None]) -> None:
    if name in _IDS and text.strip() and text != text.strip():
        message = f"`{name}` must not have blanks around it: trim it, as ids in files are."
        wrong(name, UserErrorCode.REFUSED, message)
    elif len(text) > most:
        wrong(name, UserErrorCode.TOO_LONG, f"`{name}` may have up to {most} characters, not {len(text)}.")
    elif any(ord(character) < 32 for character in text) or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        wrong(name, UserErrorCode.REFUSED, f"`{name}` must not hold control characters or half characters.")


def _microseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole = int(aware.replace(microsecond=0).timestamp())
    return whole * 1_000_000 + aware.microsecond


def _derived_id(given: EventInput, at: int) -> str:
    fields = (given.user, given.item, given.type, at, given.quantity, given.amount, given.value)
    text = "\x1f".join(map(repr, (*fields, given.basket_id, given.context)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
