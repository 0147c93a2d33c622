"""Ranks every candidate for every user of an origin, a block at a time, and measures the lists, one number a user."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from gnn import metrics
from gnn.evaluation.period import Period
from gnn.train import Progress
from gnn.validation import Score

SLICES = ("all", "novel", "unexplored", "cold items")
ACCURACY = ("recall20", "ndcg20", "hitrate10", "ndcg10", "mrr", "revenue_ndcg20")
BEYOND = ("novelty", "diversity", "category_calibration", "price_calibration")
PER_USER = (*ACCURACY, *BEYOND)
PER_MODEL = ("coverage", "gini")

# Dense cells of users x candidates that are alive in one block.
_CELLS = 4_000_000
_MOST = 256


@dataclass(frozen=True, slots=True)
class Measured:
    """One model at one origin; N users, those without anything to find in a slice are nan there."""

    per_user: dict[str, dict[str, Float64[np.ndarray, "N"]]]
    """Slice -> metric -> one number per user of the period."""
    per_model: dict[str, dict[str, float]]
    """Slice -> `coverage` (share of the candidates in any list) and `gini` (of the candidates' exposure)."""
    by_popularity: dict[str, Float64[np.ndarray, "10"]]
    """Slice -> Recall@20 of what is in each tenth of the candidates by buyers, the least popular first."""


def measure(score: Score, period: Period, progress: Progress) -> Measured:
    """Rank all candidates for the users of the period and measure the first 20."""
    N, P = len(period.users), len(period.candidates)
    per_user = {name: {metric: np.full(N, np.nan) for metric in PER_USER} for name in SLICES}
    exposure = {name: np.zeros(P) for name in SLICES}
    found = {name: np.zeros((2, 10)) for name in SLICES}
    size = max(1, min(_MOST, _CELLS // max(P, 1)))
    for low in range(0, N, size):
        users = period.users[low : low + size]
        scored = score(users)
        relevant = period.truth[users].toarray() > 0
        gain = None if period.gain is None else period.gain[users].toarray()
        history = _History.of(period, users)
        for name in SLICES:
            allowed = _allowed(name, period, users)
            wanted = relevant & allowed
            ranked = metrics.top(np.where(allowed, scored, -np.inf))
            exposure[name] += np.bincount(ranked[ranked >= 0], minlength=P)
            hit = metrics.hits(ranked, wanted)
            found[name][0] += np.bincount(period.decile[ranked[hit]], minlength=10)
            found[name][1] += np.bincount(period.decile, wanted.sum(axis=0), minlength=10)
            counted = wanted.any(axis=1)
            figures = _figures(ranked, hit, wanted, gain, history, period)
            for metric, values in figures.items():
                per_user[name][metric][low : low + size] = np.where(counted, values, np.nan)
        progress.advance(len(users))
    with np.errstate(invalid="ignore"):
        popularity = {name: hits / wanted for name, (hits, wanted) in found.items()}
    per_model = {
        name: {"coverage": float((shown > 0).mean()), "gini": metrics.gini(shown)} for name, shown in exposure.items()
    }
    return Measured(per_user, per_model, popularity)


@dataclass(frozen=True, slots=True)
class _History:
    """What a block's users bought before, by department and by price tier."""

    departments: Float64[np.ndarray, "B D"]
    tiers: Float64[np.ndarray, "B T"]

    @staticmethod
    def of(period: Period, users: Int64[np.ndarray, "B"]) -> "_History":
        weeks = period.bought[users].tocoo()
        return _History(
            *(
                _sums(weeks.row, kind[weeks.col], weeks.data, len(users), int(kind.max(initial=0)) + 1)
                for kind in (period.department, period.price_tier)
            )
        )


def _sums(row: np.ndarray, kind: np.ndarray, weight: np.ndarray, rows: int, kinds: int) -> Float64[np.ndarray, "B C"]:
    there = kind >= 0
    flat = row[there].astype(np.int64) * kinds + kind[there]
    return np.bincount(flat, weight[there], minlength=rows * kinds).reshape(rows, kinds)


def _allowed(name: str, period: Period, users: Int64[np.ndarray, "B"]) -> Bool[np.ndarray, "B P"]:
    """Return what may be in lists and truth of a slice."""
    if name == "all":
        return np.ones((len(users), len(period.candidates)), np.bool_)
    if name == "cold items":
        return np.broadcast_to(period.cold, (len(users), len(period.candidates)))
    novel = period.bought[users].toarray() == 0
    if name == "novel":
        return novel
    seen = period.explored[users].toarray() > 0
    return novel & ~seen[:, np.maximum(period.category, 0)] & (period.category >= 0)


def _figures(
    ranked: Int64[np.ndarray, "B K"],
    hit: Bool[np.ndarray, "B K"],
    wanted: Bool[np.ndarray, "B P"],
    gain: Float64[np.ndarray, "B P"] | None,
    history: _History,
    period: Period,
) -> dict[str, Float64[np.ndarray, "B"]]:
    size = wanted.sum(axis=1)
    figures = {
        "recall20": metrics.recall(hit, size),
        "ndcg20": metrics.ndcg(hit, size),
        "hitrate10": metrics.hit_rate(hit),
        "ndcg10": metrics.ndcg(hit, size, metrics.HIT_K),
        "mrr": metrics.reciprocal_rank(hit),
        "novelty": metrics.self_information(ranked, period.bits),
        "diversity": metrics.diversity(ranked, period.category),
        "category_calibration": metrics.calibration(ranked, period.department, history.departments),
        "price_calibration": metrics.calibration(ranked, period.price_tier, history.tiers),
    }
    if gain is not None:
        figures["revenue_ndcg20"] = metrics.gain_ndcg(ranked, gain * wanted)
    return figures
