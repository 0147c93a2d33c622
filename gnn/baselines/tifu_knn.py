"""TIFU-KNN (Hu et al., SIGIR 2020): time-aware item frequencies of a user and of the users most like them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64, Int64

from gnn.baselines.base import Past, Range, Space


@dataclass(eq=False)
class TifuKnn:
    """Weeks are baskets; baskets fade within groups of `group` baskets, and groups fade among each other."""

    group: int = 7
    within_decay: float = 0.9
    between_decay: float = 0.7
    neighbours: int = 300
    own: float = 0.7
    """Weight of the user's own frequencies; the rest is the mean of the neighbours'."""

    SPACE: ClassVar[Space] = {
        "group": Range(2, 12, whole=True),
        "within_decay": Range(0.5, 1),
        "between_decay": Range(0.3, 1),
        "neighbours": Range(20, 900, log=True, whole=True),
        "own": Range(0.05, 0.95),
    }

    def fit(self, past: Past) -> None:
        """Compute every user's vector of item frequencies."""
        baskets = np.unique(np.stack([past.user, past.weeks_ago]), axis=1)
        first = np.searchsorted(baskets[0], np.arange(past.users))
        # The place of a basket counts back from the user's latest, as do the groups.
        place = np.arange(baskets.shape[1]) - first[baskets[0]]
        groups = (np.bincount(baskets[0], minlength=past.users) + self.group - 1) // self.group
        weight = (
            self.within_decay ** (place % self.group)
            * self.between_decay ** (place // self.group)
            / (self.group * np.maximum(groups, 1)[baskets[0]])
        )
        span = int(past.weeks_ago.max(initial=0)) + 1
        of_event = np.searchsorted(baskets[0] * span + baskets[1], past.user * span + past.weeks_ago)
        shape = (past.users, len(past.candidates))
        self._vectors = sp.csr_matrix((weight[of_event], (past.user, past.position)), shape=shape)
        self._square = np.asarray(self._vectors.multiply(self._vectors).sum(axis=1)).ravel()

    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return own frequencies and those of the nearest users by Euclidean distance."""
        near = min(self.neighbours, self._vectors.shape[0] - 1)
        own = self._vectors[users]
        if near <= 0:
            return own.toarray()
        distance = self._square - 2 * (own @ self._vectors.T).toarray()
        distance[np.arange(len(users)), users] = np.inf
        # Equal distances go to the earlier user, so that company does not change a list.
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :near]
        rows = np.repeat(np.arange(len(users)), near)
        mean = sp.csr_matrix(
            (np.full(rows.size, 1 / near), (rows, nearest.ravel())), shape=(len(users), self._vectors.shape[0])
        )
        return self.own * own.toarray() + (1 - self.own) * (mean @ self._vectors).toarray()
