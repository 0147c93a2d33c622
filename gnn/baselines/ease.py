"""EASE (Steck, WWW 2019) on log weeks bought, alone or with personal frequency beside it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64, Int64

from gnn.baselines.base import Past, Range, Space
from gnn.errors import NotEnoughData
from gnn.item_edges import ridge_inverse

# A dense inverse of this many items takes minutes and gigabytes; beyond, this baseline is not the one to run.
_MOST_ITEMS = 30_000


@dataclass(eq=False)
class Ease:
    """Item-item ridge regression without self-weights: score = X B, B = -P / diag(P), P = (X'X + ridge)^-1."""

    ridge: float = 1000.0

    SPACE: ClassVar[Space] = {"ridge": Range(50, 10_000, log=True)}

    def fit(self, past: Past) -> None:
        """Solve for B. Raises `NotEnoughData` (naming the bound) when there are too many items for a dense inverse."""
        if len(past.candidates) > _MOST_ITEMS:
            raise NotEnoughData(
                f"EASE inverts a dense matrix; {len(past.candidates)} items are more than {_MOST_ITEMS}",
                "Leave it out of --models, or raise min_buyers",
            )
        X = past.log_weeks()
        P = ridge_inverse((X.T @ X).toarray().astype(np.float32), self.ridge)
        B = -P / np.diag(P)
        np.fill_diagonal(B, 0.0)
        self._X, self._B = sp.csr_matrix(X, dtype=np.float32), B

    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return X B."""
        return np.asarray(self._X[users] @ self._B, np.float64)


@dataclass(eq=False)
class FrequencyAndEase(Ease):
    """EASE plus the user's own decayed weeks with the item: the strongest simple method where people buy again."""

    own: float = 0.5
    """Weight of a week with the item."""
    half_life_weeks: float = 16.0

    SPACE: ClassVar[Space] = {
        **Ease.SPACE,
        "own": Range(0.05, 5, log=True),
        "half_life_weeks": Range(2, 104, log=True),
    }

    def fit(self, past: Past) -> None:
        """Solve for B and count."""
        super().fit(past)
        self._own = past.weeks(self.half_life_weeks) * self.own

    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return X B plus the user's own frequency."""
        return super().score(users) + self._own[users].toarray()
