"""HGT (Hu et al., WWW 2020): PyG's stock layers on users, items and categories, trained as its examples are.

Messages flow over what was bought before the last fifth of the weeks, the purchases after that are what it learns from:
links that carry messages are no targets. Scores come from messages over everything.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor, nn
from torch_geometric.nn import HGTConv

from gnn.baselines.base import Past, Range, Space
from gnn.baselines.drawing import Bought
from gnn.determinism import deterministic

_BATCH = 32_768
# Messages come from each user's latest items only: the stock layer makes a row per edge and feature.
_EDGES_PER_USER = 64

_NODES = ["user", "item", "category"]
_RELATIONS = [
    ("user", "buys", "item"),
    ("item", "bought_by", "user"),
    ("item", "in", "category"),
    ("category", "holds", "item"),
]
Edges = dict[tuple[str, str, str], Tensor]


class _Network(nn.Module):
    def __init__(self, sizes: dict[str, int], width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.tables = nn.ModuleDict({name: nn.Embedding(size, width) for name, size in sizes.items()})
        for table in self.tables.values():
            nn.init.normal_(table.get_parameter("weight"), std=0.1)
        self.convs = nn.ModuleList(HGTConv(width, width, (_NODES, _RELATIONS), heads) for _ in range(layers))
        self.bias = nn.Parameter(torch.zeros(sizes["item"]))

    def forward(self, edges: Edges) -> tuple[Tensor, Tensor]:
        x: dict[str, Tensor] = {name: table.get_parameter("weight") for name, table in self.tables.items()}
        for conv in self.convs:
            x = x | {name: value for name, value in conv(x, edges).items() if value is not None}
        return x["user"], x["item"]


@dataclass(eq=False)
class Hgt:
    """Heterogeneous graph transformer with an embedding per node, trained by BPR."""

    width: int = 32
    layers: int = 1
    heads: int = 2
    learning_rate: float = 0.02
    weight_decay: float = 1e-5
    steps: int = 40
    seed: int = 0

    SPACE: ClassVar[Space] = {
        "layers": Range(1, 2, whole=True),
        "learning_rate": Range(0.002, 0.1, log=True),
        "weight_decay": Range(1e-7, 1e-2, log=True),
        "steps": Range(15, 50, log=True, whole=True),
    }

    @deterministic()
    def fit(self, past: Past) -> None:
        """Train; without purchases in two periods every score is zero."""
        torch.manual_seed(self.seed)
        rng = np.random.default_rng(self.seed)
        U, P = past.users, len(past.candidates)
        self._user, self._item, self._bias = torch.zeros(U, 1), torch.zeros(P, 1), torch.zeros(P)
        horizon = (int(past.weeks_ago.max(initial=0)) + 1) // 5
        late = past.weeks_ago < horizon
        recent = Bought.of(_part(past, late))
        if not len(recent):
            return
        categories = int(past.category.max(initial=-1)) + 1
        network = _Network({"user": U, "item": P, "category": max(categories, 1)}, self.width, self.layers, self.heads)
        optimiser = torch.optim.AdamW(network.parameters(), self.learning_rate, weight_decay=self.weight_decay)
        before = _edges(_part(past, ~late))
        for _ in range(self.steps):
            user, better, worse = recent.triples(min(_BATCH, 4 * len(recent)), rng)
            optimiser.zero_grad(set_to_none=True)
            users, items = network(before)
            gap = (users[user] * (items[better] - items[worse])).sum(dim=1) + network.bias[better] - network.bias[worse]
            nn.functional.softplus(-gap).mean().backward()
            optimiser.step()
        with torch.no_grad():
            self._user, self._item = network(_edges(past))
            self._bias = network.bias.detach()

    @torch.no_grad()
    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return the products of the last layer's vectors, plus the item's bias."""
        return (self._user[torch.from_numpy(users)] @ self._item.T + self._bias).double().numpy()


def _part(past: Past, rows: np.ndarray) -> Past:
    return Past(past.users, past.candidates, past.category, past.user[rows], past.position[rows], past.weeks_ago[rows])


def _edges(past: Past) -> Edges:
    order = np.lexsort((past.position, past.weeks_ago, past.user))
    user, item = past.user[order], past.position[order]
    # The latest week of each pair stands for it.
    _, first = np.unique(user * len(past.candidates) + item, return_index=True)
    first = np.sort(first)
    user, item = user[first], item[first]
    start = np.searchsorted(user, np.arange(past.users))
    kept = np.arange(len(user)) - start[user] < _EDGES_PER_USER
    buys = torch.from_numpy(np.stack([user[kept], item[kept]]))
    placed = np.flatnonzero(past.category >= 0)
    within = torch.from_numpy(np.stack([placed, past.category[placed]]))
    return dict(zip(_RELATIONS, (buys, buys.flip(0), within, within.flip(0)), strict=True))
