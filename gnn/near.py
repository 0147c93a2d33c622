"""What a history reaches over item-item edges: rows of sparse matrices, without the checks of a general library.

A request takes a few hundred rows of matrices with a few million edges, and asks either what arrives at all candidates
or what leads to a page of them.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64, Int, Int64, Num

from gnn.compact import Rows

# Up to so many targets are looked up one by one, in a dense table of history x targets.
_PAGE = 512


class Reached(NamedTuple):
    """The edges of a history's rows, one row after the other; E edges."""

    row: Int64[np.ndarray, "E"]
    """Which item of the history."""
    target: Int[np.ndarray, "E"]
    """Place among the candidates."""
    weight: Num[np.ndarray, "E"]


def reached(matrix: Rows, item: Int64[np.ndarray, "N"]) -> Reached:
    """Return all edges that begin at these items."""
    if not isinstance(matrix, sp.csr_matrix):
        matrix, item = matrix[item], np.arange(len(item))
    first = matrix.indptr[item].astype(np.int64)
    count = matrix.indptr[item + 1] - first
    ends = np.cumsum(count)
    edge = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(first - ends + count, count)
    return Reached(np.repeat(np.arange(len(item)), count), matrix.indices[edge], matrix.data[edge])


def between(
    matrix: Rows, item: Int64[np.ndarray, "N"], position: Int[np.ndarray, "P"], candidates: int
) -> Float64[np.ndarray, "N P"]:
    """Return the weight of the edge from each item to each of a few candidates; 0 where there is none.

    `position`: places among so many `candidates`, none twice.
    """
    edges = reached(matrix, item)
    column = np.full(candidates, -1, np.int32)
    column[position] = np.arange(len(position))
    there = column[edges.target]
    hit = np.flatnonzero(there >= 0)
    found = np.zeros((len(item), len(position)))
    found[edges.row[hit], there[hit]] = edges.weight[hit]
    return found


def arrived(
    matrix: Rows,
    item: Int64[np.ndarray, "N"],
    sent: Float64[np.ndarray, "N H"],
    position: Int[np.ndarray, "P"] | None,
    candidates: int,
) -> Float64[np.ndarray, "H P"]:
    """Return what arrives at these candidates of what the items send; `position` of None: at all, in their order."""
    if position is not None and len(position) <= _PAGE:
        places, which = np.unique(position, return_inverse=True)
        return (sent.T @ between(matrix, item, places, candidates))[:, which]
    edges = reached(matrix, item)
    flow = np.stack([np.bincount(edges.target, edges.weight * s[edges.row], candidates) for s in sent.T])
    return flow if position is None else flow[:, position]
