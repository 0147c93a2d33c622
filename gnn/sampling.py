"""What is drawn of a user in training: the items that it is asked about, and edges that stand for a long history."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Float64, Int, Int32, Int64

from gnn.config import Config
from gnn.moment import Moment
from gnn.state import MATRICES

_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Pool:
    """The items that one user is asked about; B items."""

    item: Int64[np.ndarray, "B"]
    """Rows of candidates, ascending."""
    weight: Float64[np.ndarray, "B"]
    """How many items of the shop each one stands for: 1, or more for those that were drawn.

    Without these weights tempting negatives are over-represented, and the network learns to avoid what tempts.
    """


@dataclass(frozen=True, slots=True)
class Asker:
    """Which items a user is asked about at one cut: all that was bought or known, the most tempting, some others."""

    history: sp.csr_matrix
    """Users x items: what item-item edges start from."""
    labels: sp.csr_matrix
    """Users x items: what is bought next."""
    near: sp.csr_matrix
    """Items x candidates: the item-item edges that tell what tempts."""
    candidates: Int64[np.ndarray, "P"]
    position: Int32[np.ndarray, "I"]
    bounds: Float64[np.ndarray, "P"]
    """Chances of the candidates to be drawn, summed up."""
    chance: Float64[np.ndarray, "P"]
    hard: int
    random: int
    """Negatives of both kinds, per user."""

    @staticmethod
    def of(moment: Moment, labels: sp.csr_matrix, config: Config) -> "Asker":
        """Look at a moment with all its users."""
        state, edges = moment.state, moment.edges
        P = len(state.candidates)
        popularity = np.bincount(edges.item, minlength=len(state.position))[state.candidates]
        chance = np.sqrt(popularity + 1.0)
        chance /= chance.sum()
        return Asker(
            history=sp.csr_matrix(
                (edges.base[:, 0], (edges.user, edges.item)), shape=(len(moment.x_user), len(state.position))
            ),
            labels=labels,
            near=state.matrices[MATRICES.index("ease")].matrix(P),
            candidates=state.candidates,
            position=state.position,
            bounds=np.cumsum(chance),
            chance=chance,
            hard=min(config.hard_negatives, P),
            random=config.random_negatives,
        )

    def pools(self, users: Int64[np.ndarray, "U"], drawn: Float64[np.ndarray, "U R"]) -> list[Pool]:
        """Return a pool for each user: own history, what is bought next, hard negatives, and items drawn from the rest.

        Hard negatives are what the user never met and what item-item edges speak for most. `drawn` are `random` numbers
        for each user, alike between 0 and 1.
        """
        P = len(self.candidates)
        result: list[Pool] = []
        for low in range(0, len(users), _CHUNK):
            chunk = users[low : low + _CHUNK]
            tempting = np.asarray((self.history[chunk] @ self.near).toarray())
            for row, u in enumerate(chunk):
                own = self._known(self.history, u)
                score = tempting[row]
                score[own] = -np.inf
                stands_for = np.zeros(P)
                found = np.searchsorted(self.bounds, drawn[low + row]).clip(0, P - 1)
                np.add.at(stands_for, found, 1 / (self.random * self.chance[found]))
                if self.hard:
                    stands_for[np.argpartition(score, P - self.hard)[P - self.hard :]] = 1.0
                stands_for[own] = 1.0
                stands_for[self._known(self.labels, u)] = 1.0
                pool = np.flatnonzero(stands_for)
                result.append(Pool(self.candidates[pool], stands_for[pool]))
        return result

    def _known(self, matrix: sp.csr_matrix, user: int) -> Int[np.ndarray, "N"]:
        """Return the user's items by their place among the candidates."""
        found = self.position[matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]]]
        return found[found >= 0]


def chances(size: Float[np.ndarray, "N"], most: int) -> Float64[np.ndarray, "N"]:
    """Return the chance of each edge to be among `most` that are drawn: in proportion to its size, at most 1."""
    chance = np.ones(len(size))
    open_ = np.ones(len(size), np.bool_)
    if len(size) <= most:
        return chance
    while True:
        left = most - (len(size) - open_.sum())
        chance[open_] = left * size[open_] / size[open_].sum()
        if chance.max() <= 1:
            return chance
        open_ &= chance < 1
        chance[~open_] = 1.0


def systematic(chance: Float64[np.ndarray, "N"], start: float) -> Bool[np.ndarray, "N"]:
    """Draw edges with these chances by one number between 0 and 1 (Madow, Ann. Math. Stat. 20, 1949).

    As many are drawn as the chances sum up to: no step is larger than foreseen, as it might be with independent draws.
    """
    ends = np.floor(np.cumsum(chance) + start)
    return (np.diff(ends, prepend=np.floor(start)) > 0) | (chance >= 1)
