"""One sparse product with a gradient, by CSR where the device has it: no tensor with a row per path."""

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from torch import Tensor


class Paths:
    """A constant sparse matrix, history edges (or what they flow into) x pairs, that carries messages [N, H] to [B, H].

    On the CPU one copy serves both ways: messages go out along its rows (a CSC product of the transpose), gradients
    come back by them (a CSR product). Other devices hold a copy for each way, because only CSR is fast there.
    """

    def __init__(self, matrix: sp.csr_matrix, placed: tuple[Tensor, Tensor] | None = None) -> None:
        self.matrix = matrix
        """N x B, on the CPU."""
        self._placed = placed

    @staticmethod
    def build(
        indptr: Int[np.ndarray, "N1"],
        pair: Int[np.ndarray, "E"],
        weight: Float[np.ndarray, "E"],
        pairs: int,
    ) -> "Paths":
        """Take the paths of each history edge, in the order of the edges: which pair they end at, and their weight."""
        parts = (weight.astype(np.float32, copy=False), pair.astype(np.int32, copy=False), indptr.astype(np.int32))
        return Paths(sp.csr_matrix(parts, shape=(len(indptr) - 1, pairs), copy=False))

    @staticmethod
    def one_each(start: Int[np.ndarray, "B"], rows: int) -> "Paths":
        """Take the one row that each pair is reached from; `rows` where there is none. Weights are 1."""
        there = np.flatnonzero(start < rows)
        order = np.argsort(start[there], kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(start[there], minlength=rows))])
        return Paths.build(indptr, there[order], np.ones(len(there)), len(start))

    @property
    def nbytes(self) -> int:
        """What the matrix takes in memory, without the copies of another device."""
        return self.matrix.data.nbytes + self.matrix.indices.nbytes + self.matrix.indptr.nbytes

    def to(self, device: torch.device) -> "Paths":
        """Return the matrix on another device."""
        if device.type == "cpu":
            return Paths(self.matrix)
        return Paths(self.matrix, (_csr(sp.csr_matrix(self.matrix.T)).to(device), _csr(self.matrix).to(device)))

    def __matmul__(self, message: Float[Tensor, "N H"]) -> Float[Tensor, "B H"]:
        result = _Product.apply(message, self)
        assert isinstance(result, Tensor)  # noqa: S101 - for the type checker: apply is untyped
        return result

    def out(self, message: Tensor) -> Tensor:
        """Carry messages [N, H] to pairs [B, H]."""
        return _on_cpu(self.matrix.T, message) if self._placed is None else _times(self._placed[0], message)

    def back(self, gradient: Tensor) -> Tensor:
        """Carry gradients [B, H] to the messages [N, H]."""
        return _on_cpu(self.matrix, gradient) if self._placed is None else _times(self._placed[1], gradient)


class _Product(torch.autograd.Function):
    """The matrix is a constant: only messages get a gradient."""

    @staticmethod
    def forward(ctx: Any, message: Tensor, paths: Paths) -> Tensor:  # noqa: ANN401 - torch gives it no type
        ctx.paths = paths
        return paths.out(message)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - torch gives it no type
        return ctx.paths.back(grad[0].contiguous()), None


def csr(start: Tensor, column: Tensor, weight: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return a sparse matrix in rows, unchecked. torch announces once a process that these are in beta."""
    with warnings.catch_warnings():
        # The products used here are covered by tests; some versions say that what is unchecked is unchecked.
        for said in ("Sparse CSR tensor support is in beta", "Sparse invariant checks are implicitly disabled"):
            warnings.filterwarnings("ignore", message=said, category=UserWarning)
        return torch.sparse_csr_tensor(start, column, weight, size=size, check_invariants=False)


def _on_cpu(matrix: sp.csr_matrix | sp.csc_matrix, dense: Tensor) -> Tensor:
    return torch.from_numpy(matrix @ dense.detach().float().numpy())


def _times(matrix: Tensor, dense: Tensor) -> Tensor:
    if dense.device.type == "cuda":
        # Mixed precision has no sparse product, and sums along paths want every digit.
        with torch.autocast("cuda", enabled=False):
            return matrix @ dense.float()
    # MPS has no CSR product: gather and add instead.
    crow, column, weight = matrix.crow_indices(), matrix.col_indices(), matrix.values()
    row = torch.repeat_interleave(
        torch.arange(matrix.shape[0], device=dense.device), crow.diff(), output_size=len(column)
    )
    return dense.new_zeros(matrix.shape[0], dense.shape[1]).index_add(0, row, dense[column] * weight[:, None])


def _csr(matrix: sp.csr_matrix) -> Tensor:
    parts = (torch.from_numpy(part) for part in (matrix.indptr, matrix.indices, matrix.data))
    return csr(*parts, size=matrix.shape)
