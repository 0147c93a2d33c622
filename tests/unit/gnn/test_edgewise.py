"""Attention a piece at a time gives what PyG's stock layers give with the same weights, forward and back."""

import math
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch_geometric.nn import GATv2Conv, HeteroConv, HGTConv

from gnn import edgewise, edgewise_cpu, edgewise_torch, kernels
from gnn.bipartite import Bipartite
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


@pytest.mark.parametrize("edges", [0, 1, 1024, 1025, 50_000])
def test_gradients_are_right_whatever_the_number_of_edges(edges: int):
    generator = torch.Generator().manual_seed(edges)
    user, item = (torch.randn(5, 2, 3, generator=generator, requires_grad=True) for _ in range(2))
    vector = torch.randn(2, 3, generator=generator, requires_grad=True)
    edge_index = torch.randint(0, 5, (2, edges), generator=generator)
    edge_index[0] = edge_index[0].sort().values
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
    edges = torch.tensor([[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="sorted"):
        Bipartite.of(edges, 2, 2)
    with pytest.raises(ValueError, match="sorted"):
        edgewise.dot(torch.ones(2, 1, 1), torch.ones(2, 1, 1), edges)


@pytest.fixture(params=[1, 4])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_compiled_loops_give_what_torch_alone_gives_and_the_same_bytes_again(threads: int):
    """Enough edges for four threads; a third of them belong to one user, who is not cut in two."""
    generator = torch.Generator().manual_seed(0)
    users, items, edges, heads, width = 50, 40, 100_000, 2, 8
    user = torch.randint(0, users, (edges,), generator=generator)
    user[: edges // 3] = 7
    edge_index = torch.stack([user.sort().values, torch.randint(0, items, (edges,), generator=generator)])
    bounds = kernels.pieces(edge_index[0].numpy())
    assert len(bounds) == min(threads, 4)
    assert all(edge_index[0, low - 1] != edge_index[0, low] for low, _ in bounds[1:])
    there = Bipartite.of(edge_index, users, items)

    def found(room: ModuleType) -> list[Tensor]:
        given = torch.Generator().manual_seed(1)
        u, i = (torch.randn(n, heads, width, generator=given, requires_grad=True) for n in (users, items))
        vector = torch.randn(heads, width, generator=given, requires_grad=True)
        logit = room.additive(u, i, vector, edge_index, 0.2) + room.dot(u, i, edge_index)
        share = room.softmax(logit, edge_index[0], users)
        arrived = room.gather(share, i, there)
        arrived.square().sum().backward()
        return [logit, share, arrived, *(part.grad for part in (u, i, vector) if part.grad is not None)]

    ours, again, plain = found(edgewise_cpu), found(edgewise_cpu), found(edgewise_torch)
    assert len(plain) == 6
    for one, other, wanted in zip(ours, again, plain, strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, wanted, rtol=1e-3, atol=1e-4 * float(wanted.detach().abs().max()))


def test_a_user_whose_logits_are_far_apart_or_who_has_one_edge_gets_shares_that_sum_to_one():
    user = torch.tensor([0, 0, 0, 2])
    share = edgewise.softmax(torch.tensor([[1e4], [0.0], [-1e4], [-500.0]]), user, 3)
    assert share.flatten().tolist() == [1.0, 0.0, 0.0, 1.0]
