"""An item as it would be at another price, or with a promotion: the same model, asked about another world.

A change reaches the item as something to recommend. What the user did with it before was done at the price of then, so
the history, and with it the user's purchase power, stay as they are; so do the price levels of other items.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from gnn import features
from gnn.artefact import Artefact
from gnn.errors import ArtefactRefused
from gnn.state import ITEM_FEATURES, standardise


@dataclass(frozen=True, slots=True)
class ItemChange:
    """What is taken to be different of one item; None: as it is."""

    price: float | None = None
    promoted: bool | None = None
    """True: one more promotion, everywhere, that begins now. False: none has run lately."""


NOTHING: Mapping[str, ItemChange] = MappingProxyType({})

_DERIVED = ("item_index", "category_index", "shape", "channel_rate", "matrices", "ways")


def applied(artefact: Artefact, changes: Mapping[str, ItemChange]) -> Artefact:
    """Return the artefact with these items (by id) changed; unknown ones are passed over. The given one stays.

    Raises `ArtefactRefused` for a model that does not say how its item features were standardised.
    """
    rows = {artefact.item_index[name]: change for name, change in changes.items() if name in artefact.item_index}
    if not rows:
        return artefact
    state = artefact.state
    if not np.isfinite(state.item_scale).all():
        raise ArtefactRefused(
            f"artefact {artefact.version} was trained before items could be changed in thought", "Train again"
        )
    price, level, x_item = state.price.copy(), state.price_level.copy(), state.x_item.copy()
    for row, change in rows.items():
        if change.price is not None:
            price[row] = change.price
            if artefact.config.purchase_power:
                level[row] = price_level(artefact, row, change.price)
                _set(artefact, x_item, row, "price_level", float(level[row]))
                _set(artefact, x_item, row, "priced", 1.0)
        if change.promoted is not None:
            now, ever = (_raw(artefact, row, name) for name in ("promoted_now", "promoted_ever"))
            _set(artefact, x_item, row, "promoted_now", np.log1p(np.expm1(now) + 1) if change.promoted else 0.0)
            if change.promoted:
                _set(artefact, x_item, row, "promoted_ever", np.log1p(np.expm1(ever) + 1))
    changed = replace(artefact, state=replace(state, price=price, price_level=level, x_item=x_item))
    # What is derived from nothing that changed is not derived again.
    changed.__dict__.update({name: getattr(artefact, name) for name in _DERIVED})
    if "reach" in artefact.__dict__:  # small shops need none
        changed.__dict__["reach"] = artefact.reach
    return changed


def price_level(artefact: Artefact, row: int, price: float) -> float:
    """Return the price level (0-1) that an item would have at a price, as `features.price_levels` finds it."""
    prices = artefact.state.price
    others = np.isfinite(prices)
    others[row] = False
    parent = np.append(artefact.category_parent, -1)
    shelf, own = np.asarray(artefact.item_category), int(artefact.item_category[row])
    while own >= 0:
        beside = prices[others & (shelf == own)]
        if len(beside) + 1 >= features.SMALLEST_SHELF:
            return _among(beside, price)
        shelf, own = parent[shelf], int(parent[own])
    return _among(prices[others], price)


def _among(others: np.ndarray, price: float) -> float:
    return float(((others < price).sum() + ((others == price).sum() + 1) / 2) / (len(others) + 1))


def _raw(artefact: Artefact, row: int, name: str) -> float:
    column, state = ITEM_FEATURES.index(name), artefact.state
    scale = float(state.item_scale[column])
    if not scale:
        return float(state.item_mean[column])
    return max(float(state.x_item[row, column]) / scale + float(state.item_mean[column]), 0.0)


def _set(artefact: Artefact, x_item: Float[np.ndarray, "I Fi"], row: int, name: str, raw: float) -> None:
    column, state = ITEM_FEATURES.index(name), artefact.state
    x_item[row, column] = standardise(np.array([raw]), state.item_mean[[column]], state.item_scale[[column]])[0]
