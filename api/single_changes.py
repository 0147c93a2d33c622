"""Which single change would put an item on a list: each is tried by ranking again, and only what works is told."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import strawberry

from api import lists
from api.context import Context
from api.imagined import SessionEventInput, with_events
from api.lists import Wish
from api.obstacles import Against, ObstacleKind
from api.shoppers import Shopper
from api.types import Node
from gnn.artefact import Artefact
from gnn.changes import ItemChange
from gnn.filters import EVERYTHING, Mode
from graph.explore import ItemRow

REDUCTIONS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75)
"""Shares of the price that are taken off in turn, until one puts the item on the list."""

# Parts of a query that hold items off: leaving out one that does not hold this item off only adds rivals.
_HOLDING = frozenset(
    {"budget", "price", "price_level", "categories", "exclude_categories", "brands", "exclude_brands", "exclude"}
)
_ORDERING = ("per_category", "diversity", "boosts", "pins", "price_fit")


@strawberry.enum(description="What would be different.")
class SingleChangeKind(StrEnum):
    """One thing and nothing else."""

    VIEW = "VIEW"
    CART = "CART"
    PURCHASE = "PURCHASE"
    PROMOTION = "PROMOTION"
    PRICE = "PRICE"
    BUDGET = "BUDGET"
    FILTER = "FILTER"
    MODE = "MODE"


@dataclass(frozen=True, slots=True)
class Change:
    """A change, and the world in which it has happened."""

    kind: SingleChangeKind
    shopper: Shopper
    wish: Wish
    lifts: frozenset[str] = frozenset()
    """The parts of the query that it can get the item past."""
    amount: float | None = None
    part: str | None = None
    """The part of the query that is left out."""
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A change that puts the item on the list, at this place."""

    change: Change
    rank: int


async def search(
    context: Context,
    shopper: Shopper,
    artefact: Artefact,
    user: Node,
    wish: Wish,
    against: Sequence[Against],
    row: ItemRow,
) -> list[Found]:
    """Return every single change that puts the item on the list; of prices the highest of those that are tried."""
    index = artefact.item_index.get(row.id)
    gone = any(one.kind is ObstacleKind.LEFT_THE_SHOP for one in against)
    if gone or index is None or artefact.state.position[index] < 0:
        return []
    hold = {one.part for one in against if one.part is not None and one.part not in _ORDERING}
    found: list[Found] = []
    for change in _changes(artefact, shopper, wish, hold, row):
        if hold - change.lifts or any(one.change.kind is change.kind is SingleChangeKind.PRICE for one in found):
            continue
        page = await lists.listed(context, change.shopper, artefact, user, change.wish, explained=False)
        rank = next((node.rank for node in page.nodes if node.item.external_id == row.id), None)
        if rank is not None:
            found.append(Found(change, rank))
    return found


def _changes(artefact: Artefact, shopper: Shopper, wish: Wish, hold: set[str], row: ItemRow) -> Iterator[Change]:
    for kind in (SingleChangeKind.VIEW, SingleChangeKind.CART, SingleChangeKind.PURCHASE):
        done = with_events(shopper.row, [SessionEventInput(item=row.id, type=kind.value.lower())])
        lifts = {"dismissed", "mode"} if kind is SingleChangeKind.PURCHASE else {"dismissed"}
        yield Change(kind, Shopper(done, shopper.now, shopper.items), wish, frozenset(lifts))
    if np.isfinite(artefact.state.item_scale).all():
        other = shopper.with_items({**shopper.items, row.id: ItemChange(promoted=True)})
        yield Change(SingleChangeKind.PROMOTION, other, wish)
        for price in _prices(artefact, wish, row):
            other = shopper.with_items({**shopper.items, row.id: ItemChange(price=price)})
            yield Change(
                SingleChangeKind.PRICE, other, wish, frozenset({"budget", "price", "price_level"}), amount=price
            )
    cost = _cost(artefact, row)
    if cost is not None and cost != wish.query.budget:
        # A budget below this does not admit the item; one above admits more rivals.
        cheap = replace(wish, query=replace(wish.query, budget=cost))
        yield Change(SingleChangeKind.BUDGET, shopper, cheap, frozenset({"budget"}), amount=cost)
    if "available" in hold:
        everything = replace(wish, available=False)
        yield Change(SingleChangeKind.FILTER, shopper, everything, frozenset({"available"}), part="available")
    for part in (*sorted(_HOLDING & hold), *_ORDERING):
        nothing = getattr(EVERYTHING, part)
        if getattr(wish.query, part) != nothing:
            without = replace(wish, query=replace(wish.query, **{part: nothing}))
            yield Change(SingleChangeKind.FILTER, shopper, without, frozenset({part}), part=part)
    for mode in Mode:
        if mode is not wish.query.mode:
            other = replace(wish, query=replace(wish.query, mode=mode))
            yield Change(SingleChangeKind.MODE, shopper, other, frozenset({"mode"}), mode=mode)


def _cost(artefact: Artefact, row: ItemRow) -> float | None:
    """Return the lowest budget that admits an item, by the model's price and by that of now; None where none does."""
    known = float(artefact.state.price[artefact.item_index[row.id]])
    return None if math.isnan(known) else max(known, row.price or 0.0)


def _prices(artefact: Artefact, wish: Wish, row: ItemRow) -> list[float]:
    cost = _cost(artefact, row)
    if not cost:
        return []
    query = wish.query
    ends = [query.budget, query.price.most if query.price else None]
    tried = {round(cost * (1 - share), 2) for share in REDUCTIONS} | {end for end in ends if end is not None}
    return sorted((price for price in tried if 0 < price < cost), reverse=True)
