"""Personal frequency with decay: everybody gets what they bought most often lately; ties go to what is popular."""

import numpy as np
from jaxtyping import Float64, Int64

from gnn.baselines.base import Past

# .03 a week: chosen on the validation cut of Complete Journey.
_HALF_LIFE_WEEKS = 23.0
_TIE = 1e-6


class Frequency:
    """Weeks in which the user bought the item, each fading with its age."""

    def fit(self, past: Past) -> None:
        """Count."""
        self._own = past.weeks(_HALF_LIFE_WEEKS)
        popularity = np.asarray(past.weeks().sum(axis=0)).ravel()
        self._tie = _TIE * popularity / max(popularity.max(initial=0.0), 1.0)

    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return decayed counts."""
        return self._own[users].toarray() + self._tie
