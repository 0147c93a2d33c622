"""One attention layer, forward and backward, in a process of its own: prints seconds a step and peak memory as JSON.

`python -m tests.bench.attention_layer NAME [EDGES] [DEVICE]`. Users attend to items over a power-law bipartite graph:
1 million edges, nodes 64 wide, 4 heads of 16. Every layer of ours has a stock layer with the same weights and the same
result.
"""

import json
import math
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GATv2Conv, HeteroConv, HGTConv

from gnn import edgewise
from gnn.attention import ContentAttention, ContextAttention, HistoryAttention, SelfAttention
from gnn.bipartite import Bipartite

USERS, ITEMS, EDGES, WIDTH, HEADS = 20_000, 20_000, 1_000_000, 64, 4
EDGE_WIDTH = 12
STEPS = 4
READ_BY = ("item", "read_by", "user")


@dataclass(frozen=True, slots=True)
class Graph:
    """What every layer is given; U users, I items, E edges."""

    x_user: Tensor
    """[U, width]"""
    x_item: Tensor
    """[I, width]"""
    edge_index: Tensor
    """User, item [2, E], sorted by user."""
    edge_attr: Tensor
    """[E, 12]"""
    base: Tensor
    """[E, H]"""
    edges: Bipartite

    def to(self, device: torch.device) -> "Graph":
        """Return the graph on another device."""
        edge_index = self.edge_index.to(device)
        return Graph(
            x_user=self.x_user.to(device),
            x_item=self.x_item.to(device),
            edge_index=edge_index,
            edge_attr=self.edge_attr.to(device),
            base=self.base.to(device),
            edges=Bipartite.of(edge_index, self.edges.users, self.edges.items),
        )

    @property
    def to_user(self) -> Tensor:
        """The edges as stock layers want them: item, user."""
        return self.edge_index.flip(0)


def graph(
    seed: int = 0,
    *,
    users: int = USERS,
    items: int = ITEMS,
    edges: int = EDGES,
    width: int = WIDTH,
    attributes: bool = True,
) -> Graph:
    """Draw a graph whose items' and users' degrees follow power laws."""
    rng = np.random.default_rng(seed)

    def ends(nodes: int) -> np.ndarray:
        weight = 1.0 / np.arange(1, nodes + 1)
        return np.searchsorted(np.cumsum(weight / weight.sum()), rng.random(edges)).clip(0, nodes - 1)

    user, item = ends(users), ends(items)
    order = np.argsort(user, kind="stable")
    edge_index = torch.from_numpy(np.stack([user[order], item[order]]))
    generator = torch.Generator().manual_seed(seed)
    return Graph(
        x_user=torch.randn(users, width, generator=generator),
        x_item=torch.randn(items, width, generator=generator),
        edge_index=edge_index,
        edge_attr=torch.randn(edges if attributes else 0, EDGE_WIDTH, generator=generator),
        base=torch.rand(edges, HEADS, generator=generator) + 0.1,
        edges=Bipartite.of(edge_index, users, items),
    )


def additive_layer(layer: GATv2Conv, there: Graph) -> Tensor:
    """Return what `layer` returns, computed with our operations from its weights."""
    H, D = layer.heads, layer.out_channels
    item, user = layer.lin_l(there.x_item).view(-1, H, D), layer.lin_r(there.x_user).view(-1, H, D)
    logit = edgewise.additive(user, item, layer.att[0], there.edge_index, layer.negative_slope)
    attention = edgewise.softmax(logit, there.edge_index[0], len(user))
    return edgewise.gather(attention, item, there.edges).flatten(1) + layer.bias


def dot_layer(layer: HGTConv, there: Graph) -> Tensor:
    """Return what `layer` returns for the users, computed with our operations from its weights."""
    H, D = layer.heads, layer.out_channels // layer.heads
    kqv = layer.kqv_lin({"user": there.x_user, "item": there.x_item})
    key, _, value = (part.view(-1, H, D) for part in kqv["item"].tensor_split(3, dim=1))
    query = kqv["user"].tensor_split(3, dim=1)[1].view(-1, H, D)
    key, value = (
        torch.einsum("ihd,hde->ihe", part, rel.weight) for part, rel in ((key, layer.k_rel), (value, layer.v_rel))
    )
    query = query * (layer.p_rel["__".join(READ_BY)][0] / math.sqrt(D))[:, None]
    attention = edgewise.softmax(edgewise.dot(query, key, there.edge_index), there.edge_index[0], len(query))
    arrived = functional.gelu(edgewise.gather(attention, value, there.edges).flatten(1))
    kept = layer.skip["user"].sigmoid()
    return kept * layer.out_lin({"user": arrived})["user"] + (1 - kept) * there.x_user


def layers(there: Graph) -> dict[str, Callable[[], tuple[nn.Module, Callable[[], Tensor]]]]:
    """Return name -> a maker of (layer, one forward pass to a tensor)."""
    nodes = {"user": there.x_user, "item": there.x_item}
    users, items = len(there.x_user), len(there.x_item)

    def of_network(kinds: dict[str, nn.Module]) -> tuple[nn.Module, Callable[[], Tensor]]:
        layer = HistoryAttention(kinds)
        return layer, lambda: layer(nodes, there.edge_index, there.edge_attr, there.base)

    def content() -> nn.Module:
        return ContentAttention(WIDTH, WIDTH, HEADS, WIDTH // HEADS)

    def context() -> nn.Module:
        return ContextAttention(EDGE_WIDTH, HEADS, WIDTH // HEADS)

    def self_attention() -> nn.Module:
        return SelfAttention(items, HEADS, WIDTH // HEADS)

    def gatv2() -> GATv2Conv:
        return GATv2Conv((WIDTH, WIDTH), WIDTH // HEADS, heads=HEADS, add_self_loops=False)

    def hgt() -> HGTConv:
        return HGTConv({"user": WIDTH, "item": WIDTH}, WIDTH, (["user", "item"], [READ_BY]), heads=HEADS)

    def additive() -> tuple[nn.Module, Callable[[], Tensor]]:
        layer = gatv2()
        return layer, lambda: additive_layer(layer, there)

    def dot() -> tuple[nn.Module, Callable[[], Tensor]]:
        layer = hgt()
        return layer, lambda: dot_layer(layer, there)

    def stock_gatv2() -> tuple[nn.Module, Callable[[], Tensor]]:
        layer = gatv2()
        return layer, lambda: layer((there.x_item, there.x_user), there.to_user)

    def stock_hetero() -> tuple[nn.Module, Callable[[], Tensor]]:
        layer = HeteroConv({READ_BY: gatv2()})
        return layer, lambda: layer(nodes, {READ_BY: there.to_user})["user"]

    def stock_hgt() -> tuple[nn.Module, Callable[[], Tensor]]:
        layer = hgt()
        return layer, lambda: layer(nodes, {READ_BY: there.to_user})["user"]

    assert users
    return {
        "attune as GATv2Conv": additive,
        "GATv2Conv": stock_gatv2,
        "HeteroConv of GATv2Conv": stock_hetero,
        "attune as HGTConv": dot,
        "HGTConv": stock_hgt,
        "attune content": lambda: of_network({"content": content()}),
        "attune context": lambda: of_network({"context": context()}),
        "attune self": lambda: of_network({"self": self_attention()}),
        "attune all three": lambda: of_network({"content": content(), "context": context(), "self": self_attention()}),
    }


def resident_mb(*, anew: bool = False) -> float:
    """Return the most memory this process held, in MiB, since the last call with `anew` where the system knows it."""
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not clear.exists():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)
    if anew:
        clear.write_text("5")  # forgets the peak so far: what drawing the graph took is not the layer's
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10


class Gauge:
    """Time and peak memory of steps on one device; what was queued is waited for."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        self.idle = self._peak_mb(anew=True)

    def _peak_mb(self, *, anew: bool = False) -> float:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 2**20
        return resident_mb(anew=anew)

    def now(self) -> tuple[float, float]:
        """Return the clock's and the processor's seconds."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter(), time.process_time()

    def peak_mb(self) -> float:
        """Return the peak since the start, over what lay there before."""
        return self._peak_mb() - self.idle


def main() -> None:
    """Measure the layer named on the command line: the fastest step, and the peak over what lay there before."""
    torch.set_num_threads(2)
    edges = int(sys.argv[2]) if len(sys.argv) > 2 else EDGES
    device = torch.device(sys.argv[3] if len(sys.argv) > 3 else "cpu")
    # Twenty million edges want their features only where the layer looks at them.
    attributes = "attune c" in sys.argv[1] or "attune all" in sys.argv[1]
    there = graph(users=edges // 50, items=edges // 50, edges=edges, attributes=attributes).to(device)
    torch.manual_seed(0)
    layer, forward = layers(there)[sys.argv[1]]()
    layer.to(device)
    gauge = Gauge(device)
    taken: list[tuple[float, float]] = []
    arrived = torch.zeros(0)
    for _ in range(STEPS):
        layer.zero_grad(set_to_none=True)
        begun = gauge.now()
        arrived = forward()
        arrived.square().mean().backward()
        ended = gauge.now()
        taken.append((ended[0] - begun[0], ended[1] - begun[1]))
    # A busy machine stretches the clock; the time that the processor worked for us is the fairer measure there.
    print(
        json.dumps(
            {
                "seconds": min(seconds for seconds, _ in taken),
                "cpu_seconds": min(cpu for _, cpu in taken),
                "peak_mb": gauge.peak_mb(),
                "sum": float(arrived.detach().double().abs().sum()),
            }
        )
    )


if __name__ == "__main__":
    main()
