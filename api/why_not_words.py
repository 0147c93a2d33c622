"""Why an item is not on a list, and what would put it there, in any language: no more is claimed than figures say.

Which text is taken follows from the kind of an obstacle, a change or a reason; the texts are `api.words`.
"""

from collections.abc import Collection, Sequence
from functools import reduce

from api.obstacles import Against, ObstacleKind
from api.reasons import Reason
from api.sentences import Names, plain, whole
from api.single_changes import Found
from api.words import Words
from gnn.explain import Kind, Step

_OF_DEMAND = frozenset({Kind.POPULARITY, Kind.PROMOTION, Kind.CATEGORY, Kind.BRAND})
"""What these add follows from the demand for an item: for one that is newer than the model, from the usual one."""


def obstacle(words: Words, one: Against, place: int | None, gap: float | None, *, estimated: bool = False) -> str:
    """Return an obstacle as a clause; `estimated` says whether the item's score is."""
    key = f"why_not.obstacle.{one.kind.lower()}"
    if one.kind is not ObstacleKind.SCORE:
        return words[key].fill()
    if gap is None:
        told = words[f"{key}_untold"].fill(place=f"{place:,}")
    else:
        told = words[key].fill(place=f"{place:,}", gap=f"{gap:.3f}")
    return words["why_not.estimated.obstacle"].fill(obstacle=told) if estimated else told


def summary(words: Words, rank: int | None, clauses: Sequence[str]) -> str:
    """Return the whole in one sentence."""
    if rank is not None:
        return words["why_not.summary.listed"].fill(rank=str(rank))
    more = words["why_not.summary.more"]
    joined = reduce(lambda before, clause: more.fill(obstacles=before, obstacle=clause), clauses)
    return words["why_not.summary.absent"].fill(obstacles=joined)


def change(words: Words, found: Found, currency: str | None) -> str:
    """Return a change that works as a sentence."""
    one = found.change
    money = "" if one.amount is None else f"{one.amount:,.2f}"
    return words[f"why_not.change.{one.kind.lower()}"].fill(
        rank=str(found.rank),
        money=words["why_not.change.money"].fill(amount=money, currency=plain(currency or "")),
        argument=argument(one.part) or "",
        mode=one.mode.name if one.mode else "",
    )


def argument(part: str | None) -> str | None:
    """Return how a part of a query is called in GraphQL."""
    if part in (None, "dismissed"):
        return None
    first, *rest = part.split("_")
    return first + "".join(word.title() for word in rest)


def gap(
    words: Words,
    own: Reason,
    other: Reason,
    names: Names,
    last: Step,
    newcomers: tuple[bool, bool] = (False, False),
    untold: Collection[Kind] = (),
) -> str:
    """Return for which of the two a reason speaks more; its path stops before the item, `last` is the other one.

    `newcomers`: whether the item, and whether the last, is newer than the model. `untold`: kinds of reasons that rest
    on what is not known of the user.
    """
    side = "last" if other.value > own.value else "item"
    name = names.through(words, own.path[1:])
    key = f"{own.kind}_untold" if own.kind in untold else own.kind or "rest"
    text = words[f"why_not.gap.{key}.{side}"].fill(own.count, name=name, title=names.of(last))
    if own.kind in _OF_DEMAND:
        # Nothing is estimated of a way that does not lead to an item.
        sides = zip(("item", "last"), (own, other), newcomers, strict=True)
        told = [which for which, reason, new in sides if new and reason.value != 0.0]
        if told:
            which = told[0] if len(told) == 1 else "both"
            text = words[f"why_not.estimated.{which}"].fill(reason=text, title=names.of(last))
    return whole(words, text, name if own.kind is Kind.ITEM else "")
