"""Which pass is kept, on figures whose noise is known."""

import math

import numpy as np
import pytest

from gnn.selection import Selection, Validation, standard_error

N = 400


def validation(mean: float, seed: int = 0, noise: float = 0.05, shared: int = 99) -> Validation:
    """Return figures of users who differ among each other far more than from one pass to the next."""
    users = np.random.default_rng(shared).uniform(-0.1, 0.1, N)
    drawn = np.random.default_rng(seed).normal(0, noise, N)
    ndcg = np.clip(mean + users + drawn - drawn.mean(), 0.001, 1)
    novel = np.where(np.arange(N) % 4 == 0, np.nan, ndcg / 4)
    return Validation({"ndcg20_all": ndcg, "ndcg20_novel": novel, "recall20_all": ndcg / 2})


def test_means_are_over_those_who_count():
    found = validation(0.4)
    novel = found.per_user["ndcg20_novel"]
    assert found.metrics["ndcg20_novel"] == pytest.approx(np.nanmean(novel))
    assert found.score == pytest.approx((math.log(found.metrics["ndcg20_all"]) + math.log(np.nanmean(novel))) / 2)
    assert Validation({}).metrics == {}
    assert Validation({}).score == 0.0


def test_the_standard_error_is_that_of_resampled_users():
    one, other = validation(0.4, seed=1), validation(0.41, seed=2)
    rng = np.random.default_rng(0)

    def drawn(found: Validation, rows: np.ndarray) -> Validation:
        return Validation({name: values[rows] for name, values in found.per_user.items()})

    rows = [rng.integers(0, N, N) for _ in range(2_000)]
    differences = [drawn(one, part).score - drawn(other, part).score for part in rows]
    assert standard_error(one, other) == pytest.approx(np.std(differences), rel=0.1)
    assert standard_error(one, one) == 0.0


def test_a_later_pass_that_cannot_be_told_from_the_best_is_kept():
    selection = Selection()
    best, near = validation(0.42, seed=1), validation(0.4199, seed=2)
    assert selection.takes(validation(0.4))
    assert selection.takes(best)
    assert 0 < best.score - near.score < standard_error(near, best)
    assert selection.takes(near)


def test_a_later_pass_that_is_worse_is_not_kept_and_what_is_compared_with_stays_the_best():
    selection = Selection()
    assert selection.takes(validation(0.3))
    best = validation(0.42, seed=1)
    assert selection.takes(best)
    steps = [validation(0.42 - 0.0015 * k, seed=2 + k) for k in range(1, 6)]
    taken = [selection.takes(step) for step in steps]
    assert taken == [best.score - step.score <= standard_error(step, best) for step in steps]
    # Each is near the one before, but the last is far from the best.
    assert taken[0]
    assert not taken[-1]


def test_nothing_is_kept_that_is_no_better_than_the_untrained_network():
    selection = Selection()
    first = validation(0.42, seed=1)
    assert selection.takes(first)
    assert not selection.takes(validation(0.4199, seed=2))
    assert not selection.takes(first)


def test_a_checkpoint_goes_on_with_the_same_answers():
    whole, begun = Selection(), Selection()
    passes = [validation(mean, seed=k) for k, mean in enumerate((0.4, 0.42, 0.4195, 0.43, 0.428, 0.41))]
    answers = [whole.takes(found) for found in passes]
    for found in passes[:3]:
        begun.takes(found)
    resumed = Selection()
    resumed.load_state_dict(begun.state_dict())
    assert [resumed.takes(found) for found in passes[3:]] == answers[3:]
    fresh = Selection()
    fresh.load_state_dict(Selection().state_dict())
    assert fresh.takes(passes[0])
