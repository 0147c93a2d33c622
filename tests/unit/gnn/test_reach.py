"""Lists where there are too many items to score all: what can stand at their head is found along the graph."""

import numpy as np
import pytest

from gnn import ranking, reach, scorer, untrained
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.filters import Mode, Query
from tests import shop as shops
from tests import snapshots
from tests.unit.gnn.support import history_of

SHOP = snapshots.of_shop(shops.make(users=120, items=1500, seed=3))


@pytest.fixture(scope="module")
def model() -> Artefact:
    return untrained.build(SHOP, Config(min_buyers=1))


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the shop for a large one, and follow few of its paths."""
    monkeypatch.setattr(reach, "FEW", 200)
    monkeypatch.setattr(reach, "_OVER_EDGES", 60)
    monkeypatch.setattr(reach, "_OF_NODE", 20)
    monkeypatch.setattr(reach, "_WANTED", 30)


def scores(model: Artefact, user: int) -> np.ndarray:
    sent = scorer.messages(model, history_of(SHOP, user).columns(), SHOP.at, {})
    return scorer.scores(model, sent, model.state.candidates)


@pytest.mark.usefixtures("large")
def test_the_head_of_a_list_is_found_and_exact_without_scoring_everything():
    model = untrained.build(SHOP, Config(min_buyers=1))  # its own reach, with few paths
    shares: list[float] = []
    for user in range(0, 120, 7):
        history = history_of(SHOP, user)
        passed = ranking.forward(model, history, now=SHOP.at)
        assert len(passed.items) < len(model.state.candidates)
        found = ranking.score(model, history, now=SHOP.at, given=passed).best(20)
        truth = scores(model, user)
        best = model.state.candidates[np.argsort(-truth, kind="stable")[:20]]
        shares.append(len(np.intersect1d(found.item, best)) / 20)
        place = model.state.position[found.item]
        np.testing.assert_allclose(found.score, truth[place], rtol=1e-9, atol=1e-9)
    assert np.mean(shares) > 0.9


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("query", [Query(mode=Mode.REBUY), Query(brands=frozenset({"Arbor"}), budget=30.0)])
def test_a_narrow_list_is_that_of_all_its_items(model: Artefact, query: Query, monkeypatch: pytest.MonkeyPatch):
    history = history_of(SHOP, 5)
    found = ranking.rank(model, history, now=SHOP.at, k=500, query=query)
    monkeypatch.setattr(reach, "FEW", 10**6)
    truth = ranking.rank(model, history, now=SHOP.at, k=500, query=query)
    assert found.item.tolist() == truth.item.tolist()
    np.testing.assert_allclose(found.score, truth.score, rtol=1e-9, atol=1e-9)


def test_somebody_without_events_gets_what_everybody_wants(model: Artefact, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reach, "FEW", 200)
    empty = ranking.history(model, [], [], [], [], [], [], [])
    found = ranking.rank(model, empty, now=SHOP.at, k=20)
    monkeypatch.setattr(reach, "FEW", 10**6)
    assert found.item.tolist() == ranking.rank(model, empty, now=SHOP.at, k=20).item.tolist()


def test_shelves_hold_every_candidate_of_a_node_once(model: Artefact):
    made = reach.build(model.state)
    for (node, share), shelf in zip(model.state.groups, made.shelves, strict=True):
        for row in range(len(shelf.start) - 1):
            place = shelf.place[shelf.start[row] : shelf.start[row + 1]]
            items = model.state.candidates[place]
            assert sorted(items) == np.flatnonzero((node == row) & (model.state.position >= 0)).tolist()
            assert (np.diff(share[items]) <= 0).all()
