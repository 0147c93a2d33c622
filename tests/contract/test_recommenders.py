"""Every baseline, held to one contract."""

from collections.abc import Callable

import numpy as np
import pytest

from gnn.baselines.base import Past, Recommender
from gnn.evaluate import BASELINES
from graph import snapshot as snapshots
from graph.snapshot import Snapshot
from tests import snapshots as shops

WEEK_US = 7 * 86_400_000_000


@pytest.fixture(params=sorted(BASELINES))
def make(request: pytest.FixtureRequest) -> Callable[[], Recommender]:
    return BASELINES[request.param]


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


def test_scores_every_candidate_with_a_finite_number(make: Callable[[], Recommender]):
    past = past_of(shops.of_shop())
    model = make()
    model.fit(past)
    score = model.score(np.arange(past.users))
    assert score.shape == (past.users, len(past.candidates))
    assert np.isfinite(score).all()


def test_the_same_data_gives_the_same_scores(make: Callable[[], Recommender]):
    past = past_of(shops.of_shop())
    first, second = make(), make()
    first.fit(past)
    second.fit(past)
    users = np.array([3, 0, 7])
    assert np.array_equal(first.score(users), second.score(users))


def test_users_are_scored_alike_alone_and_in_company(make: Callable[[], Recommender]):
    past = past_of(shops.of_shop())
    model = make()
    model.fit(past)
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
