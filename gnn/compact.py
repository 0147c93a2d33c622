"""Item-item edges in two bytes each: what a compressed model keeps, on disk and in memory.

A weight is a whole number of its row's unit, from -127 to 127. A target is told by its distance from the edge before it
in the row, as inverted indexes do (Zobel & Moffat, ACM Computing Surveys 2006). Rows are read when a history asks for
them; what is read is what is served and what is explained.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Int, Int8, Int64, UInt

from gnn.item_edges import ItemEdges

LEVELS = 127
"""Largest weight of a row, in its unit."""


class Rows(Protocol):
    """A matrix, items x candidates, of which rows can be taken: a csr_matrix is one."""

    def __getitem__(self, rows: Int64[np.ndarray, "n"], /) -> sp.csr_matrix:
        """Return these rows as a sparse matrix, n x candidates."""
        ...


class Lately:
    """A matrix that has the rows at hand which were taken last: one request takes those of a history several times."""

    def __init__(self, matrix: Rows) -> None:
        self._matrix = matrix
        self._taken: dict[bytes, sp.csr_matrix] = {}

    def __getitem__(self, rows: Int64[np.ndarray, "n"]) -> sp.csr_matrix:
        """Return these rows; not to be written to."""
        key = rows.astype(np.int64, copy=False).tobytes()
        found = self._taken.get(key)
        if found is None:
            found = self._taken[key] = self._matrix[rows]
            # Two stay: those of a user as it is, and as it would be.
            for oldest in list(self._taken)[:-2]:
                self._taken.pop(oldest, None)
        return found


@dataclass(frozen=True, slots=True)
class CompactEdges:
    """Edges between candidates, P rows of them; N edges, with those that only bridge a distance.

    Other items than candidates have no edges, and no rows here.
    """

    indptr: Int[np.ndarray, "P1"]
    gap: UInt[np.ndarray, "N"]
    """Positions from the edge before it in the row; from position 0 for the first."""
    level: Int8[np.ndarray, "N"]
    """The weight in units of its row; 0 for an edge that bridges a distance too long for `gap`."""
    unit: Float32[np.ndarray, "P"]

    def served(self, position: Int[np.ndarray, "I"]) -> "CompactMatrix":
        """Return what rows are taken from at request time; `position` is each item's place among the candidates."""
        return CompactMatrix(self, position)

    def unpacked(self, position: Int[np.ndarray, "I"]) -> ItemEdges:
        """Return all edges with targets and weights written out, as training lays them out."""
        whole = self.served(position)[np.arange(len(position))]
        whole.eliminate_zeros()
        return ItemEdges(whole.indptr.astype(np.int64), whole.indices, whole.data)


@dataclass(frozen=True, slots=True)
class CompactMatrix:
    """Compact edges as a matrix of which rows can be taken."""

    edges: CompactEdges
    position: Int[np.ndarray, "I"]

    def __getitem__(self, rows: Int64[np.ndarray, "n"]) -> sp.csr_matrix:
        """Return these rows, float32; bridges stand in them as explicit zeros."""
        edges, place = self.edges, self.position[rows].astype(np.int64)
        first = edges.indptr[place].astype(np.int64)
        count = np.where(place >= 0, edges.indptr[place + 1] - first, 0)
        indptr = np.concatenate(([0], np.cumsum(count)))
        entry = np.arange(indptr[-1]) + np.repeat(first - indptr[:-1], count)
        passed = np.cumsum(edges.gap[entry], dtype=np.int64)
        before = np.concatenate(([0], passed))[indptr[:-1]]
        target = passed - np.repeat(before, count)
        there = place[count > 0]
        weight = edges.level[entry] * np.repeat(edges.unit[there], count[count > 0])
        parts = (weight, target.astype(np.int32), indptr.astype(np.int32))
        return sp.csr_matrix(parts, shape=(len(rows), len(edges.unit)))


def pack(matrix: sp.csr_matrix, dropped: float) -> CompactEdges:
    """Return the edges of a square matrix of candidates whose size is above `dropped`, in two or three bytes each."""
    count = np.diff(matrix.indptr)
    row = np.repeat(np.arange(len(count)), count)
    size = np.abs(matrix.data).astype(np.float64)
    largest = np.zeros(len(count))
    np.maximum.at(largest, row, size)
    unit = (largest / LEVELS).astype(np.float32)
    # A silent row has no unit; its edges are 0 / 1.
    level = np.rint(matrix.data / np.where(unit > 0, unit, 1)[row]).astype(np.int8)
    kept = (size > dropped) & (level != 0)
    row, target, level = row[kept], matrix.indices[kept].astype(np.int64), level[kept]
    order = np.lexsort((target, row))
    row, target, level = row[order], target[order], level[order]
    starts = np.concatenate(([True], row[1:] != row[:-1])) if len(row) else np.zeros(0, np.bool_)
    gap = np.where(starts, target, np.diff(target, prepend=0))
    packed = min((_bridged(row, gap, level, kind) for kind in (np.uint8, np.uint16)), key=lambda found: found[3])
    indptr = np.concatenate(([0], np.cumsum(np.bincount(packed[0], minlength=len(count)))))
    smallest = np.int32 if indptr[-1] < 2**31 else np.int64
    return CompactEdges(indptr.astype(smallest), packed[1], packed[2], unit)


def _bridged(
    row: Int64[np.ndarray, "N"],
    gap: Int64[np.ndarray, "N"],
    level: Int8[np.ndarray, "N"],
    kind: type[np.uint8 | np.uint16],
) -> tuple[Int64[np.ndarray, "M"], UInt[np.ndarray, "M"], Int8[np.ndarray, "M"], int]:
    """Return row, gap, level with edges of weight 0 where a gap is too long for `kind`, and the bytes that it takes."""
    most = np.iinfo(kind).max
    bridges = np.maximum(gap - 1, 0) // most
    last = np.cumsum(bridges + 1) - 1
    n = int(last[-1]) + 1 if len(last) else 0
    gaps = np.full(n, most, kind)
    levels = np.zeros(n, np.int8)
    gaps[last], levels[last] = gap - bridges * most, level
    return np.repeat(row, bridges + 1), gaps, levels, n * (gaps.itemsize + 1)
