"""A list as it was: by a model of before, from what had been recorded of the user by then."""

from datetime import UTC, datetime, timedelta

import strawberry

from api.errors import Code, Refused
from api.models import CurrentModel
from api.recommender import MAX_EVENTS_READ
from api.shoppers import Shopper, present_us
from gnn.artefact import Artefact

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@strawberry.input(description="What a list of before was made from: its own `modelVersion` and `asOf`.")
class AsOfInput:
    """A model and a moment."""

    model: str
    at: datetime = strawberry.field(
        description="Events recorded later, and items created later, are not in the list. The graph keeps no earlier "
        "price, category or brand of an item that is newer than the model: such items (`estimated`) have those of "
        "today, and may stand elsewhere than they did."
    )


async def go_back(models: CurrentModel, shopper: Shopper, to: AsOfInput) -> tuple[Shopper, Artefact]:
    """Return the user as it was, and the model.

    Raises `Refused` with `NOT_REPLAYABLE` that says which of both cannot be had.
    """
    artefact = await models.of(to.model)
    at = to.at if to.at.tzinfo else to.at.replace(tzinfo=UTC)
    if at < datetime.fromisoformat(artefact.manifest.created):
        raise _refused("That model was not there yet: no list was made by it before it was trained.")
    now = (at - _EPOCH) // timedelta(microseconds=1)
    if now > present_us():
        raise _refused("That moment is still to come.")
    before = shopper.at(now, now // 1_000)
    if len(before.row.item_ids) < len(shopper.row.item_ids) >= MAX_EVENTS_READ:
        raise _refused(
            f"The user has had more than {MAX_EVENTS_READ} events: which of them were the newest then is not known."
        )
    return before, artefact


def _refused(message: str) -> Refused:
    return Refused(Code.NOT_REPLAYABLE, message, argument="asOf.at")
