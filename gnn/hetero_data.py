"""A moment of the graph as PyG's `HeteroData`: users, items, categories, brands, and all edges that carry messages."""

import numpy as np
import torch
from torch_geometric.data import HeteroData

from gnn.channels import reciprocal
from gnn.moment import Moment
from gnn.scorer import gate_inputs_of_users
from gnn.state import MATRICES, standardise

HISTORY = ("user", "history", "item")
NEAR = tuple(("item", name, "item") for name in MATRICES)
"""Item-item edges, one type per matrix."""
MADE_BY = ("item", "made_by", "brand")
IN_LINE = ("item", "in_line", "line")
"""A line is what a brand makes within a category."""


def in_category(level: int) -> tuple[str, str, str]:
    """Return the edge type from items to their category at one level of the tree."""
    return ("item", f"in_category_{level}", "category")


def build(moment: Moment) -> HeteroData:
    """Return the graph of a moment, on the CPU.

    `user.x` [U, Fu], `user.p` [U, Pu], `user.level` [U]; `item.x` [I, Fi], `item.level` [I], and
    `item.share` [G, I], the item's part in its category at each level, in its brand and its line; `item.walk_mass` [I];
    `channel_rate`, `seen_mean`, `seen_scale` [C], the channels' units as `State` keeps them;
    history edges sorted by user with `edge_attr` [N, F] and `base` [N, H]; all other edges with `edge_weight`.
    """
    state, scheme, snapshot, edges = moment.state, moment.scheme, moment.snapshot, moment.edges
    data = HeteroData()
    data["user"].x = _floats(moment.x_user)
    data["user"].p = _floats(gate_inputs_of_users(scheme, moment.x_user))
    data["user"].level = _floats(moment.level)
    data["item"].x = _floats(state.x_item)
    data["item"].level = _floats(state.price_level)
    data["item"].walk_mass = _floats(state.walk_mass)
    data["item"].share = _floats(np.stack([share for _, share in state.groups]))
    data.channel_rate = _floats(reciprocal(state.channel_scale))
    data.seen_mean, data.seen_scale = _floats(state.seen_mean), _floats(state.seen_scale)
    data["category"].num_nodes = len(snapshot.category_ids)
    data["brand"].num_nodes = len(snapshot.brand_ids)
    data["line"].num_nodes = int(state.line.max(initial=-1)) + 1
    history = data[HISTORY]
    history.edge_index = torch.from_numpy(np.stack([edges.user, edges.item]))
    history.edge_attr = _floats(standardise(edges.features, state.edge_mean, state.edge_scale))
    history.base = _floats(edges.base)
    for kind, matrix in zip(NEAR, state.matrices, strict=True):
        source = np.repeat(np.arange(len(matrix.indptr) - 1), np.diff(matrix.indptr))
        data[kind].edge_index = torch.from_numpy(np.stack([source, state.candidates[matrix.target]]))
        data[kind].edge_weight = _floats(matrix.weight)
    kinds = [*(in_category(level) for level in range(len(state.node))), MADE_BY, IN_LINE]
    for kind, (node, share) in zip(kinds, state.groups, strict=True):
        there = np.flatnonzero(node >= 0)
        data[kind].edge_index = torch.from_numpy(np.stack([there, node[there].astype(np.int64)]))
        data[kind].edge_weight = _floats(share[there])
    return data


def _floats(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
