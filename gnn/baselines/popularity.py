"""Recent popularity: everybody gets what most users bought lately."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int64

from gnn.baselines.base import Past, Range, Space


@dataclass(eq=False)
class Popularity:
    """Users per item, each purchase fading with its age."""

    half_life_weeks: float = 8.0

    SPACE: ClassVar[Space] = {"half_life_weeks": Range(1, 52, log=True)}

    def fit(self, past: Past) -> None:
        """Count."""
        self._popularity = np.asarray(past.weeks(self.half_life_weeks).sum(axis=0)).ravel()

    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return the same scores for everybody."""
        return np.tile(self._popularity, (len(users), 1))
