"""What a list may hold, what is added to its scores, and how it is arranged."""

import numpy as np
import pytest

from gnn import diversity, explain, ranking, untrained
from gnn.filters import Added, Boost, Query, Range
from graph import snapshot as snapshots
from tests import snapshots as shops
from tests.unit.gnn.support import history_of

SHOP = shops.of_shop()
MODEL = untrained.build(SHOP)
HISTORY = history_of(SHOP, 0)
LEAF = SHOP.item_category


def ranked(k: int = 1_000, **asked: object) -> ranking.Ranked:
    return ranking.rank(MODEL, HISTORY, now=SHOP.at, k=k, query=Query(**asked))  # pyright: ignore[reportArgumentType]


def listed(k: int = 1_000, **asked: object) -> list[int]:
    return ranked(k, **asked).item.tolist()


def test_ranges_hold_at_both_ends_and_leave_out_what_is_unknown() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan])
    assert Range(1.0, 2.0).holds(values).tolist() == [True, True, False, False]
    assert Range(least=3.0).holds(values).tolist() == [False, False, True, False]
    assert {SHOP.item_price[i] for i in listed(price=Range(5.0, 7.0))} == {5.0, 5.5, 6.0, 6.5, 7.0}
    levels = MODEL.state.price_level[listed(price_level=Range(0.5, 1.0))]
    assert len(levels)
    assert (levels >= 0.5).all()


def test_brands_and_excluded_branches_hold() -> None:
    assert {SHOP.brand_ids[SHOP.item_brand[i]] for i in listed(brands=frozenset({"Basalt"}))} == {"Basalt"}
    without = listed(exclude_categories=frozenset({"Home"}), exclude_brands=frozenset({"Basalt", "nobody"}))
    assert without
    assert all(i % 4 < 2 and SHOP.brand_ids[SHOP.item_brand[i]] != "Basalt" for i in without)


def test_only_ranks_exactly_the_named_items_candidates_or_not() -> None:
    wanted = frozenset({"i47", "i3", "i8"})  # i47 is not available: no list holds it by itself
    assert {SHOP.item_ids[i] for i in listed(only=wanted)} == wanted
    scores = dict(zip(ranked().item.tolist(), ranked().score.tolist(), strict=True))
    found = ranked(only=wanted)
    for item, score in zip(found.item.tolist(), found.score.tolist(), strict=True):
        if item in scores:
            assert score == pytest.approx(scores[item], abs=1e-9)
            assert score == pytest.approx(explain.explain(MODEL, HISTORY, item, now=SHOP.at).score, abs=1e-9)


def test_a_boost_adds_the_logarithm_of_its_factor_once_and_is_told_apart() -> None:
    plain, boosts = (
        ranked(),
        (Boost(3.0, frozenset({"i2"}), frozenset({"Home"})), Boost(0.5, brands=frozenset({"Arbor"}))),
    )
    found = ranked(boosts=boosts)
    base = dict(zip(plain.item.tolist(), plain.score.tolist(), strict=True))
    for n, item in enumerate(found.item.tolist()):
        expected = np.log(3.0) * (item % 4 >= 2) + np.log(0.5) * (item % 3 == 0)
        assert found.added[Added.BOOST][n] == pytest.approx(expected)
        assert found.score[n] == pytest.approx(base[item] + expected)
    assert (np.diff(found.score) <= 0).all()
    assert plain.added == {}


def test_price_fit_pulls_towards_the_users_own_level() -> None:
    def away(items: list[int]) -> float:
        return float(np.abs(MODEL.state.price_level[items[:8]] - own).mean())

    own = float(MODEL.state.price_level[HISTORY.item[HISTORY.bought]].mean())
    assert away(listed(price_fit=1.0)) < away(listed())
    nobody = ranking.history(MODEL, [], [], [], [], [], [], [])
    assert ranking.rank(MODEL, nobody, now=SHOP.at, k=5, query=Query(price_fit=1.0)).added == {}


def test_what_was_said_of_items_is_added_by_name() -> None:
    first = SHOP.item_ids[listed(1)[0]]
    found = ranked(feedback={first: -100.0, "gone": 1.0})
    assert SHOP.item_ids[found.item[-1]] == first
    assert found.added[Added.FEEDBACK][-1] == -100.0


def test_pins_stand_first_in_their_order_where_the_list_may_hold_them() -> None:
    found = ranked(6, pins=("i46", "nothing", "i47", "i1", "i46"))
    assert [SHOP.item_ids[i] for i in found.item[:2]] == ["i46", "i1"]
    assert len(set(found.item.tolist())) == 6
    assert found.item[2:].tolist() == [i for i in listed() if i not in (46, 1)][:4]
    assert "i46" not in [SHOP.item_ids[i] for i in listed(6, pins=("i46",), budget=10.0)]


@pytest.mark.parametrize("spread", [0.0, 0.4, 1.0])
def test_no_category_has_more_than_its_cap_and_pins_count(spread: float) -> None:
    found = listed(per_category=2, diversity=spread, pins=("i4", "i8"))
    assert found[:2] == [4, 8]
    assert len(found) == 8
    assert np.bincount(LEAF[found]).max() == 2


def test_without_diversity_the_list_is_in_the_order_of_scores() -> None:
    assert (np.diff(ranked(diversity=0.0).score) <= 0).all()


def test_full_diversity_goes_round_the_categories() -> None:
    found = listed(16, diversity=1.0)
    for end in range(4, 17, 4):
        assert set(np.bincount(LEAF[found[:end]], minlength=len(SHOP.category_ids)).tolist()) == {0, end // 4}
    assert found[0] == listed(1)[0]


def test_more_diversity_makes_a_list_less_alike() -> None:
    def likeness(items: list[int]) -> float:
        rows = np.array(items, np.int64)
        at = diversity.shelves(MODEL, rows)
        return float(np.mean([diversity.alike(MODEL, rows, at, n).sum() - 1 for n in range(len(rows))]))

    found = [likeness(listed(10, diversity=d)) for d in (0.0, 0.5, 1.0)]
    assert found[0] >= found[1] >= found[2]
    assert found[0] > found[2]


def test_a_shop_without_categories_is_diversified_by_what_the_model_makes_of_its_items() -> None:
    bare = untrained.build(
        snapshots.build(
            user_ids=SHOP.user_ids,
            item_ids=SHOP.item_ids,
            event_types=SHOP.event_types,
            contexts=SHOP.contexts,
            events=SHOP.events,
        )
    )
    history = history_of(SHOP, 0)
    lists = [ranking.rank(bare, history, now=SHOP.at, k=12, query=Query(diversity=d)).item for d in (0.0, 1.0)]
    taste = [float(np.mean(items % 4 < 2)) for items in lists]
    assert taste[0] > 0.9
    assert taste[1] < taste[0]


def test_likeness_is_the_shared_part_of_the_paths() -> None:
    rows = np.array([0, 4, 1, 2], np.int64)  # Coffee, Coffee, Tea, Garden
    assert diversity.alike(MODEL, rows, diversity.shelves(MODEL, rows), 0).tolist() == [1.0, 1.0, 0.5, 0.0]
