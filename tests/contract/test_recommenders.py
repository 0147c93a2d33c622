"""Every baseline, held to one contract."""

import functools
from collections.abc import Callable

import numpy as np
import pytest

from gnn import metrics
from gnn.baselines import registry
from gnn.baselines.base import Past, Recommender
from graph import snapshot as snapshots
from graph.snapshot import Snapshot
from tests import snapshots as shops

WEEK_US = 7 * 86_400_000_000


@pytest.fixture(scope="module", params=sorted(registry.BASELINES))
def make(request: pytest.FixtureRequest) -> Callable[[], Recommender]:
    return functools.partial(registry.make, request.param)


@pytest.fixture(scope="module")
def past() -> Past:
    """What the small shop's users bought."""
    return past_of(shops.of_shop())


@pytest.fixture(scope="module")
def model(make: Callable[[], Recommender], past: Past) -> Recommender:
    """A model of the small shop: some take seconds to fit."""
    fitted = make()
    fitted.fit(past)
    return fitted


def past_of(snapshot: Snapshot) -> Past:
    return Past.of(snapshot, np.arange(len(snapshot.item_ids)))


def bought(pairs: list[tuple[int, int]], users: int, items: int) -> Snapshot:
    return snapshots.build(
        user_ids=[f"u{u}" for u in range(users)],
        item_ids=[f"i{i}" for i in range(items)],
        event_types=("purchase",),
        events=snapshots.make_events(
            [u for u, _ in pairs], [i for _, i in pairs], [0] * len(pairs), [n * WEEK_US for n in range(len(pairs))]
        ),
    )


def test_scores_every_candidate_with_a_finite_number(model: Recommender, past: Past):
    score = model.score(np.arange(past.users))
    assert score.shape == (past.users, len(past.candidates))
    assert np.isfinite(score).all()


def test_the_same_data_gives_the_same_scores(make: Callable[[], Recommender], model: Recommender):
    again = make()
    again.fit(past_of(shops.of_shop()))
    users = np.array([3, 0, 7])
    assert np.array_equal(model.score(users), again.score(users))


def test_users_are_scored_alike_alone_and_in_company(model: Recommender):
    together = model.score(np.arange(10))
    assert np.allclose(together[4], model.score(np.array([4]))[0], atol=1e-6)


def test_a_user_without_events_is_scored(make: Callable[[], Recommender]):
    past = past_of(bought([(0, 0), (0, 1), (1, 0)], users=3, items=3))
    model = make()
    model.fit(past)
    assert np.isfinite(model.score(np.array([2]))).all()


def test_a_single_item_and_a_single_user_are_enough(make: Callable[[], Recommender]):
    past = past_of(bought([(0, 0)], users=1, items=1))
    model = make()
    model.fit(past)
    assert model.score(np.array([0])).shape == (1, 1)


def test_a_shop_without_purchases_is_scored(make: Callable[[], Recommender]):
    past = past_of(bought([], users=2, items=2))
    model = make()
    model.fit(past)
    assert np.isfinite(model.score(np.array([0, 1]))).all()


def test_the_taste_of_a_user_and_of_most_comes_first(make: Callable[[], Recommender]):
    rng = np.random.default_rng(0)
    of_taste = {u: np.arange(6) if u < 50 else np.arange(6, 12) for u in range(60)}
    pairs = np.array([(u, i) for u, taste in of_taste.items() for i in rng.choice(taste, 4, replace=False)])
    past = Past(60, np.arange(12), np.full(12, -1), pairs[:, 0], pairs[:, 1], rng.integers(0, 10, len(pairs)))
    model = make()
    model.fit(past)
    first = metrics.top(model.score(np.arange(50)), 5)
    assert (first < 6).mean() > 0.85


def test_what_is_masked_is_in_no_list(model: Recommender, past: Past):
    known = past.weeks().toarray() > 0
    ranked = metrics.top(np.where(known, -np.inf, model.score(np.arange(past.users))))
    assert not (np.take_along_axis(known, np.maximum(ranked, 0), axis=1) & (ranked >= 0)).any()
    assert ((ranked >= 0).sum(axis=1) == np.minimum(metrics.K, (~known).sum(axis=1))).all()


def test_the_space_of_tuning_holds_settings_that_exist(make: Callable[[], Recommender]):
    for name, where in make().SPACE.items():
        assert where.low <= getattr(make(), name) <= where.high, name
