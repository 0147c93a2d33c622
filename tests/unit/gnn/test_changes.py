"""An item at another price or with a promotion is the item that the model would meet then, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest

from gnn import changes, explain, features, ranking, untrained
from gnn.artefact import Artefact
from gnn.changes import ItemChange
from gnn.config import Config
from gnn.errors import ArtefactRefused
from gnn.ranking import Query
from gnn.state import ITEM_FEATURES
from graph import snapshot as snapshots
from graph.snapshot import Snapshot
from tests import snapshots as shops
from tests.unit.gnn.support import history_of, stirred

DAY = 86_400_000_000


def with_promotions() -> Snapshot:
    """The small shop with two promotions, one of them lately."""
    shop = shops.of_shop()
    begun = [shop.at - 100 * DAY, shop.at - 3 * DAY]
    return replace(
        shop, promotions=snapshots.make_promotions([5, 9], begun, [at + 7 * DAY for at in begun], [1.0, 0.5])
    )


SHOP = with_promotions()


MODEL = stirred(SHOP)


def feature(model: Artefact, item: int, name: str) -> float:
    return float(model.state.x_item[item, ITEM_FEATURES.index(name)])


def test_a_price_level_follows_its_price_as_training_finds_it():
    prices = SHOP.item_price.copy()
    for item in range(0, 48, 5):
        for price in (0.0, 2.0, 7.5, 14.0, 1000.0):
            prices[item] = price
            _, expected = features.price_levels(replace(SHOP, item_price=prices))
            assert changes.price_level(MODEL, item, price) == pytest.approx(expected[item])
        prices[item] = SHOP.item_price[item]


@pytest.mark.parametrize("shelves", [1, 6, 40])
def test_an_item_on_a_small_shelf_or_without_one_is_compared_as_training_does(shelves: int):
    """40 shelves for 48 items: most hold fewer than five, so the parents and at last the whole shop are asked."""
    rng = np.random.default_rng(shelves)
    category = rng.integers(-1, shelves, 48).astype(np.int32)
    parent = np.array([-1 if n < 3 else int(rng.integers(0, 3)) for n in range(shelves)], np.int32)
    shop = replace(
        SHOP,
        category_ids=tuple(f"c{n}" for n in range(shelves)),
        category_parent=parent,
        item_category=category,
        item_price=np.where(rng.random(48) < 0.2, np.nan, rng.integers(1, 9, 48)).astype(np.float64),
        events=SHOP.events.take(np.zeros(len(SHOP.events), np.bool_)),
    )
    model = untrained.build(shop)
    for item in range(48):
        prices = shop.item_price.copy()
        prices[item] = 4.0
        _, expected = features.price_levels(replace(shop, item_price=prices))
        assert changes.price_level(model, item, 4.0) == pytest.approx(expected[item])


def test_nothing_but_the_named_item_changes_and_the_artefact_stays():
    before = MODEL.state.x_item.copy()
    found = changes.applied(MODEL, {"i8": ItemChange(price=99.0), "i10": ItemChange(promoted=True)})
    assert np.array_equal(MODEL.state.x_item, before)
    assert MODEL.state.price[8] == 6.0
    assert found.state.price[8] == 99.0
    moved = np.argwhere(found.state.x_item != before).tolist()
    assert moved == [[8, ITEM_FEATURES.index("price_level")]] + [
        [10, ITEM_FEATURES.index(name)] for name in ("promoted_now", "promoted_ever")
    ]
    assert found.matrices is MODEL.matrices


def test_a_promotion_counts_as_one_that_begins_now_and_its_absence_as_none_lately():
    promoted = changes.applied(MODEL, {"i5": ItemChange(promoted=True)})
    more = snapshots.make_promotions([5], [SHOP.at], [SHOP.at + DAY], [1.0])
    grown = replace(
        SHOP,
        promotions=snapshots.Promotions(
            *(
                np.append(getattr(SHOP.promotions, name), getattr(more, name))
                for name in ("item", "at", "until", "share")
            )
        ),
    )
    real = untrained.build(grown).state
    for name in ("promoted_now", "promoted_ever"):
        column = ITEM_FEATURES.index(name)
        raw = real.x_item[5, column] / real.item_scale[column] + real.item_mean[column]
        expected = (raw - MODEL.state.item_mean[column]) * MODEL.state.item_scale[column]
        assert feature(promoted, 5, name) == pytest.approx(min(expected, 5.0), abs=1e-4)
    stopped = changes.applied(MODEL, {"i9": ItemChange(promoted=False)})
    assert feature(stopped, 9, "promoted_now") == pytest.approx(feature(MODEL, 0, "promoted_now"))
    assert feature(stopped, 9, "promoted_ever") == feature(MODEL, 9, "promoted_ever")


def test_contributions_sum_to_the_score_of_the_changed_item_and_no_other_item_moves():
    history = history_of(SHOP, 0)
    what = {"i8": ItemChange(price=40.0, promoted=True), "i4": ItemChange(promoted=True)}
    before = ranking.score(MODEL, history, now=SHOP.at)
    after = ranking.score(MODEL, history, now=SHOP.at, items=what)
    told = explain.explain_many(MODEL, history, range(48), now=SHOP.at, changed=what)
    for item in range(47):
        assert sum(part.value for part in told[item].contributions) == pytest.approx(after.of(item), abs=1e-9)
        assert (before.of(item) != after.of(item)) == (item in (4, 8))


def test_a_budget_is_held_against_the_changed_price():
    history = history_of(SHOP, 0)
    cheap = ranking.score(MODEL, history, now=SHOP.at, query=Query(budget=3.0), items={"i40": ItemChange(price=2.0)})
    assert 40 in cheap.best(50).item
    assert cheap.place(40) is not None
    assert cheap.place(30) is None


def test_an_unpriced_item_gets_a_price_and_unknown_items_are_passed_over():
    prices = SHOP.item_price.copy()
    prices[7] = np.nan
    model = untrained.build(replace(SHOP, item_price=prices, events=SHOP.events.take(SHOP.events.item != 7)))
    assert feature(model, 7, "priced") < 0
    found = changes.applied(model, {"i7": ItemChange(price=5.0), "moon": ItemChange(price=1.0)})
    assert feature(found, 7, "priced") == feature(model, 8, "priced")
    assert changes.applied(model, {"moon": ItemChange(price=1.0)}) is model


def test_a_model_without_prices_knows_none_in_thought_either():
    model = stirred(SHOP, Config(heads=2, width=4, purchase_power=False))
    history = history_of(SHOP, 0)
    after = ranking.score(model, history, now=SHOP.at, items={"i8": ItemChange(price=40.0)})
    assert after.of(8) == pytest.approx(ranking.score(model, history, now=SHOP.at).of(8), abs=1e-9)
    assert after.artefact.state.price[8] == 40.0


def test_an_artefact_that_does_not_say_its_units_is_refused():
    unsaid = np.full(len(ITEM_FEATURES), np.nan)
    old = replace(MODEL, state=replace(MODEL.state, item_mean=unsaid, item_scale=unsaid))
    with pytest.raises(ArtefactRefused, match="in thought"):
        changes.applied(old, {"i8": ItemChange(price=1.0)})
    assert changes.applied(old, {}) is old


def test_a_place_is_where_the_item_stands_in_the_whole_list():
    history = history_of(SHOP, 0)
    scored = ranking.score(MODEL, history, now=SHOP.at, query=Query(exclude=frozenset({"i3"})))
    whole = scored.best(10**6)
    assert [scored.place(int(item)) for item in whole.item] == list(range(1, len(whole.item) + 1))
    assert scored.place(3) is None
    assert scored.of(3) is not None
    assert scored.of(47) is None  # not a candidate
    assert scored.place(47) is None
