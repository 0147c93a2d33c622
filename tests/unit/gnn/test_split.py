"""Cuts in time: what is learned from ends before what decides, and a refit reaches up to the present."""

from itertools import pairwise

from gnn.config import Config
from gnn.split import split, to_refit
from tests import snapshots


def test_periods_to_learn_from_end_before_the_one_that_decides_and_lie_half_a_period_apart():
    found = split(snapshots.of_shop(), Config(horizon_share=0.1))
    (validation,), train = snapshots.periods([found.validation]), snapshots.periods(found.train)
    horizon = validation.until - validation.at
    assert len(train) == 5
    assert train[-1].until == validation.at
    assert {cut.until - cut.at for cut in train} == {horizon}
    assert {later.at - cut.at for cut, later in pairwise(train)} == {horizon // 2}


def test_the_oldest_cut_leaves_a_period_to_look_back_on():
    snapshot = snapshots.of_shop()
    found = split(snapshot, Config(horizon_share=0.3))
    (validation,), train = snapshots.periods([found.validation]), snapshots.periods(found.train)
    horizon = validation.until - validation.at
    assert train[0].at >= int(snapshot.events.at.min()) + horizon * 0.99 or len(train) == 1


def test_a_refit_learns_from_the_period_that_decided_as_well():
    snapshot, config = snapshots.of_shop(), Config(horizon_share=0.1)
    found = split(snapshot, config)
    cuts = to_refit(found, snapshot, config)
    assert set(found.train) < set(cuts)
    assert found.validation in cuts
    assert snapshots.periods(cuts)[-1].until == snapshots.periods([found.validation])[0].until
