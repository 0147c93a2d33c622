"""Is one model better than another: the paired bootstrap over users, at one origin and in the mean over several."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

RESAMPLES = 10_000
_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference of means with its 95% interval, absolute and relative to the other model."""

    difference: float
    low: float
    high: float
    relative: float
    """Difference as a share of the other's mean; nan when that is 0."""
    relative_low: float
    relative_high: float


def intervals(
    ours: Float64[np.ndarray, "N O"],
    theirs: Float64[np.ndarray, "M N O"],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> list[Interval]:
    """Return the intervals of `ours` against each of M others, over N users and O origins; nan where a user is absent.

    A user is drawn with everything they did at every origin, because their periods are not independent of each other.
    Each origin's mean over users counts alike.
    """
    present = ~np.isnan(ours).all(axis=1)
    ours, theirs = ours[present], theirs[:, present]
    N, O = ours.shape  # noqa: E741 - the axis of origins
    M = len(theirs)
    if not N:
        return [Interval(*[float("nan")] * 6) for _ in range(M)]
    there = ~np.isnan(ours)
    values = np.where(there, np.concatenate([ours[None], theirs]), 0.0).transpose(1, 2, 0).reshape(N, O * (M + 1))

    def means(weight: Float64[np.ndarray, "R N"]) -> Float64[np.ndarray, "R M1"]:
        with np.errstate(invalid="ignore"):
            mean = (weight @ values).reshape(-1, O, M + 1) / (weight @ there)[:, :, None]
        missing = np.isnan(mean)
        return np.where(missing, 0, mean).sum(axis=1) / np.maximum((~missing).sum(axis=1), 1)

    drawn = np.concatenate(
        [means(_draw(N, min(_AT_ONCE, resamples - low), rng)) for low in range(0, resamples, _AT_ONCE)]
    )
    whole = means(np.ones((1, N)))[0]
    return [_interval(whole[0], whole[m], drawn[:, 0], drawn[:, m]) for m in range(1, M + 1)]


def _draw(N: int, resamples: int, rng: np.random.Generator) -> Float64[np.ndarray, "R N"]:
    """Return how often each user is drawn in each resample."""
    rows = rng.integers(0, N, (resamples, N)) + np.arange(resamples)[:, None] * N
    return np.bincount(rows.ravel(), minlength=resamples * N).reshape(resamples, N).astype(np.float64)


def _interval(
    ours: float, theirs: float, ours_drawn: Float64[np.ndarray, "R"], theirs_drawn: Float64[np.ndarray, "R"]
) -> Interval:
    gap = ours_drawn - theirs_drawn
    low, high = np.percentile(gap, (2.5, 97.5))
    if not theirs or not theirs_drawn.all():
        return Interval(float(ours - theirs), float(low), float(high), *[float("nan")] * 3)
    share_low, share_high = np.percentile(gap / theirs_drawn, (2.5, 97.5))
    return Interval(
        float(ours - theirs), float(low), float(high), float(ours / theirs - 1), float(share_low), float(share_high)
    )
