"""The small shop as a snapshot, without a database: what tests of the network stand on."""

from collections.abc import Sequence

import numpy as np

from gnn.held_out import Cut, HeldOut
from graph import snapshot as snapshots
from graph.snapshot import Attribute, Snapshot
from tests import shop as shops


def of_shop(shop: shops.Shop | None = None) -> Snapshot:
    """Return the rows of a shop as numpy columns, as the graph would give them."""
    shop = shops.make() if shop is None else shop
    user_ids = [str(row["user_id"]) for row in shop.users]
    item_ids = [str(row["item_id"]) for row in shop.items]
    users = {name: row for row, name in enumerate(user_ids)}
    items = {name: row for row, name in enumerate(item_ids)}
    categories: dict[str, int] = {}
    parents: list[int] = []
    for row in shop.items:
        parts = str(row["category"]).split(" > ")
        for depth in range(len(parts)):
            name = " > ".join(parts[: depth + 1])
            if name not in categories:
                parents.append(categories[" > ".join(parts[:depth])] if depth else -1)
                categories[name] = len(categories)
    brands = sorted({str(row["brand"]) for row in shop.items})
    types = sorted({str(row["type"]) for row in shop.events})
    contexts = sorted({str(row["context"]) for row in shop.events})

    def numbers(name: str) -> list[float]:
        return [float(row[name]) if row.get(name) is not None else np.nan for row in shop.events]  # pyright: ignore[reportArgumentType]

    return snapshots.build(
        user_ids=user_ids,
        item_ids=item_ids,
        event_types=types,
        contexts=contexts,
        item_titles=[str(row["title"]) for row in shop.items],
        category_ids=list(categories),
        category_parent=parents,
        item_category=[categories[str(row["category"])] for row in shop.items],
        brand_ids=brands,
        item_brand=[brands.index(str(row["brand"])) for row in shop.items],
        item_price=[float(str(row["price"])) for row in shop.items],
        item_available=[bool(row["available"]) for row in shop.items],
        attributes={
            "income": Attribute(
                "ordinal", np.array([row["income"] == "high" for row in shop.users], np.float32), ("low", "high")
            ),
            "age": Attribute("numeric", np.array([row["age"] for row in shop.users], np.float32)),
            "city": Attribute(
                "categorical", np.array([row["city"] == "Rome" for row in shop.users], np.float32), ("Oslo", "Rome")
            ),
        },
        events=snapshots.make_events(
            user=[users[str(row["user_id"])] for row in shop.events],
            item=[items[str(row["item_id"])] for row in shop.events],
            type=[types.index(str(row["type"])) for row in shop.events],
            at=[int(str(row["at"])) for row in shop.events],
            quantity=numbers("quantity"),
            amount=numbers("amount"),
            value=numbers("value"),
            context=[contexts.index(str(row["context"])) for row in shop.events],
            basket=[snapshots.basket_hash(str(row["basket_id"])) for row in shop.events],
        ),
    )


def cut(snapshot: Snapshot, share: float) -> Snapshot:
    """Return the snapshot as it was when this share of its time had passed."""
    first, last = int(snapshot.events.at.min()), int(snapshot.events.at.max())
    return snapshot.until(first + int((last - first) * share))


def periods(cuts: Sequence[HeldOut]) -> list[Cut]:
    """Return what is held out where it is known to be periods in time."""
    found = [cut for cut in cuts if isinstance(cut, Cut)]
    assert len(found) == len(cuts)
    return found
