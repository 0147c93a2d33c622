"""One sparse product with a gradient, by CSR where the device has it: no tensor with a row per path."""

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from torch import Tensor


class Paths:
    """A constant sparse matrix, pairs x history edges, that carries messages [N, H] to pairs [B, H]."""

    def __init__(self, forward: Tensor, backward: Tensor | None) -> None:
        self.forward = forward
        self.backward = backward

    @staticmethod
    def build(
        row: Int[np.ndarray, "N"],
        column: Int[np.ndarray, "N"],
        weight: Float[np.ndarray, "N"],
        shape: tuple[int, int],
        backward: bool,
    ) -> "Paths":
        """Lay the matrix out by rows, and by columns too when a gradient is to flow back."""
        matrix = sp.csr_matrix((weight.astype(np.float32), (row, column)), shape=shape)
        return Paths(_csr(matrix), _csr(sp.csr_matrix(matrix.T)) if backward else None)

    def to(self, device: torch.device) -> "Paths":
        """Return the matrix on another device."""
        return Paths(self.forward.to(device), None if self.backward is None else self.backward.to(device))

    def __matmul__(self, message: Float[Tensor, "N H"]) -> Float[Tensor, "B H"]:
        result = _Product.apply(message, self)
        assert isinstance(result, Tensor)  # noqa: S101 - for the type checker: apply is untyped
        return result


class _Product(torch.autograd.Function):
    """The matrix is a constant: only messages get a gradient, through the transposed copy."""

    @staticmethod
    def forward(ctx: Any, message: Tensor, paths: Paths) -> Tensor:  # noqa: ANN401 - torch gives it no type
        ctx.paths = paths
        return _times(paths.forward, message)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - torch gives it no type
        return _times(ctx.paths.backward, grad[0].contiguous()), None


def _times(matrix: Tensor, dense: Tensor) -> Tensor:
    if dense.device.type in ("cpu", "cuda"):
        # Mixed precision has no sparse product, and sums along paths want every digit.
        with torch.autocast(dense.device.type, enabled=False):
            return matrix @ dense.float()
    # MPS and meta tensors have no CSR product: gather and add instead.
    crow, column, weight = matrix.crow_indices(), matrix.col_indices(), matrix.values()
    row = torch.repeat_interleave(
        torch.arange(matrix.shape[0], device=dense.device), crow.diff(), output_size=len(column)
    )
    return dense.new_zeros(matrix.shape[0], dense.shape[1]).index_add(0, row, dense[column] * weight[:, None])


def _csr(matrix: sp.csr_matrix) -> Tensor:
    with warnings.catch_warnings():
        # torch announces once a process that CSR is in beta; the products used here are covered by tests.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta", category=UserWarning)
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int32)),
            torch.from_numpy(matrix.indices.astype(np.int32)),
            torch.from_numpy(matrix.data),
            size=matrix.shape,
            check_invariants=False,
        )
