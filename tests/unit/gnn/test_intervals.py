"""Intervals of differences: paired over users, who are drawn whole over origins."""

from dataclasses import asdict

import numpy as np
import orjson
import pytest

from gnn.evaluation.intervals import intervals


def test_an_interval_beside_a_model_that_finds_nothing_is_plain_numbers_too():
    ours, theirs = np.full((5, 1), 0.5), np.zeros((1, 5, 1))
    (found,) = intervals(ours, theirs, np.random.default_rng(0), resamples=50)
    assert (found.difference, found.low, found.high) == (0.5, 0.5, 0.5)
    assert orjson.loads(orjson.dumps(asdict(found)))["relative"] is None


def test_intervals_agree_with_the_textbook_and_exclude_zero_when_the_gap_is_clear():
    rng = np.random.default_rng(0)
    theirs = rng.uniform(0.3, 0.5, (1, 400, 1))
    gap = rng.normal(0.1, 0.2, (400, 1))
    (found,) = intervals(theirs[0] + gap, theirs, rng)
    error = 1.96 * gap.std() / np.sqrt(400)
    assert found.difference == pytest.approx(gap.mean())
    assert found.low == pytest.approx(gap.mean() - error, abs=0.002)
    assert found.high == pytest.approx(gap.mean() + error, abs=0.002)
    assert found.relative == pytest.approx(gap.mean() / theirs.mean())
    assert 0 < found.relative_low < found.relative < found.relative_high


def test_over_origins_a_user_is_drawn_whole():
    """The same gap at both origins is no more certain than at one; independent gaps are."""
    rng = np.random.default_rng(0)
    theirs = np.full((1, 300, 2), 0.5)
    one = rng.normal(0.1, 0.2, (300, 1))
    other = rng.normal(0.1, 0.2, (300, 1))
    alone, same, apart = (
        intervals(0.5 + gap, theirs[:, :, : gap.shape[1]], rng)[0]
        for gap in (one, np.hstack([one, one]), np.hstack([one, other]))
    )
    width = alone.high - alone.low
    assert same.high - same.low == pytest.approx(width, rel=0.05)
    assert apart.high - apart.low < 0.8 * width
    absent = np.hstack([one, np.full((300, 1), np.nan)])
    assert intervals(0.5 + absent, theirs, rng)[0].difference == pytest.approx(one.mean())
