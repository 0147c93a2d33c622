"""When somebody may need an item again: the rhythm of its purchases, and how sure one can be of it; numpy and scipy.

The logarithms of the days between purchases are taken as normal. An item's own mean is drawn towards that of all items
of the user, the more so the fewer intervals it has; the spread is that of all items of the user, drawn towards
`SPREAD`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from scipy.special import ndtr

from gnn.features import DAY_US

SPREAD = 0.9
"""Standard deviation of the logarithm of intervals that is assumed before any are seen."""
_SPREAD_WEIGHT = 5.0
_MEAN_WEIGHT = 1.0
# Standard deviations below and above that hold 80%. A normal would have 1.28 on both sides; pauses are longer than it
# expects. Chosen on a fifth of the users of Complete Journey, measured on another (`docs/api.md`).
_BELOW, _ABOVE = 1.15, 1.75


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Items bought on two days or more, the one that is due most first; N items."""

    item: Int64[np.ndarray, "N"]
    """As given."""
    times: Int64[np.ndarray, "N"]
    """Days with a purchase."""
    last: Int64[np.ndarray, "N"]
    """Microseconds UTC, as the next ones."""
    expected: Int64[np.ndarray, "N"]
    """Half of the next purchases come before it, if the rhythm goes on."""
    earliest: Int64[np.ndarray, "N"]
    """A tenth comes before it."""
    latest: Int64[np.ndarray, "N"]
    """A tenth comes after it."""


def rhythm(item: Int64[np.ndarray, "E"], at: Int64[np.ndarray, "E"], now: int) -> Rhythm:
    """Return the rhythm of every item that was bought on two days or more; purchases in any order.

    Sorted by the chance that an item is needed within a week from `now`, given that it was not bought until then: what
    has been due for long sinks again.
    """
    item, day = np.unique(np.stack([item, at // DAY_US]), axis=1)
    again = item[1:] == item[:-1]
    logs = np.log(np.maximum(day[1:] - day[:-1], 1)[again].astype(np.float64))
    names, times = np.unique(item, return_counts=True)
    last = np.zeros(len(names), np.int64)
    np.maximum.at(last, np.searchsorted(names, item), day)
    kept = times >= 2
    names, times, last = names[kept], times[kept], last[kept]
    if not len(names):
        empty = np.zeros(0, np.int64)
        return Rhythm(empty, empty, empty, empty, empty, empty)
    row = np.searchsorted(names, item[1:][again])
    n = (times - 1).astype(np.float64)
    sums = np.bincount(row, logs, minlength=len(names))
    own = sums / n
    within = float(((logs - own[row]) ** 2).sum())
    free = float((n - 1).sum())
    spread = np.sqrt((within + _SPREAD_WEIGHT * SPREAD**2) / (free + _SPREAD_WEIGHT))
    mean = (sums + _MEAN_WEIGHT * logs.mean()) / (n + _MEAN_WEIGHT)
    wide = spread * np.sqrt(1 + 1 / (n + _MEAN_WEIGHT))
    since = np.maximum(now / DAY_US - last, 0.5)
    soon, later = ndtr((np.log(since) - mean) / wide), ndtr((np.log(since + 7) - mean) / wide)
    chance = (later - soon) / np.maximum(1 - soon, 1e-12)
    order = np.lexsort((names, -times, -chance))

    def moment(z: float) -> Int64[np.ndarray, "N"]:
        days = np.minimum(np.exp(mean + z * wide), 36_500.0)
        return ((last + days) * DAY_US).astype(np.int64)[order]

    return Rhythm(
        item=names[order],
        times=times[order],
        last=(last * DAY_US)[order],
        expected=moment(0.0),
        earliest=moment(-_BELOW),
        latest=moment(_ABOVE),
    )
