"""How good lists are: each metric as one number per user, so that comparisons can be paired."""

import numpy as np
from jaxtyping import Bool, Float64, Int

K = 20
HIT_K = 10


def hits(ranked: Int[np.ndarray, "U K"], relevant: Bool[np.ndarray, "U I"]) -> Bool[np.ndarray, "U K"]:
    """Return which entries of the lists are relevant; -1 marks the end of a short list."""
    return np.take_along_axis(relevant, np.maximum(ranked, 0), axis=1) & (ranked >= 0)


def recall(hit: Bool[np.ndarray, "U K"], size: Int[np.ndarray, "U"], k: int = K) -> Float64[np.ndarray, "U"]:
    """Return the share of a user's relevant items (`size` of them) that the first k entries hold."""
    return hit[:, :k].sum(axis=1) / np.maximum(size, 1)


def ndcg(hit: Bool[np.ndarray, "U K"], size: Int[np.ndarray, "U"], k: int = K) -> Float64[np.ndarray, "U"]:
    """Return the discounted gain of the first k entries over that of the best possible list."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate(([0.0], np.cumsum(discount)))
    best = np.where(size > 0, np.take(ideal, np.minimum(size, k)), 1.0)
    width = min(k, hit.shape[1])
    return (hit[:, :width] * discount[:width]).sum(axis=1) / best


def hit_rate(hit: Bool[np.ndarray, "U K"], k: int = HIT_K) -> Float64[np.ndarray, "U"]:
    """Return 1 where any of the first k entries is relevant."""
    return np.asarray(hit[:, :k].any(axis=1), np.float64)


def reciprocal_rank(hit: Bool[np.ndarray, "U K"], k: int = K) -> Float64[np.ndarray, "U"]:
    """Return one over the rank of the first relevant entry within k; 0 without one."""
    first = np.argmax(hit[:, :k], axis=1)
    return np.where(hit[:, :k].any(axis=1), 1 / (first + 1), 0.0)


def top(score: Float64[np.ndarray, "U I"], k: int = K) -> Int[np.ndarray, "U K"]:
    """Return the columns of the k best scores per row, best first, ties by column; -1 where a score is -inf."""
    I = score.shape[1]  # noqa: E741
    k = min(k, I)
    if k == 0:
        return np.zeros((len(score), 0), np.int64)
    # A stable order among ties needs all that tie with the last one: the threshold, not the partition, decides.
    threshold = np.partition(score, I - k, axis=1)[:, I - k]
    result = np.empty((len(score), k), np.int64)
    for u, row in enumerate(score):
        near = np.flatnonzero(row >= threshold[u])
        result[u] = near[np.argsort(-row[near], kind="stable")[:k]]
    result[np.take_along_axis(score, result, axis=1) == -np.inf] = -1
    return result


def bootstrap(
    difference: Float64[np.ndarray, "U"], rng: np.random.Generator, resamples: int = 10_000
) -> tuple[float, float]:
    """Return the 95% interval of a paired mean difference over users, by the bootstrap's percentiles."""
    n = len(difference)
    if n == 0:
        return 0.0, 0.0
    means = np.concatenate(
        [
            difference[rng.integers(0, n, (min(500, resamples - low), n))].mean(axis=1)
            for low in range(0, resamples, 500)
        ]
    )
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)
