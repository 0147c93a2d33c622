"""Contributions sum to the served score for 1,000 random pairs: also for who is new, and what is no candidate."""

from dataclasses import replace

import numpy as np

from gnn import explain, ranking
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.filters import Query
from gnn.ranking import History
from graph.snapshot import Snapshot
from tests import snapshots as shops
from tests.unit.gnn.support import history_of, stirred

PAIRS = 1_000


def patchy() -> Snapshot:
    """The small shop; a fifth of its items have no category, a fifth no brand, a tenth no price; some are sold out."""
    shop = shops.of_shop()
    rng = np.random.default_rng(5)
    n = len(shop.item_ids)
    without = {name: rng.random(n) < share for name, share in (("category", 0.2), ("brand", 0.2), ("price", 0.1))}
    return replace(
        shop,
        item_category=np.where(without["category"], -1, shop.item_category).astype(np.int32),
        item_brand=np.where(without["brand"], -1, shop.item_brand).astype(np.int32),
        item_price=np.where(without["price"], np.nan, shop.item_price),
        item_available=rng.random(n) < 0.8,
    )


SHOP = patchy()


def drawn(model: Artefact, rng: np.random.Generator) -> History:
    """Return somebody at random: of the shop, with one event, with none, with types that the model has never seen."""
    whole = history_of(SHOP, int(rng.integers(len(SHOP.user_ids))))
    size = int(rng.choice([0, 0, 1, 2, len(whole), len(whole), len(whole), len(whole)]))
    rows = rng.permutation(len(whole))[:size]
    columns = ("item", "type", "at", "quantity", "amount", "value", "context", "bought")
    found = replace(whole, **{name: getattr(whole, name)[rows] for name in columns})
    if rng.random() < 0.2:
        found.type[:] = -1
    if rng.random() < 0.3 and size:
        found.item[0] = rng.integers(len(model.item_ids))  # perhaps one that is no candidate
    return found


def test_contributions_sum_to_the_served_score_of_any_user_and_any_item():
    models = [stirred(SHOP, Config(heads=2, width=4, fusion=fusion)) for fusion in ("bilinear", "sum")]
    rng = np.random.default_rng(11)
    outside = without = cold = 0
    worst = 0.0
    for n in range(PAIRS):
        model = models[n % 2]
        history, item = drawn(model, rng), int(rng.integers(len(model.item_ids)))
        attributes: dict[str, str | float] = {"income": "high"} if rng.random() < 0.5 else {}
        now = SHOP.at + int(rng.integers(0, 10**14))
        # As `explain` is served: by its own item; as lists are: all candidates, or those asked for, at once.
        only = None if model.state.position[item] >= 0 else frozenset({model.item_ids[item]})
        served = ranking.score(model, history, now=now, query=Query(only=only), attributes=attributes).of(item)
        told = explain.explain(model, history, item, now=now, attributes=attributes)
        assert served is not None
        worst = max(worst, abs(sum(part.value for part in told.contributions) - served), abs(told.score - served))
        outside += only is not None
        without += SHOP.item_category[item] < 0
        cold += not len(history)
    assert worst < 1e-5
    # Each hard case came up more than a few times.
    assert min(outside, without, cold) > 50
