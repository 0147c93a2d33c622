"""The baselines on data whose answer is known."""

import numpy as np
import pytest

from gnn.baselines import ease
from gnn.baselines.base import Past
from gnn.baselines.ease import Ease
from gnn.baselines.frequency import Frequency
from gnn.baselines.popularity import Popularity
from gnn.errors import NotEnoughData
from graph import snapshot as snapshots

WEEK_US = 7 * 86_400_000_000


def past_of(pairs: list[tuple[int, int, int]], users: int, items: int, *, weeks: int = 100) -> Past:
    """Purchases as (user, item, week)."""
    snapshot = snapshots.build(
        user_ids=[f"u{u}" for u in range(users)],
        item_ids=[f"i{i}" for i in range(items)],
        event_types=("purchase",),
        events=snapshots.make_events(
            [u for u, _, _ in pairs], [i for _, i, _ in pairs], [0] * len(pairs), [w * WEEK_US for _, _, w in pairs]
        ),
        at=weeks * WEEK_US,
    )
    return Past.of(snapshot, np.arange(items))


def test_past_counts_a_week_once():
    past = past_of([(0, 0, 3), (0, 0, 3), (0, 0, 4)], users=1, items=1)
    assert past.weeks().toarray().tolist() == [[2.0]]


def test_past_fades_with_age():
    past = past_of([(0, 0, 99), (0, 1, 91)], users=1, items=2)
    recent, old = past.weeks(half_life_weeks=8).toarray()[0]
    assert old == pytest.approx(recent / 2)


def test_popularity_prefers_what_is_bought_now_to_what_was():
    past = past_of([(0, 0, 1), (1, 0, 1), (2, 1, 99)], users=3, items=2)
    model = Popularity()
    model.fit(past)
    first, second = model.score(np.array([0]))[0]
    assert second > first


def test_frequency_puts_own_items_first_and_popular_ones_after():
    past = past_of([(0, 2, 98), (1, 1, 99), (2, 1, 99), (2, 0, 99)], users=3, items=4)
    model = Frequency()
    model.fit(past)
    assert np.argsort(-model.score(np.array([0]))[0], kind="stable").tolist() == [2, 1, 0, 3]


def test_ease_equals_the_ridge_regression_it_is_defined_as():
    rng = np.random.default_rng(0)
    pairs = [(int(u), int(i), 99) for u in range(30) for i in rng.choice(6, 3, replace=False)]
    past = past_of(pairs, users=30, items=6)
    model = Ease()
    model.fit(past)
    X = np.log1p(past.weeks().toarray())
    B = np.zeros((6, 6))
    for j in range(6):
        others = [i for i in range(6) if i != j]
        A = X[:, others]
        B[others, j] = np.linalg.solve(A.T @ A + 1000.0 * np.eye(5), A.T @ X[:, j])
    assert np.allclose(model.score(np.arange(30)), X @ B, atol=1e-5)


def test_ease_refuses_what_it_cannot_invert(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ease, "_MOST_ITEMS", 1)
    with pytest.raises(NotEnoughData, match="min_buyers"):
        Ease().fit(past_of([(0, 0, 1), (0, 1, 1)], users=1, items=2))
