"""Draws (user, bought, not bought) for baselines that learn from samples."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from gnn.baselines.base import Past


@dataclass(frozen=True, slots=True)
class Bought:
    """Distinct pairs of user and candidate, by user and candidate."""

    user: Int64[np.ndarray, "N"]
    position: Int64[np.ndarray, "N"]
    candidates: int

    @staticmethod
    def of(past: Past) -> "Bought":
        """Collect the pairs."""
        pairs = past.weeks().tocoo()
        return Bought(pairs.row.astype(np.int64), pairs.col.astype(np.int64), len(past.candidates))

    def __len__(self) -> int:
        return len(self.user)

    def triples(self, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return users, candidates that they bought, and candidates drawn evenly that they (nearly surely) did not."""
        rows = rng.integers(0, len(self), n)
        user = self.user[rows]
        return _tensor(user), _tensor(self.position[rows]), _tensor(self.negatives(user, rng))

    def negatives(self, user: Int64[np.ndarray, "B"], rng: np.random.Generator) -> Int64[np.ndarray, "B"]:
        """Return one candidate per user, drawn evenly; what the user bought is drawn again, twice at most."""
        drawn = rng.integers(0, self.candidates, len(user))
        keys = self.user * self.candidates + self.position
        for _ in range(2):
            asked = user * self.candidates + drawn
            place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
            hit = np.flatnonzero(keys[place] == asked)
            drawn[hit] = rng.integers(0, self.candidates, len(hit))
        return drawn


def _tensor(values: Int64[np.ndarray, "B"]) -> Tensor:
    return torch.from_numpy(values)
