"""Quick scores of all candidates, and exact ones of those that anybody sees."""

from dataclasses import replace

import numpy as np
import pytest

from gnn import explain, ranking, scan, scorer, untrained
from gnn.artefact import Artefact
from gnn.changes import ItemChange
from gnn.config import Config
from gnn.filters import Boost, Query
from gnn.ranking import Pass
from tests import shop as shops
from tests import snapshots
from tests.unit.gnn.support import history_of

SHOP = snapshots.of_shop(shops.make(users=120, items=1500, seed=3))


@pytest.fixture(scope="module", params=[0.02, 0.2])
def model(request: pytest.FixtureRequest) -> Artefact:
    """A network with semantic attention of this size, as if it had learned something."""
    made = untrained.build(SHOP, Config(min_buyers=1))
    rng = np.random.default_rng(1)
    drawn = {
        name: weight + rng.standard_normal(weight.shape).astype(np.float32) * request.param
        for name, weight in made.weights.items()
        if name.startswith("semantic")
    }
    return replace(made, weights={**made.weights, **drawn})


def exact(model: Artefact, user: int) -> Pass:
    sent = scorer.messages(model, history_of(SHOP, user).columns(), SHOP.at, {})
    scores = scorer.scores(model, sent, model.state.candidates)
    return Pass(sent, model.state.candidates, scores, 0.0, np.ones(len(scores), np.bool_))


@pytest.mark.parametrize("user", [0, 5, 17])
def test_no_score_is_further_off_than_it_says(model: Artefact, user: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scan, "_TOGETHER", 100)  # several pieces, the last one smaller
    truth = exact(model, user)
    found, slack, settled = scan.scan(model, truth.sent, truth.items)
    assert len(found) > 300
    assert 0 < np.abs(found - truth.score).max() <= slack
    assert 0 < settled.sum() < len(found)
    np.testing.assert_allclose(found[settled], truth.score[settled], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(diversity=0.5),
        Query(per_category=3),
        Query(pins=("i3",), price_fit=0.5),
        Query(boosts=(Boost(1.5, categories=frozenset({"Food"})),), exclude=frozenset({"i4"})),
    ],
)
@pytest.mark.parametrize("k", [1, 20, 300])
def test_lists_are_those_of_the_exact_scores(model: Artefact, query: Query, k: int):
    history = history_of(SHOP, 5)
    found = ranking.score(model, history, now=SHOP.at, query=query).best(k)
    truth = ranking.score(model, history, now=SHOP.at, query=query, given=exact(model, 5)).best(k)
    assert found.item.tolist() == truth.item.tolist()
    np.testing.assert_allclose(found.score, truth.score, rtol=1e-12, atol=1e-12)


def test_only_the_head_of_a_list_is_scored_again(model: Artefact):
    passed = ranking.forward(model, history_of(SHOP, 5), now=SHOP.at)
    ranking.score(model, history_of(SHOP, 5), now=SHOP.at, given=passed).best(20)
    assert 20 <= passed.settled.sum() < len(passed.settled) / 2


def test_any_item_has_its_exact_score_and_place(model: Artefact):
    history, truth = history_of(SHOP, 5), exact(model, 5)
    scored = ranking.score(model, history, now=SHOP.at)
    known = ranking.score(model, history, now=SHOP.at, given=truth)
    for item in model.state.candidates[[3, 400, 900]].tolist():
        assert scored.of(item) == pytest.approx(known.of(item), rel=1e-12)
        assert scored.of(item) == pytest.approx(explain.explain(model, history, item, now=SHOP.at).score, abs=1e-9)
        assert scored.place(item) == known.place(item)


def test_a_changed_item_keeps_its_own_score(model: Artefact):
    history, truth = history_of(SHOP, 5), exact(model, 5)
    name = model.item_ids[int(model.state.candidates[7])]
    change = {name: ItemChange(promoted=True)}
    found = ranking.score(model, history, now=SHOP.at, items=change).best(50)
    known = ranking.score(model, history, now=SHOP.at, items=change, given=truth).best(50)
    assert found.item.tolist() == known.item.tolist()
    np.testing.assert_allclose(found.score, known.score, rtol=1e-12, atol=1e-12)
