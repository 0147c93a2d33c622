"""Which candidates may stand at the head of a user's list, where there are too many to score them all.

A score comes along paths, so the graph itself is the index: what the history leads to over item-item edges, the most
wanted items of the categories, brands and lines that the user shops in, what the user had before, and what is wanted by
everybody. These are scored exactly; how many of the true head are among them is measured (tests/bench/test_index.py).
A vector index would have to know scores as inner products, which attention over paths is not.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Int, Int32, Int64, Num

from gnn import channels
from gnn.compact import Rows
from gnn.history import Edges
from gnn.state import PRIORS, State

FEW = 100_000
"""Up to so many candidates all are scored."""

_OVER_EDGES = 2_000
"""Kept of what each kind of item-item edge leads to, the strongest."""
_NODES = 64
"""Nodes of each kind that are followed, those with most flow."""
_OF_NODE = 64
"""Items that are followed from a node, those with the largest share."""
_WANTED = 1_000
"""Items that each prior puts first."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The candidates of each node of one kind, those with the largest share first."""

    place: Int32[np.ndarray, "P"]
    """By node, then by share."""
    start: Int64[np.ndarray, "N1"]


@dataclass(frozen=True, slots=True)
class Reach:
    """What is looked up: made once for a model."""

    shelves: tuple[Shelf, ...]
    """In the order of `State.groups`."""
    wanted: Int64[np.ndarray, "W"]
    """Places among the candidates."""


def build(state: State) -> Reach:
    """Sort the candidates of each node by their share."""
    items = state.candidates
    shelves: list[Shelf] = []
    for node, share in state.groups:
        mine = node[items]
        order = np.lexsort((-share[items], mine))
        bounds = np.arange(int(mine.max(initial=-1)) + 2)
        shelves.append(Shelf(order.astype(np.int32), np.searchsorted(mine[order], bounds)))
    priors = state.x_item[items, : len(PRIORS)]
    most = min(_WANTED, len(items))
    first = [np.argpartition(-column, most - 1)[:most] for column in priors.T] if most else []
    return Reach(tuple(shelves), np.unique(np.concatenate(first)) if first else np.zeros(0, np.int64))


def places(
    state: State,
    matrices: tuple[Rows, ...],
    reach: Reach,
    edges: Edges,
    weight: Num[np.ndarray, "N H"],
) -> Int64[np.ndarray, "R"]:
    """Return places among the candidates, ascending; `weight` is what flows along each edge of the history."""
    item = edges.item
    own = state.position[item]
    found: list[np.ndarray] = [reach.wanted, own[own >= 0]]
    if len(item):
        for matrix, sent in zip(matrices, channels.carried(state, item, weight), strict=True):
            found.append(_over_edges(matrix[item], sent))
        for (node, _), shelf in zip(state.groups, reach.shelves, strict=True):
            found.append(_on_shelves(node[item], weight[:, 0], shelf))
    return np.unique(np.concatenate(found)).astype(np.int64)


def _over_edges(edges: sp.csr_matrix, sent: Num[np.ndarray, "N H"]) -> Int[np.ndarray, "R"]:
    """Return the targets that most arrives at, over all heads."""
    arrived = sp.csr_matrix(sent.sum(axis=1)[None]) @ edges
    if arrived.nnz <= _OVER_EDGES:
        return arrived.indices
    return arrived.indices[np.argpartition(-np.abs(arrived.data), _OVER_EDGES)[:_OVER_EDGES]]


def _on_shelves(node: Int[np.ndarray, "N"], weight: Num[np.ndarray, "N"], shelf: Shelf) -> Int32[np.ndarray, "R"]:
    """Return the most wanted items of the nodes in which the user is most at home."""
    there = node >= 0
    met, index = np.unique(node[there], return_inverse=True)
    if not len(met):
        return shelf.place[:0]
    flow = np.bincount(index, weight[there])
    followed = met[np.argsort(-flow, kind="stable")[:_NODES]]
    followed = followed[followed < len(shelf.start) - 1]
    bounds = zip(shelf.start[followed], shelf.start[followed + 1], strict=True)
    return np.concatenate([shelf.place[:0], *(shelf.place[low : min(low + _OF_NODE, high)] for low, high in bounds)])
