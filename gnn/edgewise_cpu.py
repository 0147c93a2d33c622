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
_Bounds = list[tuple[int, int]]


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
        ctx.bounds = kernels.pieces(u)
        kernels.run(ctx.bounds, lambda _, low, high: kernels.additive(*given, low, high, out))
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:  # noqa: ANN401 - torch gives it no type
        user, item, vector, edge_index = map(array, ctx.saved_tensors)
        u, i = edge_index
        g, slope, bounds = array(grad[0]), np.float32(ctx.slope), ctx.bounds
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
        u, i = array(edge_index)
        ctx.bounds = kernels.pieces(u)
        return _dots(array(user), array(item), u, i, ctx.bounds)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN401 - torch gives it no type
        user, item, (u, i) = map(array, ctx.saved_tensors)
        g = array(grad[0])
        return _to_users(g, item, u, i, len(user), ctx.bounds), _to_items(g, user, u, i, len(item), ctx.bounds), None


class _Gather(torch.autograd.Function):
    """Weighted sums of items at users."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, item: Tensor, edges: Bipartite) -> Tensor:  # noqa: ANN401 - torch gives it no type
        ctx.save_for_backward(weight, item)
        ctx.edges = edges
        u, i = array(edges.user), array(edges.item)
        ctx.bounds = kernels.pieces(u)
        return _to_users(array(weight), array(item), u, i, edges.users, ctx.bounds)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN401 - torch gives it no type
        weight, item = map(array, ctx.saved_tensors)
        u, i, g = array(ctx.edges.user), array(ctx.edges.item), array(grad[0])
        return _dots(g, item, u, i, ctx.bounds), _to_items(weight, g, u, i, len(item), ctx.bounds), None


class _Softmax(torch.autograd.Function):
    """Softmax over each user's edges."""

    @staticmethod
    def forward(ctx: Any, logit: Tensor, user: Tensor) -> Tensor:  # noqa: ANN401 - torch gives it no type
        given, u = array(logit), array(user)
        out = np.empty_like(given)
        ctx.bounds = kernels.pieces(u)
        kernels.run(ctx.bounds, lambda _, low, high: kernels.softmax(given, u, low, high, out))
        share = torch.from_numpy(out)
        ctx.save_for_backward(share, user)
        return share

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - torch gives it no type
        share, u = map(array, ctx.saved_tensors)
        g, out = array(grad[0]), np.empty_like(share)
        kernels.run(ctx.bounds, lambda _, low, high: kernels.softmax_back(share, u, low, high, g, out))
        return torch.from_numpy(out), None


additive, dot, gather = _Additive.apply, _Dot.apply, _Gather.apply


def _dots(user: _Values, item: _Values, u: _Ends, i: _Ends, bounds: _Bounds) -> Tensor:
    out = np.empty((len(u), user.shape[1]), np.float32)
    kernels.run(bounds, lambda _, low, high: kernels.dots(user, item, u, i, low, high, out))
    return torch.from_numpy(out)


def _to_users(weight: _Values, item: _Values, u: _Ends, i: _Ends, users: int, bounds: _Bounds) -> Tensor:
    """No two threads have edges of the same user."""
    out = np.zeros((users, *item.shape[1:]), np.float32)
    kernels.run(bounds, lambda _, low, high: kernels.carry(weight, item, i, u, low, high, out))
    return torch.from_numpy(out)


def _to_items(weight: _Values, user: _Values, u: _Ends, i: _Ends, items: int, bounds: _Bounds) -> Tensor:
    """Every thread adds up apart, and what they have is added in their order: the same bytes every time."""
    out = np.zeros((len(bounds), items, *user.shape[1:]), np.float32)
    kernels.run(bounds, lambda k, low, high: kernels.carry(weight, user, u, i, low, high, out[k]))
    return _sum(out)


def _sum(shares: _Values) -> Tensor:
    return torch.from_numpy(shares[0] if len(shares) == 1 else shares.sum(axis=0))
