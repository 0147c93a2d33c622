"""One attention layer, forward and backward, in a process of its own: prints seconds a step and peak memory as JSON.

`python -m tests.bench.attention_layer NAME`. Users attend to items over a power-law bipartite graph: 1 million edges,
nodes 64 wide, 4 heads of 16.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.nn import GATConv, GATv2Conv, HGTConv

from gnn.attention import ContentAttention, ContextAttention, HistoryAttention, SelfAttention

USERS, ITEMS, EDGES, WIDTH, HEADS = 20_000, 20_000, 1_000_000, 64, 4
EDGE_WIDTH = 12
STEPS = 5


def graph(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return x_user [U, 64], x_item [I, 64], edge_index [2, E] sorted by user, edge_attr [E, 12] and base [E, H]."""
    rng = np.random.default_rng(seed)
    weight = 1.0 / np.arange(1, ITEMS + 1)
    user = np.sort(rng.integers(0, USERS, EDGES))
    item = rng.choice(ITEMS, EDGES, p=weight / weight.sum())
    edge_index = torch.from_numpy(np.stack([user, item]))
    generator = torch.Generator().manual_seed(seed)
    x_user = torch.randn(USERS, WIDTH, generator=generator)
    x_item = torch.randn(ITEMS, WIDTH, generator=generator)
    edge_attr = torch.randn(EDGES, EDGE_WIDTH, generator=generator)
    base = torch.rand(EDGES, HEADS, generator=generator) + 0.1
    return x_user, x_item, edge_index, edge_attr, base


def layers() -> dict[str, Callable[[], tuple[nn.Module, Callable[[nn.Module], Tensor]]]]:
    """Return name -> a maker of (layer, one forward pass to a tensor)."""
    x_user, x_item, edge_index, edge_attr, base = graph()
    nodes = {"user": x_user, "item": x_item}
    to_user = edge_index.flip(0)

    def ours(kinds: dict[str, nn.Module]) -> tuple[nn.Module, Callable[[nn.Module], Tensor]]:
        return HistoryAttention(kinds), lambda layer: layer(nodes, edge_index, edge_attr, base)

    def content() -> nn.Module:
        return ContentAttention(WIDTH, WIDTH, HEADS, WIDTH // HEADS)

    def context() -> nn.Module:
        return ContextAttention(EDGE_WIDTH, HEADS, WIDTH // HEADS)

    def self_attention() -> nn.Module:
        return SelfAttention(ITEMS, HEADS, WIDTH // HEADS)

    def hgt() -> tuple[nn.Module, Callable[[nn.Module], Tensor]]:
        kinds = (["user", "item"], [("item", "read_by", "user")])
        layer = HGTConv({"user": WIDTH, "item": WIDTH}, WIDTH, kinds, heads=HEADS)
        return layer, lambda made: made(nodes, {("item", "read_by", "user"): to_user})["user"]

    return {
        "attune content": lambda: ours({"content": content()}),
        "attune context": lambda: ours({"context": context()}),
        "attune self": lambda: ours({"self": self_attention()}),
        "attune all three": lambda: ours({"content": content(), "context": context(), "self": self_attention()}),
        "GATConv": lambda: (
            GATConv((WIDTH, WIDTH), WIDTH // HEADS, heads=HEADS, add_self_loops=False),
            lambda made: made((x_item, x_user), to_user),
        ),
        "GATv2Conv": lambda: (
            GATv2Conv((WIDTH, WIDTH), WIDTH // HEADS, heads=HEADS, add_self_loops=False),
            lambda made: made((x_item, x_user), to_user),
        ),
        "HGTConv": hgt,
    }


def main() -> None:
    """Measure the layer named on the command line."""
    torch.manual_seed(0)
    torch.set_num_threads(2)
    layer, forward = layers()[sys.argv[1]]()
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds: list[float] = []
    for _ in range(STEPS + 1):
        begun = time.perf_counter()
        layer.zero_grad(set_to_none=True)
        forward(layer).square().mean().backward()
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": statistics.median(seconds[1:]), "peak_mb": (peak - idle) / 1024}))


if __name__ == "__main__":
    main()
