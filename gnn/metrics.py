"""How good lists are: nearly every metric is one number per user, so that comparisons can be paired."""

import numpy as np
from jaxtyping import Bool, Float64, Int, Num

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


def gain_ndcg(ranked: Int[np.ndarray, "U K"], gain: Float64[np.ndarray, "U I"], k: int = K) -> Float64[np.ndarray, "U"]:
    """Return NDCG with a gain per user and item (money, say) in place of hits; nan where nothing is to be gained."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    there = np.take_along_axis(gain, np.maximum(ranked[:, :k], 0), axis=1) * (ranked[:, :k] >= 0)
    best = -np.sort(-gain, axis=1)[:, :k]
    found = (there * discount[: there.shape[1]]).sum(axis=1)
    ideal = (best * discount[: best.shape[1]]).sum(axis=1)
    return _share(found, ideal)


def self_information(ranked: Int[np.ndarray, "U K"], bits: Float64[np.ndarray, "I"]) -> Float64[np.ndarray, "U"]:
    """Return the mean of the entries' self-information (novelty; Zhou et al., PNAS 2010); nan for an empty list."""
    there = ranked >= 0
    total = np.where(there, bits[np.maximum(ranked, 0)], 0.0).sum(axis=1)
    return _share(total, there.sum(axis=1))


def diversity(ranked: Int[np.ndarray, "U K"], category: Int[np.ndarray, "I"]) -> Float64[np.ndarray, "U"]:
    """Return the share of a list's pairs that are of different categories; nan below two entries.

    Items without a category (-1) are each of their own.
    """
    there = ranked >= 0
    kind = np.where(there, category[np.maximum(ranked, 0)], -1)
    alike = np.zeros(len(ranked))
    for row, of_list in enumerate(kind):
        count = np.bincount(of_list[of_list >= 0])
        alike[row] = (count * (count - 1)).sum()
    n = there.sum(axis=1)
    return 1 - _share(alike, n * (n - 1))


def calibration(
    ranked: Int[np.ndarray, "U K"], kind: Int[np.ndarray, "I"], own: Float64[np.ndarray, "U C"]
) -> Float64[np.ndarray, "U"]:
    """Return how far the kinds of a list are from the user's own, in nats (Steck, RecSys 2018); 0 is calibrated.

    KL(p || q'), p the user's shares (`own`, in any unit), q' = .99 q + .01 p with q the list's shares. nan where the
    user or the list has nothing of a known kind (-1 is unknown).
    """
    known = (ranked >= 0) & (kind[np.maximum(ranked, 0)] >= 0)
    row, _ = np.nonzero(known)
    count = np.zeros(own.shape)
    np.add.at(count, (row, kind[ranked[known]]), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = own / own.sum(axis=1, keepdims=True)
        q = count / count.sum(axis=1, keepdims=True)
        return np.where(p > 0, p * np.log(p / (0.99 * q + 0.01 * p)), p * 0 + q * 0).sum(axis=1)


def gini(exposure: Float64[np.ndarray, "I"]) -> float:
    """Return how unevenly lists show the items: 0 all alike, near 1 when one item has it all."""
    total = exposure.sum()
    if not total:
        return 0.0
    n = len(exposure)
    return float(((2 * np.arange(1, n + 1) - n - 1) * np.sort(exposure)).sum() / (n * total))


def _share(part: Num[np.ndarray, "U"], whole: Num[np.ndarray, "U"]) -> Float64[np.ndarray, "U"]:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
