"""Attention's operations by compiled loops: each piece of the edges has a thread (`gnn.kernels`)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gnn import kernels
from gnn.bipartite import Bipartite
from gnn.kernels import array

_Values = np.ndarray[Any, np.dtype[np.float32]]
_Ends = np.ndarray[Any, np.dtype[np.int64]]


def additive(user: Tensor, item: Tensor, vector: Tensor, edge_index: Tensor, slope: float) -> object:
    """Return what `gnn.edgewise.additive` returns."""
    return _Additive.apply(user, item, vector, edge_index, slope)


def dot(user: Tensor, item: Tensor, edge_index: Tensor) -> object:
    """Return what `gnn.edgewise.dot` returns."""
    return _Dot.apply(user, item, edge_index)


def gather(weight: Tensor, item: Tensor, edges: Bipartite) -> object:
    """Return what `gnn.edgewise.gather` returns."""
    return _Gather.apply(weight, item, edges)


def softmax(logit: Tensor, user: Tensor, users: int) -> object:
    """Return what `gnn.edgewise.softmax` returns."""
    return _Softmax.apply(logit, user)


class _Additive(torch.autograd.Function):
    """Logits of GATv2."""

    @staticmethod
    def forward(ctx: Any, user: Tensor, item: Tensor, vector: Tensor, edge_index: Tensor, slope: float) -> Tensor:  # noqa: ANN401 - torch gives it no type
        ctx.save_for_backward(user, item, vector, edge_index)
        ctx.slope = slope
        u, i = array(edge_index)
        given = (array(user), array(item), array(vector), u, i, np.float32(slope))
        out = np.empty((len(u), len(vector)), np.float32)
        kernels.run(kernels.pieces(u), lambda _, low, high: kernels.additive(*given, low, high, out))
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:  # noqa: ANN401 - torch gives it no type
        user, item, vector, edge_index = map(array, ctx.saved_tensors)
        u, i = edge_index
        g, slope, bounds = array(grad[0]), np.float32(ctx.slope), kernels.pieces(u)
        of_user = np.zeros_like(user)
        of_item = np.zeros((len(bounds), *item.shape), np.float32)
        of_vector = np.zeros((len(bounds), *vector.shape))

        def piece(k: int, low: int, high: int) -> None:
            kernels.additive_back(user, item, vector, u, i, slope, low, high, g, of_user, of_item[k], of_vector[k])

        kernels.run(bounds, piece)
        whole = torch.from_numpy(of_vector.sum(axis=0)).float()
        return torch.from_numpy(of_user), _sum(of_item), whole, None, None


class _Dot(torch.autograd.Function):
    """Sampled dense-dense product."""

    @staticmethod
    def forward(ctx: Any, user: Tensor, item: Tensor, edge_index: Tensor) -> Tensor:  # noqa: ANN401 - torch gives it no type
        ctx.save_for_backward(user, item, edge_index)
        return _dots(array(user), array(item), *array(edge_index))

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN401 - torch gives it no type
        user, item, (u, i) = map(array, ctx.saved_tensors)
        g = array(grad[0])
        return _to_users(g, item, u, i, len(user)), _to_items(g, user, u, i, len(item)), None


class _Gather(torch.autograd.Function):
    """Weighted sums of items at users."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, item: Tensor, edges: Bipartite) -> Tensor:  # noqa: ANN401 - torch gives it no type
        ctx.save_for_backward(weight, item)
        ctx.edges = edges
        return _to_users(array(weight), array(item), array(edges.user), array(edges.item), edges.users)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN401 - torch gives it no type
        weight, item = map(array, ctx.saved_tensors)
        u, i, g = array(ctx.edges.user), array(ctx.edges.item), array(grad[0])
        return _dots(g, item, u, i), _to_items(weight, g, u, i, len(item)), None


class _Softmax(torch.autograd.Function):
    """Softmax over each user's edges."""

    @staticmethod
    def forward(ctx: Any, logit: Tensor, user: Tensor) -> Tensor:  # noqa: ANN401 - torch gives it no type
        given, u = array(logit), array(user)
        out = np.empty_like(given)
        kernels.run(kernels.pieces(u), lambda _, low, high: kernels.softmax(given, u, low, high, out))
        share = torch.from_numpy(out)
        ctx.save_for_backward(share, user)
        return share

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - torch gives it no type
        share, u = map(array, ctx.saved_tensors)
        g, out = array(grad[0]), np.empty_like(share)
        kernels.run(kernels.pieces(u), lambda _, low, high: kernels.softmax_back(share, u, low, high, g, out))
        return torch.from_numpy(out), None


def _dots(user: _Values, item: _Values, u: _Ends, i: _Ends) -> Tensor:
    out = np.empty((len(u), user.shape[1]), np.float32)
    kernels.run(kernels.pieces(u), lambda _, low, high: kernels.dots(user, item, u, i, low, high, out))
    return torch.from_numpy(out)


def _to_users(weight: _Values, item: _Values, u: _Ends, i: _Ends, users: int) -> Tensor:
    """No two threads have edges of the same user."""
    out = np.zeros((users, *item.shape[1:]), np.float32)
    kernels.run(kernels.pieces(u), lambda _, low, high: kernels.carry(weight, item, i, u, low, high, out))
    return torch.from_numpy(out)


def _to_items(weight: _Values, user: _Values, u: _Ends, i: _Ends, items: int) -> Tensor:
    """Every thread adds up apart, and what they have is added in their order: the same bytes every time."""
    bounds = kernels.pieces(u)
    out = np.zeros((len(bounds), items, *user.shape[1:]), np.float32)
    kernels.run(bounds, lambda k, low, high: kernels.carry(weight, user, u, i, low, high, out[k]))
    return _sum(out)


def _sum(shares: _Values) -> Tensor:
    return torch.from_numpy(shares[0] if len(shares) == 1 else shares.sum(axis=0))
