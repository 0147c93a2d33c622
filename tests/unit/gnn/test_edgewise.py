"""Attention a piece at a time gives what PyG's stock layers give with the same weights, forward and back."""

import math

import pytest
import torch
from torch import Tensor
from torch_geometric.nn import GATv2Conv, HeteroConv, HGTConv

from gnn import edgewise
from tests.bench import attention_layer as layers

READ_BY = ("item", "read_by", "user")
USERS, ITEMS, EDGES, WIDTH, HEADS = 300, 200, 10_000, 16, 4


@pytest.fixture(scope="module")
def graph() -> layers.Graph:
    return layers.graph(users=USERS, items=ITEMS, edges=EDGES, width=WIDTH)


def gradients(layer: torch.nn.Module, arrived: Tensor) -> dict[str, Tensor]:
    layer.zero_grad(set_to_none=True)
    arrived.square().mean().backward()
    return {name: value.grad.clone() for name, value in layer.named_parameters() if value.grad is not None}


def agree(layer: torch.nn.Module, ours: Tensor, stock: Tensor) -> None:
    torch.testing.assert_close(ours, stock, atol=1e-5, rtol=0)
    found, wanted = gradients(layer, ours), gradients(layer, stock)
    assert found.keys() == wanted.keys()
    assert any(value.abs().max() > 1e-4 for value in wanted.values())
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, atol=1e-5, rtol=1e-4, msg=name)


def test_additive_attention_is_gatv2(graph: layers.Graph):
    torch.manual_seed(0)
    layer = GATv2Conv((WIDTH, WIDTH), WIDTH // HEADS, heads=HEADS, add_self_loops=False)
    stock = layer((graph.x_item, graph.x_user), graph.to_user)
    agree(layer, layers.additive_layer(layer, graph), stock)


@pytest.mark.filterwarnings("ignore:There exist node types")
def test_additive_attention_is_gatv2_in_a_hetero_conv(graph: layers.Graph):
    torch.manual_seed(0)
    layer = GATv2Conv((WIDTH, WIDTH), WIDTH // HEADS, heads=HEADS, add_self_loops=False)
    around = HeteroConv({READ_BY: layer})
    stock = around({"user": graph.x_user, "item": graph.x_item}, {READ_BY: graph.to_user})["user"]
    agree(layer, layers.additive_layer(layer, graph), stock)


def test_dot_attention_is_hgt(graph: layers.Graph):
    torch.manual_seed(0)
    layer = HGTConv({"user": WIDTH, "item": WIDTH}, WIDTH, (["user", "item"], [READ_BY]), heads=HEADS)
    stock = layer({"user": graph.x_user, "item": graph.x_item}, {READ_BY: graph.to_user})["user"]
    agree(layer, layers.dot_layer(layer, graph), stock)


@pytest.mark.parametrize("edges", [0, 1, edgewise._PIECE, edgewise._PIECE + 1])
def test_gradients_are_right_whatever_the_number_of_edges(edges: int):
    generator = torch.Generator().manual_seed(edges)
    user, item = (torch.randn(5, 2, 3, generator=generator, requires_grad=True) for _ in range(2))
    vector = torch.randn(2, 3, generator=generator, requires_grad=True)
    edge_index = torch.randint(0, 5, (2, edges), generator=generator)
    given = torch.randn(edges, 2, generator=generator)
    plain = (torch.nn.functional.leaky_relu(user[edge_index[0]] + item[edge_index[1]], 0.2) * vector).sum(dim=2)
    ours = edgewise.additive(user, item, vector, edge_index)
    torch.testing.assert_close(ours, plain)
    for found, wanted in zip(
        torch.autograd.grad(ours, (user, item, vector), given),
        torch.autograd.grad(plain, (user, item, vector), given),
        strict=True,
    ):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * math.sqrt(edges + 1))


def test_edges_that_are_not_sorted_are_refused():
    with pytest.raises(ValueError, match="sorted"):
        edgewise.Bipartite.of(torch.tensor([[1, 0], [0, 1]]), 2, 2)
