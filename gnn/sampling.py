"""Which items a user is asked about in training: all that was bought or known, the most tempting, some others."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64, Int64

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


def pools(
    moment: Moment, users: Int64[np.ndarray, "U"], labels: sp.csr_matrix, config: Config, rng: np.random.Generator
) -> list[Pool]:
    """Return a pool for each user: own history, what is bought next, hard negatives, and items drawn from the rest.

    Hard negatives are what the user never met and what item-item edges speak for most.
    """
    state, edges = moment.state, moment.edges
    P = len(state.candidates)
    history = sp.csr_matrix(
        (edges.base[:, 0], (edges.user, edges.item)), shape=(len(moment.x_user), len(state.position))
    )
    weight = state.matrices[MATRICES.index("ease")].matrix(P)
    popularity = np.bincount(edges.item, minlength=len(state.position))[state.candidates]
    chance = np.sqrt(popularity + 1.0)
    chance /= chance.sum()
    bounds = np.cumsum(chance)
    hard = min(config.hard_negatives, P)
    result: list[Pool] = []
    for low in range(0, len(users), _CHUNK):
        chunk = users[low : low + _CHUNK]
        tempting = np.asarray((history[chunk] @ weight).toarray())
        for row, u in enumerate(chunk):
            own = state.position[history.indices[history.indptr[u] : history.indptr[u + 1]]]
            bought = state.position[labels.indices[labels.indptr[u] : labels.indptr[u + 1]]]
            score = tempting[row]
            score[own[own >= 0]] = -np.inf
            stands_for = np.zeros(P)
            drawn = np.searchsorted(bounds, rng.random(config.random_negatives)).clip(0, P - 1)
            np.add.at(stands_for, drawn, 1 / (config.random_negatives * chance[drawn]))
            if hard:
                stands_for[np.argpartition(score, P - hard)[P - hard :]] = 1.0
            stands_for[own[own >= 0]] = 1.0
            stands_for[bought[bought >= 0]] = 1.0
            pool = np.flatnonzero(stands_for)
            result.append(Pool(state.candidates[pool], stands_for[pool]))
    return result
