"""Samples what surrounds a batch of users: a PyG sampler over the graph of one cut.

Two hops. The first is whole: all history edges of a user, so that attention is normalised, and categories, brands and
lines are reached, as they are when lists are served. They are few numbers an edge. The second is sampled, as in
GraphSAGE (Hamilton et al., NeurIPS 2017): up to `history_sample` history edges lead on over item-item edges, and only
to what the user is asked about. These paths are what a long history costs.

Edges are drawn in proportion to what they carry (importance sampling, as in LADIES, Zou et al., NeurIPS 2019) mixed
with even chances, and stand for one over their chance: what arrives at an item is a sum over paths, so its mean over
draws is the whole sum. Keeping the heaviest edges alone would lean towards them at every draw. Of the known items that
are not bought next as many are drawn to be asked about, by a draw of their own: with one draw for both, what a user is
asked about would lack one path more than what was bought, and the network would learn to tell them apart by it.
"""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor
from torch_geometric.data import HeteroData
from torch_geometric.sampler import (
    BaseSampler,
    EdgeSamplerInput,
    HeteroSamplerOutput,
    NegativeSampling,
    NodeSamplerInput,
)
from torch_geometric.typing import EdgeType

from gnn.errors import ModelError
from gnn.hetero_data import HISTORY, NEAR
from gnn.pairs import own_edges, ranges
from gnn.sampling import Asker, chances, systematic

_Edges = tuple[Int64[np.ndarray, "E"], Int64[np.ndarray, "E"], Int64[np.ndarray, "E"]]
"""Row and column within the batch, and number in the graph."""

ASKED = ("user", "asked", "item")
"""Pairs to judge: drawn for a batch, not part of the graph."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Where chance comes from: what is drawn depends on these, the pass and the user, and on nothing else."""

    seed: int
    cut: int
    pools: np.random.PCG64
    """As it stood before anything was drawn for pools."""

    def of_pools(self, places: Int64[np.ndarray, "U"], numbers: int) -> Float64[np.ndarray, "U R"]:
        """Return the numbers that the users at these places of the cut draw their pools by: in every pass the same."""
        found = np.empty((len(places), numbers))
        bits = copy.deepcopy(self.pools)
        for row, ahead in enumerate(np.diff(places, prepend=-1) - 1):
            found[row] = np.random.Generator(bits.advance(int(ahead) * numbers)).random(numbers)
        return found

    def of_user(self, number: int, user: int) -> Float64[np.ndarray, "2"]:
        """Return the two numbers that a user's history is sampled by in the pass of this number."""
        return np.random.default_rng((self.seed, self.cut, number, user)).random(2)


@dataclass(frozen=True, slots=True)
class Pairs:
    """What `HeteroSamplerOutput` has no place for, as its metadata."""

    edge_index: Tensor
    """[2, B], within the batch."""
    label: Tensor
    weight: Tensor
    """[B] each, as in `Block`."""
    factor: Tensor
    """How many of its kind each history edge stands for, [N]; 0: it leads nowhere."""


class NeighbourSampler(BaseSampler):
    """Samples around users of one cut; `number` is the pass, `most` the bound on a history, 0 for none."""

    def __init__(self, data: HeteroData, asker: Asker, draws: Draws, most: int, number: int) -> None:
        self.data, self.asker, self.draws, self.most, self.number = data, asker, draws, most, number
        """`data`: users of the cut alone, history edges sorted by user, then item, all others by their source."""
        self._starts = {kind: _starts(data, kind) for kind in (HISTORY, *NEAR)}

    def sample_from_nodes(self, index: NodeSamplerInput, **kwargs: object) -> HeteroSamplerOutput:
        """Return the subgraph around some users; `index.input_id` are their places in the order of the cut."""
        del kwargs
        users = index.node.numpy()
        assert index.input_id is not None  # noqa: S101 - for the type checker
        low, high = self._starts[HISTORY][users], self._starts[HISTORY][users + 1]
        history = ranges(low, high)
        edge_user = np.repeat(np.arange(len(users)), high - low)
        edge_item = self.data[HISTORY].edge_index[1].numpy()[history]
        leads, asked = self._sampled(users, history, high - low)
        pair_user, pair_item, label, weight = self._asked(users, index.input_id.numpy(), edge_user, edge_item, asked)
        items = np.unique(np.concatenate([edge_item, pair_item]))
        within = np.full(int(self.data["item"].num_nodes or 0), -1, np.int64)
        within[items] = np.arange(len(items))
        node = {"user": index.node, "item": torch.from_numpy(items)}
        edges: dict[EdgeType, _Edges] = {HISTORY: (edge_user, within[edge_item], history)}
        wanted = np.zeros(len(within), np.bool_)
        wanted[pair_item] = True
        sources = np.unique(edge_item[leads > 0])
        for kind in NEAR:
            edges[kind] = self._leading(kind, sources, wanted, within)
        self._belonging(items, node, edges)
        return HeteroSamplerOutput(
            node=node,
            row={kind: torch.from_numpy(row) for kind, (row, _, _) in edges.items()},
            col={kind: torch.from_numpy(col) for kind, (_, col, _) in edges.items()},
            edge={kind: torch.from_numpy(edge) for kind, (_, _, edge) in edges.items()},
            metadata=(
                index.input_id,
                None,
                Pairs(
                    torch.from_numpy(np.stack([pair_user, within[pair_item]])),
                    torch.from_numpy(label),
                    torch.from_numpy(weight),
                    torch.from_numpy(leads),
                ),
            ),
        )

    def sample_from_edges(
        self, index: EdgeSamplerInput, neg_sampling: NegativeSampling | None = None
    ) -> HeteroSamplerOutput:
        """Refuse: what is learned from are users."""
        raise ModelError("batches are made of users, not of edges", "Use sample_from_nodes")

    def _sampled(
        self, users: Int64[np.ndarray, "U"], history: Int64[np.ndarray, "N"], sizes: Int64[np.ndarray, "U"]
    ) -> tuple[Float[np.ndarray, "N"], Float[np.ndarray, "N"]]:
        """Return how many each history edge stands for, as a beginning of paths and as something to ask about."""
        leads, asked = np.ones(len(history), np.float32), np.ones(len(history), np.float32)
        if not self.most:
            return leads, asked
        base = self.data[HISTORY].base.numpy()
        rows = self.data["user"].row.numpy()[users]
        for user, end, size in zip(rows, np.cumsum(sizes), sizes, strict=True):
            if size > self.most:
                mine = slice(end - size, end)
                weight = base[history[mine]].astype(np.float64)
                carried = (weight / weight.sum(axis=0)).mean(axis=1)
                # Half by what they carry, half evenly: none is so unlikely that it stands for very many.
                chance = chances(carried + 1 / size, self.most)
                for stands_for, start in zip((leads, asked), self.draws.of_user(self.number, int(user)), strict=True):
                    stands_for[mine] = np.where(systematic(chance, start), 1 / chance, 0.0)
        return leads, asked

    def _asked(
        self,
        users: Int64[np.ndarray, "U"],
        places: Int64[np.ndarray, "U"],
        edge_user: Int64[np.ndarray, "N"],
        edge_item: Int64[np.ndarray, "N"],
        stands_for: Float[np.ndarray, "N"],
    ) -> tuple[Int64[np.ndarray, "B"], Int64[np.ndarray, "B"], Float[np.ndarray, "B"], Float[np.ndarray, "B"]]:
        """Return user, item, label and weight of the pairs; known items that are not bought next were drawn."""
        pools = self.asker.pools(users, self.draws.of_pools(places, self.asker.random))
        user = np.repeat(np.arange(len(users)), [len(pool.item) for pool in pools])
        item = np.concatenate([np.zeros(0, np.int64), *(pool.item for pool in pools)])
        weight = np.concatenate([np.zeros(0), *(pool.weight for pool in pools)]).astype(np.float32)
        label = np.asarray(self.asker.labels[users[user], item], np.float32).ravel()
        own = own_edges(edge_user, edge_item, user, item, len(self.asker.position))
        known = (own < len(edge_item)) & (label == 0)
        weight = np.where(known, np.append(stands_for, 0)[own], weight).astype(np.float32)
        kept = weight > 0
        return user[kept], item[kept], label[kept], weight[kept]

    def _leading(
        self,
        kind: EdgeType,
        sources: Int64[np.ndarray, "J"],
        wanted: Bool[np.ndarray, "I"],
        within: Int64[np.ndarray, "I"],
    ) -> _Edges:
        """Return row, column and number of the item-item edges from these items to what anybody is asked about."""
        low, high = self._starts[kind][sources], self._starts[kind][sources + 1]
        leaving = ranges(low, high)
        target = self.data[kind].edge_index[1].numpy()[leaving]
        met = wanted[target]
        source = np.repeat(within[sources], high - low)
        return source[met], within[target[met]], leaving[met]

    def _belonging(
        self,
        items: Int64[np.ndarray, "J"],
        node: dict[str, Tensor],
        edges: dict[EdgeType, _Edges],
    ) -> None:
        """Add the categories, brands and lines of the items, and the edges to them."""
        found: dict[EdgeType, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for kind in self.data.edge_types:
            if kind[0] == "item" and kind[2] != "item":
                source, target = self.data[kind].edge_index.numpy()
                edge = np.searchsorted(source, items)
                there = np.append(source, -1)[edge] == items
                found[kind] = np.flatnonzero(there), target[edge[there]], edge[there]
        for name in {kind[2] for kind in found}:
            met = np.unique(np.concatenate([target for kind, (_, target, _) in found.items() if kind[2] == name]))
            node[name] = torch.from_numpy(met)
            for kind, (row, target, edge) in found.items():
                if kind[2] == name:
                    edges[kind] = row, np.searchsorted(met, target), edge


def _starts(data: HeteroData, kind: EdgeType) -> Int64[np.ndarray, "N1"]:
    """Return where the edges of each source begin."""
    source = data[kind].edge_index[0].numpy()
    return np.searchsorted(source, np.arange(int(data[kind[0]].num_nodes or 0) + 1, dtype=source.dtype))
