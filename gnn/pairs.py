"""User-item pairs to be scored, with the paths between them: what one step of training, or of ranking, works on.

Paths do not change while weights do, so they are laid out once per cut as sparse matrices (history edges x pairs); a
step then needs two sparse products, forward and back, and no tensor with a row per path.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gnn.history import Edges
from gnn.item_edges import ItemEdges
from gnn.moment import Moment
from gnn.sampling import Pool
from gnn.scorer import gate_inputs_of_users
from gnn.sparse import Paths
from gnn.state import standardise


@dataclass(frozen=True, slots=True)
class Block:
    """Some users with their history and the pairs to score; B pairs, N history edges, U users of this block."""

    users: Int[Tensor, "U"]
    """Rows in the snapshot."""
    x_user: Float[Tensor, "U Fu"]
    p_user: Float[Tensor, "U Pu"]
    level: Float[Tensor, "U"]
    edge_index: Int[Tensor, "2 N"]
    """User of the block, item."""
    edge_attr: Float[Tensor, "N F"]
    base: Float[Tensor, "N H"]
    pair_user: Int[Tensor, "B"]
    pair_item: Int[Tensor, "B"]
    own: Paths
    """The history edge between the two: history edges x pairs."""
    paths: tuple[Paths, ...]
    """Per item-item matrix: history edges x pairs."""
    edge_node: tuple[Int[Tensor, "N"], ...]
    """Per kind of node (`State.groups`): which of its M user-node pairs a history edge flows into; M where none."""
    nodes: tuple[Paths, ...]
    """Per kind of node: which user-node pair lies between, M x pairs."""
    label: Float[Tensor, "B"]
    """1 for what was bought in the period after."""
    novel: Float[Tensor, "B"]
    """1 for what the user had not bought before."""
    weight: Float[Tensor, "B"]
    """How many items of the shop each pair stands for."""

    @property
    def nbytes(self) -> int:
        """What the block takes in memory."""
        return sum(part.nbytes for field in fields(self) for part in _parts(getattr(self, field.name)))

    def to(self, device: torch.device) -> "Block":
        """Return the block on another device."""
        moved = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, tuple):
                moved[part.name] = tuple(x.to(device) if isinstance(x, Tensor | Paths) else x for x in value)
            else:
                moved[part.name] = value.to(device)
        return Block(**moved)

    def scored(self) -> "Block":
        """Return what the loss looks at once there are scores: the pairs, without history and paths."""
        return replace(
            self,
            edge_index=self.edge_index.new_empty(2, 0),
            edge_attr=self.edge_attr.new_empty(0, self.edge_attr.shape[1]),
            base=self.base.new_empty(0, self.base.shape[1]),
            own=Paths.one_each(np.zeros(0, np.int64), 0),
            paths=(),
            edge_node=(),
            nodes=(),
        )


def block(
    moment: Moment,
    users: Int[np.ndarray, "U"],
    pools: Sequence[Pool] | None,
    labels: sp.csr_matrix | None,
) -> Block:
    """Lay out users and the items to score for each (all candidates where None), ascending; `labels` users x items."""
    state, edges = moment.state, moment.edges
    low = np.searchsorted(edges.user, users)
    high = np.searchsorted(edges.user, users, side="right")
    rows = ranges(low, high)
    edge_user = np.repeat(np.arange(len(users)), high - low)
    edge_item = edges.item[rows]
    chosen = [state.candidates] * len(users) if pools is None else [pool.item for pool in pools]
    sizes = np.array([len(part) for part in chosen], np.int64)
    pair_user = np.repeat(np.arange(len(users)), sizes)
    pair_item = np.concatenate([np.zeros(0, np.int64), *chosen]).astype(np.int64)
    own = own_edges(edge_user, edge_item, pair_user, pair_item, len(state.position))
    met = [through_nodes(node, edge_user, edge_item, pair_user, pair_item) for node, _ in state.groups]
    seen = np.append(bought(edges)[rows], False)
    label = np.zeros(len(pair_user), np.float32)
    if labels is not None:
        label = np.asarray(labels[users[pair_user], pair_item], np.float32).ravel()
    return Block(
        users=torch.from_numpy(users.astype(np.int64)),
        x_user=_floats(moment.x_user[users]),
        p_user=_floats(gate_inputs_of_users(moment.scheme, moment.x_user[users])),
        level=_floats(moment.level[users]),
        edge_index=torch.from_numpy(np.stack([edge_user, edge_item])),
        edge_attr=_floats(standardise(edges.features[rows], state.edge_mean, state.edge_scale)),
        base=_floats(edges.base[rows]),
        pair_user=torch.from_numpy(pair_user),
        pair_item=torch.from_numpy(pair_item),
        own=Paths.one_each(own, len(rows)),
        paths=tuple(
            paths_between(matrix, state.position, len(state.candidates), edge_user, edge_item, pair_user, pair_item)
            for matrix in state.matrices
        ),
        edge_node=tuple(edge for edge, _ in met),
        nodes=tuple(paths for _, paths in met),
        label=torch.from_numpy(label),
        novel=_floats(~seen[own]),
        weight=torch.ones(len(pair_user))
        if pools is None
        else _floats(np.concatenate([np.zeros(0), *(pool.weight for pool in pools)])),
    )


def ranges(low: Int[np.ndarray, "U"], high: Int[np.ndarray, "U"]) -> Int[np.ndarray, "N"]:
    """Return all whole numbers from each low to below its high, one range after another."""
    size = high - low
    ends = np.cumsum(size)
    return np.arange(ends[-1] if len(ends) else 0, dtype=np.int64) + np.repeat(low - ends + size, size)


def bought(edges: Edges) -> Bool[np.ndarray, "N"]:
    """Return which history edges say that the user has had the item; all where the shop knows no purchases."""
    found = edges.days > 0
    return found if found.any() else np.ones(len(edges), np.bool_)


def own_edges(
    edge_user: Int[np.ndarray, "N"],
    edge_item: Int[np.ndarray, "N"],
    pair_user: Int[np.ndarray, "B"],
    pair_item: Int[np.ndarray, "B"],
    items: int,
) -> Int[np.ndarray, "B"]:
    """Return the history edge between the two of each pair; N where there is none."""
    edge_key, pair_key = edge_user * items + edge_item, pair_user * items + pair_item
    own = np.searchsorted(edge_key, pair_key)
    there = np.append(edge_key, -1)[np.minimum(own, len(edge_key))] == pair_key
    return np.where((own < len(edge_key)) & there, own, len(edge_key))


def through_nodes(
    node: Int[np.ndarray, "I"],
    edge_user: Int[np.ndarray, "N"],
    edge_item: Int[np.ndarray, "N"],
    pair_user: Int[np.ndarray, "B"],
    pair_item: Int[np.ndarray, "B"],
) -> tuple[Int[Tensor, "N"], Paths]:
    """Return `Block.edge_node` and `Block.nodes` of one kind; `node` is each item's, -1 for none."""
    there = node[edge_item] >= 0
    width = int(node.max(initial=0)) + 1
    met, inverse = np.unique(edge_user[there] * width + node[edge_item[there]], return_inverse=True)
    edge_node = np.full(len(edge_item), len(met), np.int64)
    edge_node[there] = inverse
    wanted = pair_user * width + node[pair_item]
    found = np.searchsorted(met, wanted)
    hit = (node[pair_item] >= 0) & (found < len(met)) & (np.append(met, -1)[np.minimum(found, len(met))] == wanted)
    return torch.from_numpy(edge_node), Paths.one_each(np.where(hit, found, len(met)), len(met))


def paths_between(
    matrix: ItemEdges,
    position: Int[np.ndarray, "I"],
    candidates: int,
    edge_user: Int[np.ndarray, "N"],
    edge_item: Int[np.ndarray, "N"],
    pair_user: Int[np.ndarray, "B"],
    pair_item: Int[np.ndarray, "B"],
    factor: Float[np.ndarray, "N"] | None = None,
) -> Paths:
    """Return user -> j -> i as a sparse matrix, history edges x pairs.

    `factor` says how many of its kind each history edge stands for; one of 0 leads nowhere. None: all of them lead on.
    """
    where = np.full(candidates, -1, np.int32)
    start, size = matrix.indptr[edge_item], np.diff(matrix.indptr)[edge_item]
    if factor is not None:
        size = np.where(factor > 0, size, 0)
    users = int(max(edge_user.max(initial=-1), pair_user.max(initial=-1))) + 1
    edge_start = np.searchsorted(edge_user, np.arange(users + 1))
    pair_start = np.searchsorted(pair_user, np.arange(users + 1))
    counts, pairs, weights = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    for u in range(users):
        mine = slice(edge_start[u], edge_start[u + 1])
        asked = np.arange(pair_start[u], pair_start[u + 1], dtype=np.int32)
        at = position[pair_item[asked]]
        asked, at = asked[at >= 0], at[at >= 0]
        where[at] = asked
        ends = np.cumsum(size[mine])
        leaving = ranges(start[mine], start[mine] + size[mine])
        pair = where[matrix.target[leaving]]
        met = pair >= 0
        arrived = np.concatenate([[0], np.cumsum(met)])
        counts.append(arrived[ends] - arrived[ends - size[mine]])
        pairs.append(pair[met])
        weight = matrix.weight[leaving[met]]
        weights.append(weight if factor is None else weight * np.repeat(factor[mine], size[mine])[met])
        where[at] = -1
    return Paths.build(
        np.cumsum(np.concatenate(counts)), np.concatenate(pairs), np.concatenate(weights), len(pair_user)
    )


def split_users(users: Int[np.ndarray, "U"], parts: int) -> Iterator[Int[np.ndarray, "Ub"]]:
    """Deal users out into parts of nearly equal size, each ascending; empty parts are left out."""
    for part in range(parts):
        dealt = np.sort(users[part::parts])
        if len(dealt):
            yield dealt


def _parts(value: object) -> tuple[Tensor | Paths, ...]:
    parts = value if isinstance(value, tuple) else (value,)
    return tuple(part for part in parts if isinstance(part, Tensor | Paths))


def _floats(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
