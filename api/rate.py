"""Token buckets: how many requests a caller may still send."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

# Beyond so many callers the one that was quiet for longest is forgotten: its bucket has most likely filled again.
_MOST = 20_000


class Buckets:
    """One bucket per caller, in this process."""

    def __init__(self, rate_per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate_per_s
        self._burst = burst
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, rate_per_s: float | None = None) -> float:
        """Take one token of a caller; return 0, or the seconds until there is one again.

        `rate_per_s`: the caller's own rate; its burst is then twice that, but at least 1.
        """
        rate = self._rate if rate_per_s is None else rate_per_s
        burst = self._burst if rate_per_s is None else max(1, math.ceil(2 * rate_per_s))
        now = self._clock()
        left, at = self._left.get(name, (float(burst), now))
        left = min(float(burst), left + (now - at) * rate)
        wait = 0.0 if left >= 1 else (1 - left) / rate
        self._left[name] = (left if wait else left - 1, now)
        self._left.move_to_end(name)
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        return wait
