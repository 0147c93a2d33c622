"""Reasons that users do not want used: "this reason is wrong" is kept, and left out of all that follows."""

from datetime import UTC, datetime

import strawberry

from api import arguments
from api.context import Context, Info
from api.events import UserError, UserErrorCode
from api.explanation import Scene, scene_of
from api.ids import parse_global_id
from api.reasons import Reason
from api.shoppers import Shopper, disputed, present_us
from api.types import ContributionKind, Node
from gnn.paths import Dispute as Way
from gnn.paths import Kind, Step
from graph import disputes
from graph.explore import DisputeRow

MOST = 500
"""Most reasons that one user disputes."""

_NODES = ("Item", "Category", "Brand")


@strawberry.input(description="A reason as a contribution gives it.")
class DisputeInput:
    """A way through an item, category or brand is left out to wherever it leads; others to the path's end alone."""

    user: str
    kind: ContributionKind
    path: list[strawberry.ID] = strawberry.field(description="The ids of the nodes of its `path`.")


@strawberry.type(description="What became of a dispute.")
class DisputePayload:
    """The user's next list is without the reason, on every replica."""

    disputed: bool = strawberry.field(description="Whether the reason is disputed now.")
    changed: bool = strawberry.field(description="false: it was so before.")
    user_errors: list[UserError]


@strawberry.type(description="A reason that is not used for this user.")
class Dispute:
    """`kind` and the ids of `path` are what `withdrawDispute` takes."""

    kind: ContributionKind
    path: list[Node] = strawberry.field(description="What it leads through; else the item that it leads to.")
    at: datetime


async def dispute(context: Context, given: DisputeInput) -> DisputePayload:
    """Leave a reason out for a user from now on; said twice, it is recorded once."""
    row = _row(given)
    if isinstance(row, UserError):
        return _refused(row)
    shopper = await _shopper(context, given.user)
    if shopper is None:
        return _refused(_unknown_user())
    if len(shopper.row.disputes) >= MOST:
        return _refused(_error("path", f"One user may dispute up to {MOST} reasons: withdraw some first."))
    created = await disputes.write(context.recommender.client, given.user, row)
    if created is None:
        return _refused(_error("path", "The graph does not hold what the path leads through."))
    if created:
        context.recommender.metrics.disputed(row.kind)
        _changed(context, given.user)
    return DisputePayload(disputed=True, changed=created, user_errors=[])


async def withdraw(context: Context, given: DisputeInput) -> DisputePayload:
    """Use a reason again; one that nobody disputes stays as it is."""
    row = _row(given)
    if isinstance(row, UserError):
        return _refused(row)
    if await _shopper(context, given.user) is None:
        return _refused(_unknown_user())
    removed = await disputes.remove(context.recommender.client, given.user, row)
    if removed:
        _changed(context, given.user)
    return DisputePayload(disputed=False, changed=removed, user_errors=[])


async def of(info: Info, shopper: Shopper, user: Node) -> list[Dispute]:
    """Return what a user disputes, the newest first."""
    rows = sorted(shopper.row.disputes, key=lambda row: -row.at)
    ways = [next(iter(disputed([row]))) for row in rows]
    told = [Reason(way.kind, 0.0, way.via) for way in ways]
    scene: Scene = await scene_of(info.context, {"": told}, user)
    return [
        Dispute(
            kind=ContributionKind.of(reason.kind),
            path=scene.path(reason),
            at=datetime.fromtimestamp(row.at / 1e6, UTC),
        )
        for row, reason in zip(rows, told, strict=True)
    ]


def way_of(user: str, kind: ContributionKind, ids: list[str]) -> Way | str:
    """Return the way that a path of global ids names, or what is wrong with it."""
    if kind.name not in Kind.__members__:
        return f"A reason of kind {kind.name} is not one of the model's own ways, and cannot be left out."
    steps: list[Step] = []
    for text in ids:
        found = parse_global_id(text)
        if found is None or found[0] not in ("User", *_NODES):
            return f"`path` holds {text[:80]!r}, which is not the id of a user, item, category or brand."
        if found[0] == "User" and found[1] != user:
            return "`path` begins with another user."
        steps.append(Step(*found))
    return _way(Kind[kind.name], [step for step in steps if step.label != "User"])


def _way(kind: Kind, steps: list[Step]) -> Way | str:
    items = [step for step in steps if step.label == "Item"]
    categories = [step for step in steps if step.label == "Category"]
    brands = [step for step in steps if step.label == "Brand"]
    match kind:
        case Kind.ITEM:
            via = items[:1]
        case Kind.CATEGORY:
            via = categories[:1]
        case Kind.BRAND:
            via = [*categories[:1], *brands[:1]] if brands else []
        case _:
            via = items[-1:]
    return Way(kind, tuple(via)) if via else f"A reason of kind {kind.name} leads through what `path` does not hold."


def _row(given: DisputeInput) -> DisputeRow | UserError:
    way = way_of(given.user, given.kind, [str(text) for text in given.path])
    if isinstance(way, str):
        return _error("path" if given.kind.name in Kind.__members__ else "kind", way)
    end, within = way.via[-1], way.via[0].id if len(way.via) > 1 else ""
    return DisputeRow(way.kind.value, end.label, end.id, within, present_us())


async def _shopper(context: Context, user: str) -> Shopper | None:
    known = arguments.external_id(user)
    return await context.loaders.shoppers.load(known) if known else None


def _changed(context: Context, user: str) -> None:
    context.renew()
    context.recommender.broadcast.publish([user])


def _error(field: str, message: str) -> UserError:
    return UserError(field=["input", field], code=UserErrorCode.REFUSED, message=message)


def _unknown_user() -> UserError:
    return UserError(field=["input", "user"], code=UserErrorCode.UNKNOWN_USER, message="There is no such user.")


def _refused(error: UserError) -> DisputePayload:
    return DisputePayload(disputed=False, changed=False, user_errors=[error])
