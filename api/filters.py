"""What clients may ask of any list, checked and turned into the ranking's own words."""

from collections.abc import Collection, Sequence
from dataclasses import fields

import strawberry

from api import arguments
from api.errors import bad_input
from api.limits import MAX_FIRST, MAX_ID, MAX_MONEY
from gnn.filters import Boost, Mode, Query, Range
from graph.explore import ItemRow
from graph.schema import CATEGORY_SEPARATOR

strawberry.enum(
    Mode,
    name="Mode",
    description="ALL: every item. DISCOVER: only what the user never bought. REBUY: only what the user bought before.",
)

MAX_BOOSTS = 20
MAX_PINS = 20
LARGEST_FACTOR = 100.0
"""And 1 / this is the smallest."""


@strawberry.input(description="From `min` to `max`, both included; an end that is left out is open.")
class FloatRange:
    """A range of money or levels."""

    min: float | None = strawberry.UNSET
    max: float | None = strawberry.UNSET


@strawberry.input(description="Multiplies the odds of what it names; several boosts of one item multiply.")
class BoostInput:
    """An item that one boost names twice is boosted once."""

    factor: float = strawberry.field(
        description="2 doubles the odds, 0.5 halves them: its logarithm is added to the score. 0.01 to 100."
    )
    items: list[str] | None = strawberry.UNSET
    categories: list[str] | None = strawberry.field(default=strawberry.UNSET, description="And what is below them.")
    brands: list[str] | None = strawberry.UNSET


@strawberry.input(
    description="What a list may hold, and in which order. Everything given must hold; unknown ids hold nothing."
)
class ListFilter:
    """One input for all lists."""

    mode: Mode | None = strawberry.field(default=strawberry.UNSET, description="Null or left out: ALL.")
    budget: float | None = strawberry.field(
        default=strawberry.UNSET, description="No item above this price; none whose price is unknown."
    )
    price: FloatRange | None = strawberry.field(
        default=strawberry.UNSET, description="Of one piece, as the graph has it now; nothing whose price is unknown."
    )
    price_level: FloatRange | None = strawberry.field(
        default=strawberry.UNSET, description="Percentile of the price within its category, 0-1."
    )
    categories: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Full paths; with what is below them. Null: all. An empty list holds nothing.",
    )
    brands: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Ids. Null: all. An empty list holds nothing."
    )
    exclude: list[str] | None = strawberry.field(default=strawberry.UNSET, description="Items.")
    exclude_categories: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Full paths; with what is below them."
    )
    exclude_brands: list[str] | None = strawberry.field(default=strawberry.UNSET, description="Ids.")
    available: bool | None = strawberry.field(
        default=True,
        description="Only what the graph says now can be had. false: also what has been sold out since the training.",
    )
    per_category: int | None = strawberry.field(
        default=strawberry.UNSET, description="Most items of one leaf category in the whole list, 1 to 100."
    )
    diversity: float | None = strawberry.field(
        default=strawberry.UNSET,
        description="0: by score. 1: each place goes to the item least like those above it. Between: a mean of both.",
    )
    price_fit: float | None = strawberry.field(
        default=strawberry.UNSET,
        description="0 to 1. Adds this times 1 - 4 |price level of the item - the user's own| to the score.",
    )
    boosts: list[BoostInput] | None = strawberry.field(
        default=strawberry.UNSET, description="What the shop puts forward or holds back; up to 20."
    )
    pins: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Items that stand first, in this order, where the list may hold them."
    )


def query(
    given: ListFilter | None,
    *,
    mode: Mode | None = None,
    budget: float | None = None,
    categories: list[str] | None = None,
    exclude: list[str] | None = None,
    diversity: float | None = None,
    said: Collection[str] = (),
) -> Query:
    """Return what a list is asked to be, from the filter and from a field's own arguments.

    `said` are the arguments that the client gave (`arguments.said`): others may hold the field's defaults. What both
    say must be the same, but for `exclude`, which adds up. Raises `Refused` that names the argument.
    """
    asked = arguments.given(given) or ListFilter()
    # What only stands there as the field's default says nothing beside a filter; nor does null.
    beside = mode if "mode" in said or mode is not Mode.ALL else None
    modes = {one for one in (arguments.given(asked.mode), arguments.given(beside)) if one is not None}
    if len(modes) > 1:
        raise _twice("mode")
    spread = diversity if "diversity" in said or diversity != 0 else None
    given_spreads = (arguments.given(one) for one in (asked.diversity, spread))
    spreads = {arguments.share("diversity", one, 0.0) for one in given_spreads if one is not None}
    if len(spreads) > 1:
        raise _twice("diversity")
    own, other = arguments.amount("budget", asked.budget), arguments.amount("budget", budget)
    if own is not None and other is not None and own != other:
        raise _twice("budget")
    inside, shelves = arguments.ids("categories", asked.categories), arguments.ids("categories", categories)
    if inside is not None and shelves is not None and inside != shelves:
        raise _twice("categories")
    out = (arguments.ids("exclude", asked.exclude) or frozenset()) | (arguments.ids("exclude", exclude) or frozenset())
    return Query(
        mode=next(iter(modes), Mode.ALL),
        budget=other if own is None else own,
        categories=shelves if inside is None else inside,
        exclude=out,
        diversity=next(iter(spreads), 0.0),
        price=_range("price", asked.price, MAX_MONEY),
        price_level=_range("priceLevel", asked.price_level, 1.0),
        brands=arguments.ids("brands", asked.brands),
        exclude_categories=arguments.ids("excludeCategories", asked.exclude_categories) or frozenset(),
        exclude_brands=arguments.ids("excludeBrands", asked.exclude_brands) or frozenset(),
        per_category=_cap(arguments.given(asked.per_category)),
        boosts=_boosts(arguments.given(asked.boosts) or []),
        pins=_pins(arguments.given(asked.pins) or []),
        price_fit=arguments.share("priceFit", arguments.given(asked.price_fit), 0.0),
    )


def only_available(given: ListFilter | None) -> bool:
    """Whether a list may hold only what can be had now."""
    asked = arguments.given(given)
    return asked is None or arguments.given(asked.available) is not False


def holds(row: ItemRow, asked: Query, *, available: bool) -> bool:
    """Whether a list may hold an item as the graph has it now; `asked.mode` is not looked at."""
    if (available and not row.available) or row.id in asked.exclude:
        return False
    shelf, brand = row.category_id, row.brand_id
    return (
        _inside(Range(most=asked.budget) if asked.budget is not None else None, row.price)
        and _inside(asked.price, row.price)
        and _inside(asked.price_level, row.price_level)
        and (asked.categories is None or _below(shelf, asked.categories))
        and not _below(shelf, asked.exclude_categories)
        and (asked.brands is None or brand in asked.brands)
        and brand not in asked.exclude_brands
    )


def _inside(range_: Range | None, value: float | None) -> bool:
    if range_ is None:
        return True
    low, high = range_.least, range_.most
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def _below(shelf: str | None, categories: frozenset[str]) -> bool:
    if shelf is None or not categories:
        return False
    steps = shelf.split(CATEGORY_SEPARATOR)
    return any(CATEGORY_SEPARATOR.join(steps[:n]) in categories for n in range(1, len(steps) + 1))


def canonical(asked: Query) -> str:
    """Return the same text for the same query, in every process."""
    values = {part.name: getattr(asked, part.name) for part in fields(asked)}
    return repr({name: _ordered(value) for name, value in values.items()})


def _ordered(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(map(str, value))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, Boost):
        return (value.factor, sorted(value.items), sorted(value.categories), sorted(value.brands))
    if isinstance(value, tuple):
        return [_ordered(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _twice(name: str) -> Exception:
    return bad_input(name, f"`{name}` is given twice with different values: say it in `filter` or beside it.")


def _range(name: str, given: FloatRange | None, most: float) -> Range | None:
    found = arguments.given(given)
    if found is None:
        return None
    low, high = arguments.given(found.min), arguments.given(found.max)
    for end in (low, high):
        if end is not None and not 0 <= end <= most:
            raise bad_input(name, f"`{name}` must be from 0 to {most:,.0f} at both ends.")
    if low is not None and high is not None and low > high:
        raise bad_input(name, f"`{name}` begins above its end.")
    return Range(low, high)


def _cap(given: int | None) -> int | None:
    if given is not None and not 1 <= given <= MAX_FIRST:
        raise bad_input("perCategory", f"`perCategory` must be from 1 to {MAX_FIRST}, not {given}.")
    return given


def _boosts(given: Sequence[BoostInput]) -> tuple[Boost, ...]:
    if len(given) > MAX_BOOSTS:
        raise bad_input("boosts", f"`boosts` may have up to {MAX_BOOSTS} entries, not {len(given)}.")
    for boost in given:
        if not 1 / LARGEST_FACTOR <= boost.factor <= LARGEST_FACTOR:
            raise bad_input("boosts", f"`factor` must be from {1 / LARGEST_FACTOR:g} to {LARGEST_FACTOR:g}.")
    return tuple(
        Boost(
            factor=boost.factor,
            items=arguments.ids("boosts", boost.items) or frozenset(),
            categories=arguments.ids("boosts", boost.categories) or frozenset(),
            brands=arguments.ids("boosts", boost.brands) or frozenset(),
        )
        for boost in given
    )


def _pins(given: Sequence[str]) -> tuple[str, ...]:
    if len(given) > MAX_PINS:
        raise bad_input("pins", f"`pins` may have up to {MAX_PINS} items, not {len(given)}.")
    return tuple(name for name in dict.fromkeys(given) if len(name) <= MAX_ID)
