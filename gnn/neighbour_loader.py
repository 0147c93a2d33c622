"""Blocks made batch by batch through PyG's loader interface: nothing of a batch is kept when the next one comes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Int64
from torch_geometric.data import HeteroData
from torch_geometric.loader import NodeLoader
from torch_geometric.sampler import HeteroSamplerOutput, SamplerOutput

from gnn import hetero_data
from gnn.hetero_data import HISTORY, IN_LINE, MADE_BY, NEAR, in_category
from gnn.history import Edges
from gnn.item_edges import ItemEdges
from gnn.moment import Moment
from gnn.neighbour_sampler import ASKED, Draws, NeighbourSampler, Pairs
from gnn.pairs import Block, bought, own_edges, paths_between, through_nodes
from gnn.sampling import Asker
from gnn.sparse import Paths


class NeighbourLoader(NodeLoader):
    """PyG's loader of sampled subgraphs; puts pairs beside the graph, as `LinkLoader` does with its labels."""

    def filter_fn(self, out: SamplerOutput | HeteroSamplerOutput) -> HeteroData:
        """Return what was sampled with the features of its nodes and edges, and the pairs to judge."""
        batch = super().filter_fn(out)
        assert isinstance(batch, HeteroData)  # noqa: S101 - for the type checker
        assert out.metadata is not None  # noqa: S101 - for the type checker
        pairs: Pairs = out.metadata[2]
        batch[ASKED].edge_index, batch[ASKED].label, batch[ASKED].weight = pairs.edge_index, pairs.label, pairs.weight
        batch[HISTORY].factor = pairs.factor
        return batch


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of one cut: its graph, its users, and how they are dealt out."""

    data: HeteroData
    asker: Asker
    draws: Draws
    most: int
    """`Config.history_sample`."""
    users: Int64[np.ndarray, "U"]
    """Nodes of the graph in the order of the cut."""
    places: tuple[Int64[np.ndarray, "_"], ...]
    """Of the users of each batch, in that order."""

    @staticmethod
    def of(
        moment: Moment, groups: Sequence[Int64[np.ndarray, "_"]], share: slice, asker: Asker, draws: Draws, most: int
    ) -> "Batches":
        """Take from a moment what batches are made of; of each group of users (rows) this process has a `share`."""
        rows = np.concatenate(groups)
        known = np.sort(rows)
        data = _graph(moment, known)
        sizes = np.cumsum([0, *map(len, groups)])
        return Batches(
            data=data,
            asker=replace(asker, history=asker.history[known], labels=asker.labels[known]),
            draws=draws,
            most=most,
            users=np.searchsorted(known, rows),
            places=tuple(np.arange(a, b)[share] for a, b in pairwise(sizes)),
        )

    def __len__(self) -> int:
        return len(self.places)

    def of_pass(self, number: int) -> Iterator[Block]:
        """Make the blocks of the pass of this number, one after another."""
        return map(to_block, self.loader(number))

    def loader(self, number: int) -> NeighbourLoader:
        """Return the loader of the pass of this number; it gives batches in their order, or by call any of them."""
        return NeighbourLoader(
            self.data,
            NeighbourSampler(self.data, self.asker, self.draws, self.most, number),
            input_nodes=("user", torch.from_numpy(self.users)),
            filter_per_worker=True,
            batch_sampler=[places.tolist() for places in self.places],
        )


def _graph(moment: Moment, users: Int64[np.ndarray, "U"]) -> HeteroData:
    """Return the graph of a cut with these users alone, and without what `Tables` holds of it."""
    within = np.full(len(moment.x_user), -1, np.int64)
    within[users] = np.arange(len(users))
    rows = np.flatnonzero(within[moment.edges.user] >= 0)
    edges = Edges(**{field.name: getattr(moment.edges, field.name)[rows] for field in fields(Edges)})
    edges = replace(edges, user=within[edges.user])
    data = hetero_data.build(replace(moment, edges=edges, x_user=moment.x_user[users], level=moment.level[users]))
    data["user"].row = torch.from_numpy(users)
    data[HISTORY].bought = torch.from_numpy(bought(moment.edges)[rows])
    items = len(moment.state.position)
    del data["item"], data.channel_rate, data.seen_mean, data.seen_scale
    data["item"].num_nodes = items
    for kind in NEAR:
        # Most of what a cut takes: 12 bytes an edge, and not 20.
        data[kind].edge_index = data[kind].edge_index.int()
    return data


def to_block(batch: HeteroData) -> Block:
    """Lay out a sampled subgraph as a block; the same as `gnn.pairs.block` where nothing was left out."""
    item = batch["item"].n_id
    edge_user, edge_item = batch[HISTORY].edge_index.numpy()
    pair_user, pair_item = batch[ASKED].edge_index.numpy()
    factor = batch[HISTORY].factor.numpy()
    sides = (edge_user, edge_item, pair_user, pair_item)
    own = own_edges(*sides, len(item))
    kinds = [kind for level in range(len(batch.edge_types)) if (kind := in_category(level)) in batch.edge_types]
    met = [through_nodes(_node(batch, kind), *sides) for kind in (*kinds, MADE_BY, IN_LINE)]
    every = np.arange(len(item), dtype=np.int32)
    return Block(
        users=batch["user"].row,
        x_user=batch["user"].x,
        p_user=batch["user"].p,
        level=batch["user"].level,
        edge_index=torch.stack([batch[HISTORY].edge_index[0], item[batch[HISTORY].edge_index[1]]]),
        edge_attr=batch[HISTORY].edge_attr,
        base=batch[HISTORY].base,
        pair_user=batch[ASKED].edge_index[0],
        pair_item=item[batch[ASKED].edge_index[1]],
        own=Paths.one_each(own, len(edge_item)),
        paths=tuple(paths_between(_near(batch, kind), every, len(item), *sides, factor) for kind in NEAR),
        edge_node=tuple(edge for edge, _ in met),
        nodes=tuple(paths for _, paths in met),
        label=batch[ASKED].label,
        novel=(~torch.cat([batch[HISTORY].bought, torch.zeros(1, dtype=torch.bool)]))[own].float(),
        weight=batch[ASKED].weight,
    )


def _node(batch: HeteroData, kind: tuple[str, str, str]) -> Int64[np.ndarray, "I"]:
    """Return the node of one kind that each item of the batch belongs to; -1 for none."""
    node = np.full(len(batch["item"].n_id), -1, np.int64)
    item, target = batch[kind].edge_index.numpy()
    node[item] = target
    return node


def _near(batch: HeteroData, kind: tuple[str, str, str]) -> ItemEdges:
    """Return the item-item edges of one kind within the batch."""
    source, target = batch[kind].edge_index.numpy()
    start = np.searchsorted(source, np.arange(len(batch["item"].n_id) + 1))
    return ItemEdges(start, target.astype(np.int32), batch[kind].edge_weight.numpy())
