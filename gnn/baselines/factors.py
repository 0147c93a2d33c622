"""Matrix factorisation: iALS (Hu, Koren, Volinsky, ICDM 2008) and BPR (Rendle et al., UAI 2009), from `implicit`."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from jaxtyping import Float64, Int64
from threadpoolctl import threadpool_limits

from gnn.baselines.base import Past, Range, Space

# Of BPR, whose every sample moves three rows only.
_FEWEST_SAMPLES = 50_000


@dataclass(eq=False)
class _Factors:
    def fit(self, past: Past) -> None:
        """Factorise users x candidates; without a purchase every score is zero."""
        X = sp.csr_matrix(past.log_weeks(), dtype=np.float32)
        self._users = np.zeros((past.users, 1))
        self._items = np.zeros((len(past.candidates), 1))
        if not X.nnz:
            return
        # The library is parallel by itself; BLAS threads beneath its own only get in each other's way.
        with threadpool_limits(limits=1, user_api="blas"):
            users, items = self.factorise(X)
        # A factor that ran away says nothing, rather than nan.
        self._users, self._items = np.nan_to_num(users.astype(np.float64)), np.nan_to_num(items.astype(np.float64))

    def factorise(self, X: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        """Return factors of users and of items."""
        raise NotImplementedError

    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return the products of the factors."""
        return self._users[users] @ self._items.T


@dataclass(eq=False)
class Ials(_Factors):
    """Weighted least squares on log weeks bought: confidence 1 + alpha r."""

    factors: int = 64
    alpha: float = 10.0
    regularisation: float = 1.0
    iterations: int = 15
    seed: int = 0

    SPACE: ClassVar[Space] = {
        "factors": Range(16, 192, log=True, whole=True),
        "alpha": Range(0.3, 100, log=True),
        "regularisation": Range(0.01, 300, log=True),
    }

    def factorise(self, X: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        """Return factors of users and of items."""
        model = AlternatingLeastSquares(
            factors=self.factors,
            alpha=self.alpha,
            regularization=self.regularisation,
            iterations=self.iterations,
            random_state=self.seed,
            num_threads=1,
        )
        model.fit(X, show_progress=False)
        return model.user_factors, model.item_factors


@dataclass(eq=False)
class Bpr(_Factors):
    """Factors and item bias that put what was bought before what was not, by stochastic gradient descent."""

    factors: int = 64
    learning_rate: float = 0.02
    regularisation: float = 0.01
    iterations: int = 40
    seed: int = 0

    SPACE: ClassVar[Space] = {
        "factors": Range(16, 192, log=True, whole=True),
        "learning_rate": Range(0.002, 0.2, log=True),
        "regularisation": Range(0.0005, 0.1, log=True),
        "iterations": Range(10, 80, log=True, whole=True),
    }

    def factorise(self, X: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        """Return factors of users and of items; the bias is the last of them."""
        model = BayesianPersonalizedRanking(
            factors=self.factors,
            learning_rate=self.learning_rate,
            regularization=self.regularisation,
            # A small shop needs more passes for as many samples.
            iterations=max(self.iterations, _FEWEST_SAMPLES // X.nnz),
            # Several threads write over each other's steps: one gives the same factors each time.
            num_threads=1,
            random_state=self.seed,
        )
        model.fit(X, show_progress=False)
        return model.user_factors, model.item_factors
