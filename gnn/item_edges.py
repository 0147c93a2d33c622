"""Item-item edges: how much having met one item speaks for another, pruned and sparse.

EASE (Steck, WWW 2019) is solved exactly while users or items are few enough for a dense inverse, by whichever side is
smaller; beyond that cosine with shrinkage takes its place, in sparse products alone. Walks (as in P3, Cooper et al.,
WWW 2014) lead from an item through the shoppers who have it to what they bought lately: the neighbourhood of users,
told between items, so that nothing of any single user is kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Int, Int32, Int64
from scipy.linalg import lapack

from gnn.config import Config

# Dense pieces that are alive at the same time, each at most so large.
_BYTES = 3 * 2**30
_BLOCK = 512
_SHRINKAGE = 20.0


@dataclass(frozen=True, slots=True)
class ItemEdges:
    """Edges from every item (rows, I of them) to candidates (positions in the list of candidates), as CSR."""

    indptr: Int64[np.ndarray, "I1"]
    target: Int32[np.ndarray, "N"]
    """Position among the candidates, ascending within a row."""
    weight: Float32[np.ndarray, "N"]

    def matrix(self, candidates: int) -> sp.csr_matrix:
        """Return the edges as one sparse matrix, items x candidates; shares the arrays."""
        shape = (len(self.indptr) - 1, candidates)
        return sp.csr_matrix((self.weight, self.target, self.indptr), shape=shape)


def none(I: int) -> ItemEdges:  # noqa: E741 - the axis of items
    """Return a graph of `I` items without edges."""
    return ItemEdges(np.zeros(I + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))


def ease(X: sp.csr_matrix, config: Config) -> sp.csr_matrix | None:
    """Return the pruned item-item weights of EASE on `X` (users x items), or None where the shop is too large."""
    U, I = X.shape  # noqa: E741
    counts = X.astype(np.float32)
    if min(U, config.dense_limit) >= I and I * I * 4 <= _BYTES:
        return _prune(_ease_by_items(counts, config.ease_lambda), config.neighbours, I)
    if min(U, config.dense_limit) == U and U * I * 4 <= _BYTES:
        return _prune(_ease_by_users(counts, config.ease_lambda), config.neighbours, I)
    return None


def cosine(X: sp.csr_matrix, neighbours: int) -> sp.csr_matrix:
    """Return the pruned cosine of the items' columns in `X` (users x items), shrunk where few users speak for it."""
    rows = X.astype(np.float32)
    Xt = rows.T.tocsr()
    norm = np.sqrt(np.asarray(Xt.multiply(Xt).sum(axis=1))).ravel()

    def unit(row: Int[np.ndarray, "*#N"], column: Int[np.ndarray, "*#N"]) -> Float32[np.ndarray, "..."]:
        return norm[row] * norm[column] + _SHRINKAGE

    return _prune(_products(Xt, rows, unit), neighbours, X.shape[1])


def walks(X: sp.csr_matrix, recent: sp.csr_matrix, neighbours: int) -> tuple[sp.csr_matrix, Float32[np.ndarray, "I"]]:
    """Return where walks item - user - item end, pruned, and each item's weight among the places where they start.

    `X` and `recent` are users x items: by what users are alike, and what they bought lately. Users are compared by the
    cosine of `X` weighted by inverse frequency; an item's row is the mean of `recent` over its users, by how much of
    them the item makes up. The second result says how much that is in sum: a user's walk starts at the items of the
    history in proportion to it.
    """
    U = X.shape[0]
    rare = np.log(U / np.maximum(np.bincount(X.indices, minlength=X.shape[1]), 1)).astype(np.float32)
    weighted = sp.csr_matrix(X.astype(np.float32) @ sp.diags_array(rare))
    norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1))).ravel()
    alike = sp.csr_matrix(sp.diags_array(_inverse(norm)) @ weighted)
    leaving = sp.csr_matrix(sp.diags_array(rare) @ alike.T)
    mass = np.asarray(leaving.sum(axis=1), np.float32).ravel()

    def unit(row: Int[np.ndarray, "*#N"], column: Int[np.ndarray, "*#N"]) -> Float32[np.ndarray, "..."]:
        return np.broadcast_to(np.maximum(mass[row], 1e-12), np.broadcast_shapes(row.shape, column.shape))

    return _prune(_products(leaving, recent.astype(np.float32), unit), neighbours, X.shape[1]), mass


def _inverse(sizes: Float32[np.ndarray, "N"]) -> Float32[np.ndarray, "N"]:
    """Return one over each size; 0 for nothing."""
    return np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 0)


def _products(
    left: sp.csr_matrix,
    right: sp.csr_matrix,
    unit: Callable[[Int[np.ndarray, "*#N"], Int[np.ndarray, "*#N"]], Float32[np.ndarray, "..."]],
) -> Iterator[Float32[np.ndarray, "B I"] | sp.coo_matrix]:
    """Yield `left @ right` (items x items) over `unit(row, column)`, without its diagonal, some rows at a time."""
    I = right.shape[1]  # noqa: E741
    size = max(1, min(_BLOCK, 2**26 // max(I, 1)))
    for low in range(0, I, size):
        part = left[low : low + size] @ right
        n = part.shape[0]
        if part.nnz > 0.02 * n * I:
            rows = np.arange(low, low + n)
            dense = part.toarray() / unit(rows[:, None], np.arange(I)[None])
            dense[np.arange(n), rows] = 0.0
            yield dense
        else:
            found = part.tocoo()
            scaled = found.data / unit(found.row + low, found.col)
            scaled[found.row + low == found.col] = 0.0
            yield sp.coo_matrix((scaled, (found.row, found.col)), shape=part.shape)


def ridge_inverse(gram: Float32[np.ndarray, "N N"], strength: float) -> Float32[np.ndarray, "N N"]:
    """Return the inverse of gram + strength, which is positive definite, by Cholesky and in place."""
    gram[np.diag_indices(len(gram))] += np.float32(strength)
    factor, failed = lapack.spotrf(gram.T, lower=1, overwrite_a=1)
    if failed:
        raise FloatingPointError(f"the item-item matrix is not positive definite at row {failed}; raise ease_lambda")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(inverse)
    return lower + np.tril(lower, -1).T


def _ease_by_items(X: sp.csr_matrix, strength: float) -> Iterator[Float32[np.ndarray, "B I"]]:
    P = ridge_inverse((X.T @ X).toarray().astype(np.float32), strength)
    diagonal = np.diag(P).copy()
    for low in range(0, len(P), _BLOCK):
        block = -P[low : low + _BLOCK] / diagonal
        block[np.arange(len(block)), np.arange(low, low + len(block))] = 0.0
        yield block


def _ease_by_users(X: sp.csr_matrix, strength: float) -> Iterator[Float32[np.ndarray, "B I"]]:
    # (strength + X'X)^-1 = (1 - X'(strength + XX')^-1 X) / strength: the inverse is taken over users, not items.
    I = X.shape[1]  # noqa: E741
    inverse = ridge_inverse((X @ X.T).toarray().astype(np.float32), strength)
    Z = np.ascontiguousarray((X.T @ inverse).T)  # users x items
    Xt = X.T.tocsr()
    column = np.asarray(X.multiply(Z).sum(axis=0)).ravel()
    diagonal = ((1.0 - column) / strength).astype(np.float32)
    for low in range(0, I, _BLOCK):
        block = np.asarray(Xt[low : low + _BLOCK] @ Z, np.float32) / (strength * diagonal)
        block[np.arange(len(block)), np.arange(low, low + len(block))] = 0.0
        yield block


def _prune(
    blocks: Iterator[Float32[np.ndarray, "B I"] | sp.coo_matrix],
    keep: int,
    I: int,  # noqa: E741
) -> sp.csr_matrix:
    """Keep the `keep` weights of each row that are largest in size: negative weights carry as much as positive ones."""
    targets: list[np.ndarray] = [np.zeros(0, np.int32)]
    weights: list[np.ndarray] = [np.zeros(0, np.float32)]
    counts: list[np.ndarray] = [np.zeros(0, np.int64)]
    for block in blocks:
        row, target, weight = _largest(block, keep)
        targets.append(target.astype(np.int32))
        weights.append(weight.astype(np.float32))
        counts.append(np.bincount(row, minlength=block.shape[0]))
    indptr = np.concatenate(([0], np.cumsum(np.concatenate(counts)))).astype(np.int64)
    return sp.csr_matrix((np.concatenate(weights), np.concatenate(targets), indptr), shape=(I, I))


def _largest(
    block: Float32[np.ndarray, "B I"] | sp.coo_matrix, keep: int
) -> tuple[Int64[np.ndarray, "N"], Int64[np.ndarray, "N"], Float32[np.ndarray, "N"]]:
    """Return row, column and weight of each row's `keep` largest weights in size, by row and column."""
    if isinstance(block, np.ndarray):
        I = block.shape[1]  # noqa: E741
        if keep < I:
            # The least of what is negated: to select from beyond thousands of zeros takes five times as long.
            top = np.sort(np.argpartition(-np.abs(block), keep - 1, axis=1)[:, :keep], axis=1)
        else:
            top = np.broadcast_to(np.arange(I), block.shape)
        value = np.take_along_axis(block, top, axis=1)
        kept = value != 0.0
        return np.repeat(np.arange(len(block)), kept.sum(axis=1)), top[kept], value[kept]
    order = np.lexsort((block.col, -np.abs(block.data), block.row))
    row = block.row[order]
    start = np.searchsorted(row, np.arange(block.shape[0]))
    chosen = order[(np.arange(len(order)) - start[row] < keep) & (block.data[order] != 0.0)]
    chosen = chosen[np.lexsort((block.col[chosen], block.row[chosen]))]
    return block.row[chosen].astype(np.int64), block.col[chosen].astype(np.int64), block.data[chosen]
