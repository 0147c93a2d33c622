"""Attention's operations by torch alone, for accelerators: a piece of the edges is gathered, reduced and forgotten."""

from typing import Any

import torch
from torch import Tensor
from torch_geometric.utils import softmax as scattered_softmax

from gnn.bipartite import Bipartite
from gnn.sparse import csr

# Edges gathered at a time: enough for all cores of an accelerator.
_PIECE = 1 << 18


def softmax(logit: Tensor, user: Tensor, users: int) -> object:
    """Return what `gnn.edgewise.softmax` returns."""
    return scattered_softmax(logit, user, num_nodes=users)


class _Additive(torch.autograd.Function):
    """LeakyReLU(z) = (1 + s) / 2 z + (1 - s) / 2 |z|: the linear part belongs to nodes, only |z| to edges."""

    @staticmethod
    def forward(ctx: Any, user: Tensor, item: Tensor, vector: Tensor, edge_index: Tensor, slope: float) -> Tensor:  # noqa: ANN401 - torch gives it no type
        ctx.save_for_backward(user, item, vector, edge_index)
        ctx.slope = slope
        linear, bent = (1 + slope) / 2, (1 - slope) / 2
        with _full(user):
            reading = _by_head(vector * bent).T.contiguous()
            flat_user, flat_item = user.flatten(1), item.flatten(1)
            on_user, on_item = (linear * (side * vector).sum(dim=2) for side in (user, item))
            found = user.new_empty(edge_index.shape[1], len(vector))
            for rows in _pieces(edge_index):
                u, i = edge_index[:, rows]
                z = flat_user.index_select(0, u).add_(flat_item.index_select(0, i)).abs_()
                # Few rows by many columns: the product the other way around takes four times as long.
                piece = found[rows].copy_((reading @ z.T).T)
                piece.add_(on_user.index_select(0, u)).add_(on_item.index_select(0, i))
        return found

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:  # noqa: ANN401 - torch gives it no type
        user, item, vector, edge_index = ctx.saved_tensors
        linear, bent = (1 + ctx.slope) / 2, (1 - ctx.slope) / 2
        reading = _by_head(vector * bent).T.contiguous()
        flat_user, flat_item = user.flatten(1), item.flatten(1)
        at_user, at_item = torch.zeros_like(flat_user), torch.zeros_like(flat_item)
        sum_user, sum_item = (side.new_zeros(len(side), len(vector)) for side in (user, item))
        turned = vector.new_zeros(len(vector), vector.numel())
        for rows in _pieces(edge_index):
            u, i = edge_index[:, rows]
            g = grad[0][rows]
            z = flat_user.index_select(0, u).add_(flat_item.index_select(0, i))
            back = (g @ reading).mul_(z.sign())
            at_user.index_add_(0, u, back)
            at_item.index_add_(0, i, back)
            sum_user.index_add_(0, u, g)
            sum_item.index_add_(0, i, g)
            turned.addmm_(g.T, z.abs_())
        # Of |z| each head reads its own columns alone; the linear part needs only sums of the gradient per node.
        of_vector = bent * torch.stack([turned[h].view_as(vector)[h] for h in range(len(vector))])
        of_vector = of_vector + linear * sum(
            (sum_[:, :, None] * side).sum(dim=0) for sum_, side in ((sum_user, user), (sum_item, item))
        )
        of_user = at_user.view_as(user) + linear * sum_user[:, :, None] * vector
        of_item = at_item.view_as(item) + linear * sum_item[:, :, None] * vector
        return of_user, of_item, of_vector, None, None


class _Dot(torch.autograd.Function):
    """Sampled dense-dense product."""

    @staticmethod
    def forward(ctx: Any, user: Tensor, item: Tensor, edge_index: Tensor) -> Tensor:  # noqa: ANN401 - torch gives it no type
        ctx.save_for_backward(user, item, edge_index)
        return _dots(user, item, edge_index)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN401 - torch gives it no type
        user, item, edge_index = ctx.saved_tensors
        at_user, at_item = torch.zeros_like(user), torch.zeros_like(item)
        for rows in _pieces(edge_index):
            u, i = edge_index[:, rows]
            g = grad[0][rows, :, None]
            at_user.index_add_(0, u, item.index_select(0, i).mul_(g))
            at_item.index_add_(0, i, user.index_select(0, u).mul_(g))
        return at_user, at_item, None


class _Gather(torch.autograd.Function):
    """Sparse products (CSR), with the transposed matrix on the way back."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, item: Tensor, edges: Bipartite) -> Tensor:  # noqa: ANN401 - torch gives it no type
        ctx.save_for_backward(weight, item)
        ctx.edges = edges
        return _products(edges.to_user, edges.item, weight, item, edges.users)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN401 - torch gives it no type
        weight, item = ctx.saved_tensors
        edges: Bipartite = ctx.edges
        order = edges.by_item
        user = edges.user.index_select(0, order)
        of_item = _products(edges.to_item, user, weight.index_select(0, order), grad[0], edges.items)
        return _dots(grad[0], item, torch.stack([edges.user, edges.item])), of_item, None


additive, dot, gather = _Additive.apply, _Dot.apply, _Gather.apply


def _dots(user: Tensor, item: Tensor, edge_index: Tensor) -> Tensor:
    found = user.new_empty(edge_index.shape[1], user.shape[1])
    for rows in _pieces(edge_index):
        u, i = edge_index[:, rows]
        torch.sum(user.index_select(0, u).mul_(item.index_select(0, i)), dim=2, out=found[rows])
    return found


def _products(start: Tensor, column: Tensor, weight: Tensor, value: Tensor, rows: int) -> Tensor:
    """Return, per head, the sparse matrix of that head's weights times the values [N, H, D]."""
    size = (rows, len(value))
    with _full(value):
        found = [
            csr(start, column, weight[:, h].contiguous(), size) @ value[:, h].contiguous()
            for h in range(value.shape[1])
        ]
    return torch.stack(found, dim=1)


def _by_head(vector: Tensor) -> Tensor:
    """Return the matrix [H * D, H] that reads each head's own columns."""
    return torch.block_diag(*vector[:, :, None])


def _pieces(edge_index: Tensor) -> list[slice]:
    edges = edge_index.shape[1]
    return [slice(low, min(low + _PIECE, edges)) for low in range(0, edges, _PIECE)]


def _full(like: Tensor) -> torch.autocast:
    """Keep mixed precision out: sums over many edges want every digit."""
    return torch.autocast(like.device.type, enabled=False)
