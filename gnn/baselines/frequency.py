"""Personal frequency with decay: everybody gets what they bought most often lately; ties go to what is popular."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int64

from gnn.baselines.base import Past, Range, Space

_TIE = 1e-6


@dataclass(eq=False)
class Frequency:
    """Weeks in which the user bought the item, each fading with its age."""

    half_life_weeks: float = 23.0
    """.03 a week."""

    SPACE: ClassVar[Space] = {"half_life_weeks": Range(2, 104, log=True)}

    def fit(self, past: Past) -> None:
        """Count."""
        self._own = past.weeks(self.half_life_weeks)
        popularity = np.asarray(past.weeks().sum(axis=0)).ravel()
        self._tie = _TIE * popularity / max(popularity.max(initial=0.0), 1.0)

    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return decayed counts."""
        return self._own[users].toarray() + self._tie
