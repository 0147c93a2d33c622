"""Which pass of training is kept: the latest that validation cannot tell from the best.

While the learning rate is high weights swing, and a few hundred users of one period can favour an early pass by
chance; later passes have settled. So a pass within one standard error of the best one takes its place (after Breiman et
al., Classification and Regression Trees, 1984, who take the simplest tree within one; here it is the calmest weights).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

_LOOKED_AT = ("ndcg20_all", "ndcg20_novel")
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Validation:
    """What one method reaches on the validation period."""

    per_user: dict[str, Float64[np.ndarray, "n"]]
    """Metric -> one number per user, always of the same users; nan where there is nothing to find."""

    @property
    def metrics(self) -> dict[str, float]:
        """Means over the users who count."""
        means = {name: values[~np.isnan(values)] for name, values in self.per_user.items()}
        return {name: float(values.mean()) for name, values in means.items() if len(values)}

    @property
    def score(self) -> float:
        """What passes are compared by: the mean of the logarithms of NDCG@20, so that neither slice rules the other."""
        metrics = self.metrics
        values = [metrics[name] for name in _LOOKED_AT if name in metrics]
        return sum(math.log(max(value, _LEAST)) for value in values) / max(len(values), 1)


def standard_error(one: Validation, other: Validation) -> float:
    """Return how far the difference of two scores may be off for want of users: the delta method, users paired."""
    known = [name for name in _LOOKED_AT if name in other.metrics]
    n = max((len(other.per_user[name]) for name in known), default=0)
    if not n:
        return 0.0
    weight = np.zeros(n)
    for name in known:
        difference = one.per_user[name] - other.per_user[name]
        counted = ~np.isnan(difference)
        pull = np.where(counted, difference - difference[counted].mean(), 0.0)
        weight += pull * (n / counted.sum()) / max(other.metrics[name], _LEAST) / len(known)
    return float(np.sqrt((weight**2).sum()) / n)


class Selection:
    """Passes as they come, the untrained network first."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._top: Validation | None = None

    def takes(self, found: Validation) -> bool:
        """Return whether this pass is kept in the place of those before; it must be better than the untrained one."""
        score = found.score
        if self._top is None or self._first is None:
            self._first, self._top = score, found
            return True
        if score > self._top.score:
            self._top = found
            return True
        return score > self._first and self._top.score - score <= standard_error(found, self._top)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        top = self._top.per_user if self._top else {}
        return {"first": self._first, "top": {name: values.tolist() for name, values in top.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        self._first = state["first"]
        top = {name: np.array(values, np.float64) for name, values in state["top"].items()}
        self._top = Validation(top) if top else None
