"""Baselines in the network's place: the network's own channels, weighed once and for all, served and explained."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gnn import artefact, explain, promotion, ranking, train, untrained
from gnn.artefact import Artefact
from gnn.baselines.base import Past
from gnn.baselines.ease import Ease
from gnn.config import FIXED, Config
from gnn.errors import BadConfig, CannotCarryOver
from gnn.features import WEEK_US
from gnn.output import Users
from gnn.registry import Registry
from graph import snapshot as snapshots
from graph.snapshot import Snapshot
from tests import snapshots as shops
from tests.unit.gnn.support import history_of


@pytest.fixture(scope="module")
def bought() -> Snapshot:
    """Purchases alone, at most one a week of an item: where days and weeks count the same."""
    rng = np.random.default_rng(0)
    rows = np.array([(u, i) for u in range(40) for i in rng.permutation(12)[:5]])
    rows = np.concatenate([rows, rows[::3]])
    at = np.concatenate([rng.integers(0, 10, 200), rng.integers(10, 20, len(rows) - 200)]) * WEEK_US + 1
    order = np.lexsort((at, rows[:, 0]))
    return snapshots.build(
        user_ids=[f"u{u}" for u in range(40)],
        item_ids=[f"i{i}" for i in range(12)],
        event_types=("purchase",),
        events=snapshots.make_events(rows[order, 0], rows[order, 1], [0] * len(rows), at[order]),
    )


def scores(model: Artefact, snapshot: Snapshot) -> np.ndarray:
    users = Users(model, snapshot)
    return np.stack([users.scores(user) for user in range(len(snapshot.user_ids))])


def log_days(snapshot: Snapshot) -> np.ndarray:
    return Past.of(snapshot, np.arange(len(snapshot.item_ids))).log_weeks().toarray()


def test_ease_scores_as_the_baseline_does(bought: Snapshot):
    model = untrained.build(bought, Config(model="ease"))
    baseline = Ease(ridge=1000 * 40 / 1000)
    baseline.fit(Past.of(bought, model.state.candidates))
    assert np.allclose(scores(model, bought), baseline.score(np.arange(40)), atol=1e-5)


def test_item_knn_scores_by_likeness_and_an_item_is_like_itself(bought: Snapshot):
    model = untrained.build(bought, Config(model="itemknn"))
    X = log_days(bought)
    once = (X > 0).astype(float)
    cosine = once.T @ once / (np.sqrt(np.outer(once.sum(0), once.sum(0))) + 20)
    np.fill_diagonal(cosine, 1.0)
    assert np.allclose(scores(model, bought), X @ cosine, atol=1e-5)


def test_frequency_counts_what_fades_and_ease_stands_beside_it(bought: Snapshot):
    alone, ease, both = (
        scores(untrained.build(bought, Config(model=name)), bought) for name in ("frequency", "ease", "frequency+ease")
    )
    scheme = untrained.build(bought, Config(model="frequency")).scheme
    faded = Past.of(bought, np.arange(12))
    events = bought.events
    counted = np.zeros((40, 12))
    age = (scheme.clock - events.at) / (86_400 * 10**6)
    np.add.at(counted, (events.user, events.item), np.exp2(-age / scheme.head_half_lives_days[1]))
    assert len(faded.candidates) == 12
    # A message never vanishes altogether, so what was met long ago counts a thousandth.
    assert np.allclose(alone, np.where(counted > 0, np.maximum(counted, 1e-3), 0), atol=1e-4)
    assert np.allclose(both, 0.5 * alone + ease, atol=1e-4)


def test_popularity_is_the_same_for_everybody(bought: Snapshot):
    found = scores(untrained.build(bought, Config(model="popularity")), bought)
    assert np.allclose(found, found[0])
    assert found.std() > 0


@pytest.mark.parametrize("name", FIXED)
def test_each_is_saved_served_and_explained_to_the_last_part(name: str, tmp_path: Path):
    shop = shops.of_shop()
    made = train.train(shop, Config(model=name), device="cpu").artefact
    artefact.save(made, tmp_path)
    registry = Registry(tmp_path)
    registry.promote(made.version)
    model = registry.load()
    assert (model.config.model, model.manifest.trained, model.manifest.servable) == (name, True, True)
    for user in (0, 7):
        history = history_of(shop, user)
        ranked = ranking.rank(model, history, now=shop.at, k=5)
        for item, score in zip(ranked.item.tolist(), ranked.score, strict=True):
            said = explain.explain(model, history, item, now=shop.at)
            assert sum(part.value for part in said.contributions) == pytest.approx(score, abs=1e-6)
            assert {part.kind for part in said.contributions} <= {
                "popularity": {explain.Kind.POPULARITY},
                "frequency": {explain.Kind.POPULARITY, explain.Kind.OWN_HISTORY},
                "ease": {explain.Kind.ITEM},
            }.get(name, {explain.Kind.ITEM, explain.Kind.OWN_HISTORY})


def test_it_is_compared_with_the_network_before_it_is_served():
    shop = shops.of_shop()
    network = untrained.build(shop)
    found = promotion.compare(shop, untrained.build(shop, Config(model="popularity")), network)
    assert found is not None
    assert found.worse
    with pytest.raises(CannotCarryOver, match="model=ease"):
        train.train(shop, Config(), device="cpu", warm_from=untrained.build(shop, Config(model="ease")))


@pytest.mark.parametrize("name", ["ials", "neumf", "lightgcn", "east"])
def test_what_is_no_sum_over_paths_is_refused_and_the_others_named(name: str):
    with pytest.raises(BadConfig, match=r"frequency\+ease.*sums over"):
        replace(Config(), model=name)
