"""Baselines that a training measures: on the users and items of the network's validation, from the past alone."""

import numpy as np
import pytest
import torch

from gnn import beside, history, moment
from gnn.baselines.base import Past
from gnn.baselines.popularity import Popularity
from gnn.config import Config
from gnn.moment import Moment
from gnn.split import split
from gnn.validation import Validator
from tests import snapshots as shops

CONFIG = Config(width=8, heads=2)
SHOP = shops.of_shop()


@pytest.fixture(scope="module")
def held_back() -> tuple[Moment, Validator, np.ndarray]:
    """The moment before the validation period, its validator, and users x candidates bought in it."""
    cuts = split(SHOP, CONFIG)
    before = moment.make(cuts.validation.past(SHOP), CONFIG, history.scheme_of(SHOP, CONFIG))
    labels = cuts.validation.wanted(SHOP, CONFIG.target)
    validator = Validator.make(before, labels, CONFIG, np.random.default_rng(0), torch.device("cpu"))
    return before, validator, labels[:, before.state.candidates].toarray()


def test_who_knows_what_comes_scores_1_and_who_turns_it_round_0(held_back: tuple[Moment, Validator, np.ndarray]):
    _, validator, truth = held_back
    known = validator.beside(lambda users: truth[users].astype(np.float64))
    assert set(known) == {"ndcg20_all", "ndcg20_novel", "recall20_all", "recall20_novel"}
    assert known["ndcg20_all"] == pytest.approx(1.0)
    assert known["ndcg20_novel"] == pytest.approx(1.0)
    turned = validator.beside(lambda users: -truth[users].astype(np.float64))
    assert turned["ndcg20_all"] == pytest.approx(0.0)


def test_baselines_learn_from_what_came_before_the_period(held_back: tuple[Moment, Validator, np.ndarray]):
    before, validator, truth = held_back
    found = beside.measure(validator, before, CONFIG.target)
    assert tuple(found) == beside.NAMES
    popular = Popularity()
    popular.fit(Past.of(before.snapshot, before.state.candidates, CONFIG.target))
    assert found["popularity"] == validator.beside(popular.score)
    # People of this shop buy what they like: who counts that is ahead of who does not.
    assert found["popularity"]["ndcg20_all"] < found["frequency"]["ndcg20_all"] < 1.0
    assert before.snapshot.events.at.max() < before.snapshot.at
    assert truth.any()


def test_too_many_items_for_a_dense_inverse_leave_the_others(
    held_back: tuple[Moment, Validator, np.ndarray], monkeypatch: pytest.MonkeyPatch
):
    before, validator, _ = held_back
    monkeypatch.setattr(beside, "MOST_ITEMS", 3)
    assert tuple(beside.measure(validator, before, CONFIG.target)) == ("popularity", "frequency")
