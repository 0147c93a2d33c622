"""What the graph says of itself once events are loaded: each user's purchase power, each item's price level.

The network computes the same from its own snapshot at its own cut; what is written here is for people who explore the
graph and for the API, which show the present.
"""

import math

import numpy as np

from graph.client import Client
from graph.snapshot import Snapshot
from loaders.progress import Progress, Silent, counted


def write_derived(client: Client, snapshot: Snapshot, progress: Progress | None = None) -> tuple[int, int]:
    """Write purchase power and price levels of `snapshot` into the graph; return (users, items) written."""
    from gnn import features
    from graph import write

    power = features.purchase_power(snapshot)
    columns = {
        "spend_per_week": power.spend_per_week,
        "basket_value": power.basket_value,
        "price_level": power.price_level,
        "discount_share": power.discount_share,
        "purchases": power.purchases,
    }
    income = incomes(snapshot)
    users = [
        {"id": user, **{name: _number(column[row]) for name, column in columns.items()}, "income": income[row]}
        for row, user in enumerate(snapshot.user_ids)
    ]
    price, level = features.price_levels(snapshot)
    items = [
        {"id": item, "price": _number(price[row]), "price_level": _number(level[row])}
        for row, item in enumerate(snapshot.item_ids)
    ]
    told = progress or Silent()
    return (
        write.purchase_power(client, counted(users, "Writing purchase power", len(users), told)),
        write.price_levels(client, counted(items, "Writing price levels", len(items), told)),
    )


def incomes(snapshot: Snapshot) -> list[str | None]:
    """Return each user's income as the shop names it; None where it is unknown or the shop has none."""
    attribute = snapshot.attributes.get("income")
    if attribute is None:
        return [None] * len(snapshot.user_ids)
    if not attribute.levels:
        return [None if np.isnan(value) else f"{value:g}" for value in attribute.values]
    return [None if np.isnan(value) else attribute.levels[int(value)] for value in attribute.values]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
