"""The metrics against an independent implementation, PyG's, and against lists whose answer is known."""

import numpy as np
import pytest
import torch
from torch_geometric.metrics import LinkPredMRR, LinkPredNDCG, LinkPredPrecision, LinkPredRecall

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


def test_the_interval_of_a_clear_difference_excludes_zero():
    rng = np.random.default_rng(0)
    low, high = metrics.bootstrap(rng.normal(0.1, 0.2, 400), rng)
    assert 0 < low < 0.1 < high
    assert metrics.bootstrap(np.zeros(0), rng) == (0.0, 0.0)
