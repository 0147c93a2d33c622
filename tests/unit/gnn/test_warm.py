"""Retraining from an earlier model, and whether a new one may take its place."""

from dataclasses import replace

import numpy as np
import pytest

from gnn import promotion, train, warm
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.errors import CannotCarryOver
from gnn.features import DAY_US
from gnn.history import make_scheme
from gnn.progress import Silent
from gnn.scorer import messages, scores
from graph.snapshot import Snapshot
from tests import snapshots as shops
from tests.unit.gnn.support import history_of

SMALL = Config(epochs=3, width=8, heads=2, users_per_step=8)


@pytest.fixture(scope="module")
def today() -> Snapshot:
    return shops.of_shop()


@pytest.fixture(scope="module")
def yesterday(today: Snapshot) -> Snapshot:
    return today.until(today.at - DAY_US)


@pytest.fixture(scope="module")
def earlier(yesterday: Snapshot) -> Artefact:
    return train.train(yesterday, SMALL, device="cpu").artefact


class Steps(Silent):
    """Counts what training tells of."""

    def __init__(self) -> None:
        self.done = 0

    def advance(self, n: int = 1) -> None:
        self.done += n


def test_a_warm_start_takes_a_fraction_of_the_steps(today: Snapshot, earlier: Artefact):
    cold, quick = Steps(), Steps()
    train.train(today, SMALL, device="cpu", progress=cold)
    made = train.train(today, SMALL, device="cpu", progress=quick, warm_from=earlier).artefact
    assert quick.done * 3 < cold.done
    assert made.manifest.snapshot == today.id
    assert any(made.weights[name].tobytes() != value.tobytes() for name, value in earlier.weights.items())


def test_a_warm_start_ranks_no_worse(yesterday: Snapshot, today: Snapshot):
    # One pass over a small shop: what is told from chance in one training is chance once in twenty.
    worse: list[bool] = []
    for seed in range(3):
        config = replace(SMALL, seed=seed)
        earlier = train.train(yesterday, config, device="cpu").artefact
        made = train.train(today, config, device="cpu", warm_from=earlier).artefact
        found = promotion.compare(today, made, earlier)
        assert found is not None
        worse.append(found.worse)
    assert sum(worse) < 2, worse


def test_items_that_are_new_get_fresh_weights_and_the_known_keep_theirs(today: Snapshot, earlier: Artefact):
    config = replace(SMALL, attention="self")
    scheme = make_scheme(today, heads=2)
    known = train.train(today, config, device="cpu").artefact
    some = replace(
        known,
        item_ids=known.item_ids[1:],
        weights={**known.weights, "attention.self.item.weight": known.weights["attention.self.item.weight"][1:]},
    )
    carried = warm.weights_for(some, today, config, scheme, known.state)["attention.self.item.weight"]
    assert np.array_equal(carried[1:], known.weights["attention.self.item.weight"][1:])
    assert not np.array_equal(carried[0], known.weights["attention.self.item.weight"][0])


@pytest.mark.parametrize(
    ("name", "value"), [("heads", 3), ("attention", "content"), ("fusion", "sum"), ("time", False)]
)
def test_other_settings_of_the_network_are_refused_by_name(
    today: Snapshot, earlier: Artefact, name: str, value: str | int | bool
):
    with pytest.raises(CannotCarryOver, match=name):
        train.train(today, replace(SMALL, **{name: value}), device="cpu", warm_from=earlier)


def test_another_kind_of_graph_is_refused(today: Snapshot, earlier: Artefact):
    strange = replace(earlier, scheme=replace(earlier.scheme, event_types=("purchase", "wish")))
    with pytest.raises(CannotCarryOver, match="event types"):
        train.train(today, SMALL, device="cpu", warm_from=strange)


def test_a_category_tree_of_another_depth_is_refused(today: Snapshot, earlier: Artefact):
    flat = replace(today, category_parent=np.full_like(today.category_parent, -1))
    with pytest.raises(CannotCarryOver, match="it had 2 levels, the graph has 1 now"):
        warm.check_tree(earlier, flat, SMALL)
    with pytest.raises(CannotCarryOver, match="category tree"):
        train.train(flat, SMALL, device="cpu", warm_from=earlier)
    warm.check_tree(earlier, today, SMALL)


def test_a_model_is_not_worse_than_itself(yesterday: Snapshot, earlier: Artefact):
    found = promotion.compare(yesterday, earlier, earlier)
    assert found is not None
    assert not found.worse
    assert found.all.difference == found.novel.difference == 0.0


def test_a_model_that_turns_its_lists_upside_down_is_worse(yesterday: Snapshot, earlier: Artefact):
    turned = {name: -earlier.weights[name] for name in ("fusion.gates", "fusion.price", "semantic.head.weight")}
    upside_down = replace(earlier, weights={**earlier.weights, **turned})
    sent = messages(earlier, history_of(yesterday, 0).columns(), yesterday.at, {})
    one, other = (scores(model, sent, earlier.state.candidates) for model in (earlier, upside_down))
    assert np.corrcoef(one, other)[0, 1] < 0
    found = promotion.compare(yesterday, upside_down, earlier)
    assert found is not None
    assert found.worse
    assert found.all.high < 0


def test_one_model_with_attributes_that_are_gone_cannot_be_compared(yesterday: Snapshot, earlier: Artefact):
    bare = replace(yesterday, attributes={})
    with pytest.raises(CannotCarryOver, match="attributes"):
        promotion.compare(bare, earlier, earlier)
