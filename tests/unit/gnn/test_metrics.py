"""The metrics against an independent implementation, PyG's, and against lists whose answer is known."""

import itertools

import numpy as np
import pytest
import torch
from torch_geometric.metrics import (
    LinkPredCoverage,
    LinkPredDiversity,
    LinkPredMRR,
    LinkPredNDCG,
    LinkPredPrecision,
    LinkPredRecall,
)

from gnn import metrics


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    score = rng.normal(size=(50, 70))
    relevant = rng.random((50, 70)) < 0.1
    relevant[:, 0] = True
    return score, relevant


@pytest.mark.parametrize("k", [5, 20])
def test_metrics_equal_those_of_pyg(drawn: tuple[np.ndarray, np.ndarray], k: int):
    score, relevant = drawn
    ranked = metrics.top(score, k)
    hit, size = metrics.hits(ranked, relevant), relevant.sum(axis=1)
    edges = torch.from_numpy(np.stack(np.nonzero(relevant)))
    ours = {
        LinkPredRecall: metrics.recall(hit, size, k),
        LinkPredNDCG: metrics.ndcg(hit, size, k),
        LinkPredMRR: metrics.reciprocal_rank(hit, k),
        LinkPredPrecision: hit.mean(axis=1),
    }
    for kind, values in ours.items():
        theirs = kind(k)
        theirs.update(torch.from_numpy(ranked), edges)
        assert float(theirs.compute()) == pytest.approx(values.mean(), abs=1e-6), kind.__name__


def test_hit_rate_counts_lists_with_any_hit():
    hit = np.array([[False, True, False], [False, False, True], [False, False, False]])
    assert metrics.hit_rate(hit, 2).tolist() == [1.0, 0.0, 0.0]


def test_ties_go_to_the_first_column_and_excluded_items_are_no_entries():
    score = np.array([[1.0, 2.0, 2.0, -np.inf], [0.0, 0.0, 0.0, 0.0]])
    assert metrics.top(score, 4).tolist() == [[1, 2, 0, -1], [0, 1, 2, 3]]
    assert metrics.top(score, 0).shape == (2, 0)


def test_a_user_with_nothing_to_find_scores_zero():
    hit, size = np.zeros((1, 3), np.bool_), np.array([0])
    assert metrics.ndcg(hit, size)[0] == metrics.recall(hit, size)[0] == metrics.reciprocal_rank(hit)[0] == 0.0


def test_coverage_and_diversity_equal_those_of_pyg(drawn: tuple[np.ndarray, np.ndarray]):
    score, relevant = drawn
    ranked = metrics.top(score, 5)
    edges = torch.from_numpy(np.stack(np.nonzero(relevant)))
    category = np.random.default_rng(1).integers(0, 4, 70)
    theirs = LinkPredDiversity(5, torch.from_numpy(category))
    theirs.update(torch.from_numpy(ranked), edges)
    assert float(theirs.compute()) == pytest.approx(metrics.diversity(ranked, category).mean(), abs=1e-6)
    coverage = LinkPredCoverage(5, 70)
    coverage.update(torch.from_numpy(ranked), edges)
    assert float(coverage.compute()) == pytest.approx((np.bincount(ranked.ravel(), minlength=70) > 0).mean())


def test_gini_is_half_the_mean_difference_over_the_mean():
    exposure = np.random.default_rng(2).integers(0, 9, 40).astype(np.float64)
    pairs = np.abs(exposure[:, None] - exposure[None, :]).mean()
    assert metrics.gini(exposure) == pytest.approx(pairs / (2 * exposure.mean()))
    assert metrics.gini(np.ones(7)) == pytest.approx(0.0)
    assert metrics.gini(np.zeros(7)) == 0.0


def test_novelty_is_the_mean_self_information():
    bits = -np.log2(np.array([0.5, 0.25, 1.0]))
    found = metrics.self_information(np.array([[0, 1], [2, -1], [-1, -1]]), bits)
    assert found[:2].tolist() == [1.5, 0.0]
    assert np.isnan(found[2])


def test_calibration_is_the_divergence_of_steck():
    """By hand: the user's own 3:1:0, a list of 2:1:1, and one entry whose kind nobody knows."""
    kind = np.array([0, 0, 1, 2, -1])
    own = np.array([[3.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    ranked = np.array([[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [0, 1, -1, -1, -1]])
    found = metrics.calibration(ranked, kind, own)
    p, q = (0.75, 0.25), (0.5, 0.25)
    expected = sum(a * np.log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q, strict=True))
    assert found[0] == pytest.approx(expected)
    assert np.isnan(found[1])
    assert found[2] == pytest.approx(0.0)


def test_ndcg_by_gain_equals_that_of_every_order_tried():
    gain = np.array([[5.0, 0.0, 2.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    ranked = np.array([[2, 0, 1], [0, 1, 2]])
    discount = 1 / np.log2(np.arange(2, 5))

    def total(order: tuple[int, ...]) -> float:
        return float((gain[0, list(order)] * discount).sum())

    best = max(total(order) for order in itertools.permutations(range(4), 3))
    found = metrics.gain_ndcg(ranked, gain, 3)
    assert found[0] == pytest.approx(total((2, 0, 1)) / best)
    assert np.isnan(found[1])


def test_ndcg_by_equal_gains_is_ndcg(drawn: tuple[np.ndarray, np.ndarray]):
    score, relevant = drawn
    ranked = metrics.top(score)
    hit, size = metrics.hits(ranked, relevant), relevant.sum(axis=1)
    assert np.allclose(metrics.gain_ndcg(ranked, 3.0 * relevant), metrics.ndcg(hit, size))
