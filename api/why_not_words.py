"""Why an item is not on a list, and what would put it there, in words that claim no more than the figures do."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from api.obstacles import Against, ObstacleKind
from api.reasons import Names, Reason
from api.single_changes import Found, SingleChangeKind
from gnn.explain import Kind
from gnn.filters import Added
from graph.explore import ItemRow

_CLAUSES: Mapping[ObstacleKind, str] = MappingProxyType(
    {
        ObstacleKind.NEW: "it is newer than the model, which learns of it in the next training",
        ObstacleKind.LEFT_THE_SHOP: "it has left the shop since the model was made",
        ObstacleKind.TOO_FEW_BUYERS: "when the model was made too few shoppers had met it, or it could not be had",
        ObstacleKind.UNAVAILABLE: "it cannot be had now",
        ObstacleKind.BUDGET: "it costs more than the budget, or its price is unknown",
        ObstacleKind.PRICE: "its price lies outside the range asked for, or is unknown",
        ObstacleKind.PRICE_LEVEL: "its price level lies outside the range asked for, or is unknown",
        ObstacleKind.CATEGORY: "its category was not asked for",
        ObstacleKind.BRAND: "its brand was not asked for",
        ObstacleKind.EXCLUDED: "the list was asked for without it",
        ObstacleKind.DISMISSED: "you dismissed it",
        ObstacleKind.ALREADY_BOUGHT: "you bought it before, and the list was asked for without such items",
        ObstacleKind.NEVER_BOUGHT: "you never bought it, and the list was asked for without such items",
        ObstacleKind.CATEGORY_FULL: "the list holds as many of its category as it may",
        ObstacleKind.DIVERSITY: "for variety others less like those above went before it",
        ObstacleKind.PINS: "the shop put other items first",
    }
)


def obstacle(one: Against, place: int | None, gap: float | None) -> str:
    """Return an obstacle as a clause."""
    if one.kind is not ObstacleKind.SCORE:
        return _CLAUSES[one.kind]
    told = "" if gap is None else f", {gap:.3f} below the last on the list"
    return f"by score it stands at place {place:,}{told}"


def summary(rank: int | None, clauses: Sequence[str]) -> str:
    """Return the whole in one sentence."""
    if rank is not None:
        return f"It is on the list, at place {rank}."
    return f"It is not on the list: {'; '.join(clauses)}."


_DONE: Mapping[SingleChangeKind, str] = MappingProxyType(
    {
        SingleChangeKind.VIEW: "Had you just viewed it,",
        SingleChangeKind.CART: "Had you just put it into your cart,",
        SingleChangeKind.PURCHASE: "Had you just bought it,",
        SingleChangeKind.PROMOTION: "With a promotion that begins now",
    }
)


def change(found: Found, row: ItemRow) -> str:
    """Return a change that works as a sentence."""
    one = found.change
    money = "" if one.amount is None else f"{one.amount:,.2f}" + (f" {row.currency}" if row.currency else "")
    match one.kind:
        case SingleChangeKind.PRICE:
            said = f"At a price of {money}"
        case SingleChangeKind.BUDGET:
            said = f"With a budget of {money}"
        case SingleChangeKind.FILTER:
            said = f"Without what `{argument(one.part)}` asks for"
        case SingleChangeKind.MODE:
            said = f"In the mode {one.mode.name if one.mode else ''}"
        case _:
            said = _DONE[one.kind]
    return f"{said} it would be on the list, at place {found.rank}."


def argument(part: str | None) -> str | None:
    """Return how a part of a query is called in GraphQL."""
    if part in (None, "dismissed"):
        return None
    first, *rest = part.split("_")
    return first + "".join(word.title() for word in rest)


def gap(own: Reason, other: Reason, names: Names, title: str) -> str:
    """Return for which of the two a reason speaks more; `title` is the other one's."""
    what = _what(own, names)
    return f"{what[0].upper()}{what[1:]} speak{'' if _many(own) else 's'} more for " + (
        f"{title}." if other.value > own.value else "it."
    )


def _many(reason: Reason) -> bool:
    return reason.kind in (Kind.PROMOTION, None)


def _what(reason: Reason, names: Names) -> str:
    name = " in ".join(names.of(step) for step in reversed(reason.path[1:]))
    match reason.kind:
        case Kind.OWN_HISTORY:
            return "what you did with each itself"
        case Kind.ITEM:
            return name
        case Kind.CATEGORY:
            return f"what you do in {name}"
        case Kind.BRAND:
            return f"what you choose of {name}"
        case Kind.POPULARITY:
            return "popularity"
        case Kind.PROMOTION:
            return "promotions"
        case Kind.PRICE_FIT:
            return "the price, next to what you usually pay,"
        case Kind.PURCHASE_POWER:
            return "your purchase power"
        case Added.BOOST:
            return "what the shop puts forward or holds back"
        case Added.FEEDBACK:
            return "what you passed over"
        case Added.PRICE_LEVEL:
            return "the price level, next to yours,"
        case None:
            return f"{reason.count} other reasons together"
