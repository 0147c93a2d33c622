"""A user's purchase power: as the graph has written it, or, of somebody new, as the first purchases show it."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from api.facts import Certainty, PowerCertainty, PurchasePower
from api.shoppers import Shopper
from gnn import features
from gnn.artefact import Artefact

_FIGURES = ("spend_per_week", "basket_value", "price_level", "discount_share")


def power(shopper: Shopper, artefact: Artefact | None) -> PurchasePower:
    """Return the figures with how sure each is; those of the last load or training where there are any."""
    properties = shopper.row.properties
    income = properties.get("income")
    if not properties.get("purchases"):
        properties = _first(shopper, artefact)
    purchases = int(properties.get("purchases") or 0)
    figures: dict[str, float | None] = {name: properties.get(name) for name in _FIGURES}

    def sure(name: str) -> Certainty:
        return Certainty.UNKNOWN if figures[name] is None else Certainty.INFERRED

    return PurchasePower(
        income=None if income is None else str(income),
        spend_per_week=figures["spend_per_week"],
        basket_value=figures["basket_value"],
        price_level=figures["price_level"],
        discount_share=figures["discount_share"],
        purchases=purchases,
        known=Certainty.KNOWN if income is not None else Certainty.INFERRED if purchases else Certainty.UNKNOWN,
        certainty=PowerCertainty(
            income=Certainty.UNKNOWN if income is None else Certainty.KNOWN,
            spend_per_week=sure("spend_per_week"),
            basket_value=sure("basket_value"),
            price_level=sure("price_level"),
            discount_share=sure("discount_share"),
        ),
    )


def _first(shopper: Shopper, artefact: Artefact | None) -> Mapping[str, Any]:
    """Return the figures that follow from the events themselves; the purchases of one day are one basket."""
    if artefact is None:
        return {}
    row = shopper.row
    index = artefact.item_index
    known = [
        n for n, (name, kind) in enumerate(zip(row.item_ids, row.types, strict=True)) if name in index and kind in _SIGN
    ]
    if not known:
        return {}
    found = features.spending(
        1,
        user=np.zeros(len(known), np.int64),
        item=np.array([index[row.item_ids[n]] for n in known], np.int64),
        sign=np.array([_SIGN[row.types[n]] for n in known]),
        at=np.array([row.at[n] for n in known], np.int64),
        quantity=_numbers([row.quantity[n] for n in known]),
        amount=_numbers([row.amount[n] for n in known]),
        basket=np.full(len(known), -1, np.int64),
        price=artefact.state.price,
        price_level=artefact.state.price_level,
        now=shopper.now,
    )
    figures = {name: float(getattr(found, name)[0]) for name in _FIGURES}
    return {
        **{name: None if math.isnan(value) else value for name, value in figures.items()},
        "purchases": int(found.purchases[0]),
    }


_SIGN = {"purchase": 1.0, "return": -1.0}


def _numbers(values: list[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in values])
