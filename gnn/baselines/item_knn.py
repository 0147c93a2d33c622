"""ItemKNN: cosine between items by the users who bought them (Sarwar et al., WWW 2001), from `implicit`."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from implicit.nearest_neighbours import CosineRecommender
from jaxtyping import Float64, Int64

from gnn.baselines.base import Past, Range, Space


@dataclass(eq=False)
class ItemKnn:
    """Score = X S, X log weeks bought, S the cosines of each item's nearest neighbours, itself among them."""

    neighbours: int = 200
    half_life_weeks: float = 104.0
    """Of what the user bought; the cosines do not fade."""

    SPACE: ClassVar[Space] = {
        "neighbours": Range(10, 2000, log=True, whole=True),
        "half_life_weeks": Range(4, 104, log=True),
    }

    def fit(self, past: Past) -> None:
        """Find the neighbours."""
        self._own = past.weeks(self.half_life_weeks)
        self._own.data = np.log1p(self._own.data)
        model = CosineRecommender(K=min(self.neighbours, max(len(past.candidates), 1)), num_threads=1)
        counts = past.log_weeks()
        self._cosine = sp.csr_matrix((len(past.candidates), len(past.candidates)))
        if counts.nnz:
            with warnings.catch_warnings():
                # The library converts its own matrices, and tells of it.
                warnings.filterwarnings("ignore", message="Method expects CSR input")
                model.fit(counts, show_progress=False)
            assert model.similarity is not None  # noqa: S101 - for the type checker: it was just made
            self._cosine = sp.csr_matrix(model.similarity)

    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return X S."""
        return (self._own[users] @ self._cosine).toarray()
