"""What a list is asked to be: which items it may hold, and what is added to their scores on request."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float64, Int64

from gnn.artefact import Artefact


class Mode(StrEnum):
    """Which items a list may hold."""

    ALL = "all"
    DISCOVER = "discover"
    """Only items that the user never bought."""
    REBUY = "rebuy"
    """Only items that the user bought before."""


@dataclass(frozen=True, slots=True)
class Range:
    """From `least` to `most`, both included; None leaves an end open."""

    least: float | None = None
    most: float | None = None

    def holds(self, values: Float64[np.ndarray, "P"]) -> Bool[np.ndarray, "P"]:
        """Return which values lie inside; one that is unknown (nan) cannot be promised to."""
        low = -np.inf if self.least is None else self.least
        high = np.inf if self.most is None else self.most
        return (values >= low) & (values <= high)


@dataclass(frozen=True, slots=True)
class Boost:
    """Multiplies the odds of the named items by `factor`: adds its logarithm to their scores.

    An item that is named twice in one boost (by id and by brand, say) is boosted once; several boosts multiply.
    """

    factor: float
    items: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    """Everything below them counts."""
    brands: frozenset[str] = frozenset()


class Added(StrEnum):
    """What a request adds to the model's own score."""

    BOOST = "boost"
    FEEDBACK = "feedback"
    PRICE_LEVEL = "price_level"


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked to be; unknown ids hold nothing."""

    mode: Mode = Mode.ALL
    budget: float | None = None
    """No item above this price, nor one whose price is unknown."""
    categories: frozenset[str] | None = None
    """Ids; everything below them counts."""
    exclude: frozenset[str] = frozenset()
    """Item ids."""
    diversity: float = 0.0
    """See `gnn.diversity`."""
    price: Range | None = None
    price_level: Range | None = None
    """Percentile of the price within the category, 0-1."""
    brands: frozenset[str] | None = None
    exclude_categories: frozenset[str] = frozenset()
    exclude_brands: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    """Item ids; also such as lists are otherwise not made of (too few buyers, not available when trained)."""
    per_category: int | None = None
    """Most items of one leaf category; items without a category are not counted."""
    boosts: tuple[Boost, ...] = ()
    pins: tuple[str, ...] = ()
    """Items that stand first, in this order, whatever their score, where the list may hold them."""
    price_fit: float = 0.0
    """What nearness to the user's own price level adds: this times 1 - 4 |level of item - level of user|."""
    feedback: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Item id -> what is added to its score for what the user said of it, or of items like it."""


EVERYTHING = Query()


def allowed(
    artefact: Artefact, query: Query, items: Int64[np.ndarray, "P"], bought: Bool[np.ndarray, "I"]
) -> Bool[np.ndarray, "P"]:
    """Return which of these items (rows of the artefact) the list may hold; `bought` are those the user bought."""
    state = artefact.state
    found = np.ones(len(items), np.bool_)
    if query.mode is not Mode.ALL:
        found &= bought[items] == (query.mode is Mode.REBUY)
    for inside in (None if query.budget is None else Range(most=query.budget), query.price):
        if inside is not None:
            found &= inside.holds(state.price[items])
    if query.price_level is not None:
        found &= query.price_level.holds(state.price_level[items])
    if query.categories is not None:
        found &= within(artefact, query.categories)[artefact.item_category[items]]
    if query.exclude_categories:
        found &= ~within(artefact, query.exclude_categories)[artefact.item_category[items]]
    if query.brands is not None:
        found &= made_by(artefact, query.brands)[state.brand[items]]
    if query.exclude_brands:
        found &= ~made_by(artefact, query.exclude_brands)[state.brand[items]]
    if query.exclude:
        found &= ~named(artefact, query.exclude)[items]
    return found


def against(artefact: Artefact, query: Query, item: int, *, bought: bool) -> tuple[str, ...]:
    """Return the parts of the query, by their names, that keep this item (a row) off a list; `bought`: by the user."""
    mine = np.zeros(len(artefact.item_ids), np.bool_)
    mine[item] = bought
    alone = {part.name: replace(EVERYTHING, **{part.name: getattr(query, part.name)}) for part in fields(Query)}
    return tuple(name for name, part in alone.items() if not allowed(artefact, part, np.array([item]), mine)[0])


def added(
    artefact: Artefact, query: Query, items: Int64[np.ndarray, "P"], level: float
) -> dict[Added, Float64[np.ndarray, "P"]]:
    """Return what the query adds to the scores of these items, by kind; kinds that add nothing are left out.

    `level`: the user's own price level, nan when unknown; the fit then adds nothing.
    """
    found: dict[Added, Float64[np.ndarray, "P"]] = {}
    if query.boosts:
        found[Added.BOOST] = np.zeros(len(items))
        for boost in query.boosts:
            hit = named(artefact, boost.items)[items]
            hit |= within(artefact, boost.categories)[artefact.item_category[items]]
            hit |= made_by(artefact, boost.brands)[artefact.state.brand[items]]
            found[Added.BOOST][hit] += np.log(boost.factor)
    if query.feedback:
        whole = np.zeros(len(artefact.item_ids))
        for name, value in query.feedback.items():
            if (row := artefact.item_index.get(name)) is not None:
                whole[row] = value
        found[Added.FEEDBACK] = whole[items]
    if query.price_fit and np.isfinite(level):
        away = np.abs(artefact.state.price_level[items] - level)
        found[Added.PRICE_LEVEL] = query.price_fit * np.nan_to_num(1.0 - 4.0 * away, nan=0.0)
    return found


def named(artefact: Artefact, ids: frozenset[str]) -> Bool[np.ndarray, "I"]:
    """Return which items have these ids."""
    found = np.zeros(len(artefact.item_ids), np.bool_)
    found[[artefact.item_index[name] for name in ids if name in artefact.item_index]] = True
    return found


def made_by(artefact: Artefact, brands: frozenset[str]) -> Bool[np.ndarray, "B1"]:
    """Return which brands have these ids; the last entry, for items without one, is false."""
    return np.array([*(name in brands for name in artefact.brand_ids), False], np.bool_)


def within(artefact: Artefact, categories: frozenset[str]) -> Bool[np.ndarray, "C1"]:
    """Return which categories lie under the named ones; the last entry, for items without one, is false."""
    parent = np.asarray(artefact.category_parent)
    inside = np.zeros(len(parent) + 1, np.bool_)
    rows = [artefact.category_index[name] for name in categories if name in artefact.category_index]
    inside[rows] = True
    for _ in range(len(parent)):
        grown = inside.copy()
        grown[:-1] |= inside[parent]  # a root's parent is -1: the last entry, which stays false
        grown[-1] = False
        if (grown == inside).all():
            break
        inside = grown
    return inside
