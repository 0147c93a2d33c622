"""Purchase power, prices and history edges on shops whose answer can be said beforehand."""

import numpy as np
import pytest

from gnn import features, history, moment
from gnn.config import Config
from gnn.item_edges import cosine, ease
from gnn.state import ITEM_FEATURES
from graph import snapshot as snapshots
from graph.snapshot import Events, Snapshot, make_promotions

DAY = features.DAY_US


def shop(**given: object) -> Snapshot:
    """Two users, five items on one shelf; u0 buys items 0 and 1 in one basket, then item 0 at half price."""
    columns: dict[str, object] = {
        "user_ids": ["u0", "u1"],
        "item_ids": [f"i{n}" for n in range(5)],
        "event_types": ("purchase", "return", "view"),
        "category_ids": ["A", "A > B"],
        "category_parent": [-1, 0],
        "item_category": [1] * 5,
        "item_price": [2.0, 4.0, 6.0, 8.0, 10.0],
        "at": 14 * DAY,
        "events": snapshots.make_events(
            [0, 0, 0, 1],
            [0, 1, 0, 4],
            [0, 0, 0, 2],
            [0, 0, 7 * DAY, DAY],
            quantity=[2, 1, 1, np.nan],
            amount=[4.0, 4.0, 1.0, np.nan],
            basket=[5, 5, 6, -1],
        ),
    }
    return snapshots.build(**(columns | given))  # pyright: ignore[reportArgumentType]


def test_purchase_power_of_a_known_user():
    power = features.purchase_power(shop())
    assert power.spend_per_week[0] == pytest.approx(9.0 / 2)
    assert power.basket_value[0] == pytest.approx((8.0 + 1.0) / 2)
    assert power.discount_share[0] == pytest.approx(1.0 - 9.0 / 10.0)
    assert power.price_level[0] == pytest.approx((0.1 + 0.3 + 0.1) / 3)
    assert power.purchases.tolist() == [3, 0]
    assert np.isnan([power.spend_per_week[1], power.basket_value[1], power.price_level[1]]).all()


def test_a_stray_event_years_later_makes_nobody_poor():
    days = list(range(2000))

    def events(stray: list[int]) -> Events:
        n = len(stray)
        types, paid = [0] * 2000 + [2] * n, [1.0] * 2000 + [np.nan] * n
        users, items = [day % 2 for day in days] + [1] * n, [day % 5 for day in days] + [4] * n
        return snapshots.make_events(users, items, types, [day * DAY // 10 for day in days] + stray, amount=paid)

    usual = features.purchase_power(shop(at=200 * DAY, events=events([])))
    late = features.purchase_power(shop(at=4000 * DAY + 1, events=events([4000 * DAY])))
    assert usual.spend_per_week == pytest.approx([35.0, 35.0], rel=0.01)
    assert late.spend_per_week == pytest.approx(usual.spend_per_week, rel=0.01)


def test_price_levels_are_percentiles_within_the_shelf():
    price, level = features.price_levels(shop())
    assert price.tolist() == [2.0, 4.0, 6.0, 8.0, 10.0]
    assert level.tolist() == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])


def test_equal_prices_all_stand_in_the_middle_and_unknown_ones_nowhere():
    _, level = features.price_levels(shop(item_price=[3.0, 3.0, 3.0, 3.0, 3.0]))
    assert level.tolist() == [0.5] * 5
    _, level = features.price_levels(shop(item_price=[np.nan] * 5))
    assert np.isnan(level[[2, 3, 4]]).all()


def test_without_declared_prices_they_come_from_what_was_paid_for_a_piece():
    price, _ = features.price_levels(shop(item_price=[np.nan] * 5))
    assert price[:2].tolist() == [1.5, 4.0]  # the median of 2.0 and 1.0
    assert np.isnan(price[2:]).all()


def test_the_target_is_purchase_or_else_the_most_frequent_type():
    assert features.target_type(("view", "purchase"), np.array([9, 1])) == 1
    assert features.target_type(("view", "purchase"), np.array([9, 0])) == 0
    assert features.target_type(("view", "wish"), np.array([2, 9]), "view") == 0
    assert features.target_type((), np.zeros(0, np.int64)) == -1


def test_events_of_one_day_count_once_and_returns_take_back():
    snapshot = shop(
        events=snapshots.make_events([0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1], [DAY, DAY + 5, DAY, 2 * DAY])
    )
    scheme = history.make_scheme(snapshot, heads=1)
    edges = history.fold_snapshot(scheme, snapshot)
    assert edges.days.tolist() == [1.0, 1.0]
    assert edges.base[0, 0] == pytest.approx(np.log(2))
    assert edges.base[1, 0] < 0.01


def test_half_lives_are_shares_of_the_time_that_the_events_span():
    snapshot = shop()
    scheme = history.make_scheme(snapshot, heads=3)
    assert scheme.half_lives_days == pytest.approx((7 / 3, 7 / 6, 7 / 12))
    assert not history.make_scheme(shop(events=snapshots.make_events([0], [0], [0], [5])), heads=1).timed


def test_a_stray_event_years_later_does_not_move_the_clock():
    n = 200
    snapshot = shop(
        events=snapshots.make_events([0] * n, [0] * n, [0] * n, [*(k * DAY // 10 for k in range(n - 1)), 3000 * DAY]),
        at=3000 * DAY + 1,
    )
    clock, span = features.clock_and_span(snapshot)
    assert clock < 21 * DAY
    assert span < 21 * DAY


def test_category_levels_follow_the_tree_from_the_root():
    levels = moment.category_levels(shop())
    assert levels.tolist() == [[0] * 5, [1] * 5]


def test_ease_is_the_same_solved_over_users_or_over_items():
    rng = np.random.default_rng(0)
    import scipy.sparse as sp

    tall = sp.csr_matrix(np.log1p(rng.poisson(0.3, (40, 12))))
    by_items = ease(tall, Config(ease_lambda=5.0))
    wide = sp.csr_matrix(tall.T)
    by_users = ease(wide, Config(ease_lambda=5.0))
    for X, found in ((tall, by_items), (wide, by_users)):
        assert found is not None
        P = np.linalg.inv((X.T @ X).toarray() + 5.0 * np.eye(X.shape[1]))
        B = -P / np.diag(P)
        np.fill_diagonal(B, 0.0)
        assert np.allclose(found.toarray(), B, atol=1e-4)
    assert ease(tall, Config(dense_limit=3)) is None
    assert (np.diff(cosine(tall, 3).indptr) <= 3).all()


def test_promotions_and_popularity_reach_the_items_features():
    snapshot = shop(promotions=make_promotions([3], [12 * DAY], [19 * DAY], [1.0]))
    there = moment.make(snapshot, Config(), history.make_scheme(snapshot, heads=1))
    now = there.state.x_item[:, ITEM_FEATURES.index("promoted_now")]
    assert now.argmax() == 3
    assert there.state.x_item[:, ITEM_FEATURES.index("popularity")].argmax() in (0, 1)
