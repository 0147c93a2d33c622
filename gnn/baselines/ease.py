"""EASE (Steck, WWW 2019) on log weeks bought, alone or with personal frequency beside it."""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64, Int64

from gnn.baselines.base import Past
from gnn.errors import NotEnoughData
from gnn.item_edges import ridge_inverse

# Chosen on the validation cut of Complete Journey.
_LAMBDA = 1000.0
_HALF_LIFE_WEEKS = 16.0
_OWN = 0.5

# A dense inverse of this many items takes minutes and gigabytes; beyond, this baseline is not the one to run.
_MOST_ITEMS = 30_000


class Ease:
    """Item-item ridge regression without self-weights: score = X B, B = -P / diag(P), P = (X'X + lambda)^-1."""

    def __init__(self, *, own: float = 0.0) -> None:
        """Add `own` times the user's decayed weeks with the item (0: EASE alone)."""
        self._own_weight = own

    def fit(self, past: Past) -> None:
        """Solve for B. Raises `NotEnoughData` (naming the bound) when there are too many items for a dense inverse."""
        if len(past.candidates) > _MOST_ITEMS:
            raise NotEnoughData(
                f"EASE inverts a dense matrix; {len(past.candidates)} items are more than {_MOST_ITEMS}",
                "Leave it out of --models, or raise min_buyers",
            )
        X = past.weeks()
        X.data = np.log1p(X.data)
        P = ridge_inverse((X.T @ X).toarray().astype(np.float32), _LAMBDA)
        B = -P / np.diag(P)
        np.fill_diagonal(B, 0.0)
        self._X, self._B = sp.csr_matrix(X, dtype=np.float32), B
        self._own = past.weeks(_HALF_LIFE_WEEKS) * self._own_weight

    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return X B, plus the user's own frequency."""
        found = np.asarray(self._X[users] @ self._B, np.float64)
        return found + self._own[users].toarray() if self._own_weight else found


def frequency_and_ease() -> Ease:
    """Return EASE with personal frequency: the strongest of the measured baselines where people buy again."""
    return Ease(own=_OWN)
