"""The channels of one user in numpy: what arrives at items along each metapath, before any weight is put on it.

Shared by the scorer (with learned attention) and by moments (with the plain history, to find each channel's unit).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int64, Num

from gnn.compact import Rows
from gnn.history import Edges
from gnn.state import ITEM_FEATURES, PRIORS, State
from gnn.weights import channel_names

# Users that a channel's unit is taken from, and unseen items beside their history: the most tempting, and any.
_USERS = 200
_TEMPTING, _ANY = 100, 150

# Up to so many items are looked up one by one among a history's edges.
_PAGE = 512

SQUASHED = 5.0
"""Largest size of a squashed channel."""

_PRICE = ITEM_FEATURES.index("price_level")


@dataclass(frozen=True, slots=True)
class Shelf:
    """What items bring with them, side by side: kinds of node in the order of `State.groups`."""

    node: Num[np.ndarray, "G P"]
    share: Float[np.ndarray, "G P"]
    priors: Float[np.ndarray, "Q P"]
    price: Float64[np.ndarray, "P"]
    """The price level as the gates take it: standardised, within three deviations."""
    level: Float64[np.ndarray, "P"]
    """The price level itself, nan where unknown."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a history brings to the nodes of one kind, M of which it met."""

    flow: Float64[np.ndarray, "H M1"]
    """Per head; the last entry is of nodes that it never met, and of none."""
    place: Int64[np.ndarray, "K"]
    """Node -> place in `flow`; the last one but one is of all nodes beyond, the last one of none (-1)."""


def shelf(state: State, items: Int64[np.ndarray, "P"]) -> Shelf:
    """Take what the channels look at of these items."""
    return Shelf(
        np.stack([node[items] for node, _ in state.groups]),
        np.stack([share[items] for _, share in state.groups]),
        np.ascontiguousarray(state.x_item[items, : len(PRIORS)].T),
        np.clip(state.x_item[items, _PRICE].astype(np.float64), -3, 3),
        state.price_level[items].astype(np.float64),
    )


def gathered(state: State, item: Int64[np.ndarray, "N"], weight: Float64[np.ndarray, "N H"]) -> tuple[Gathered, ...]:
    """Return what a history brings to the nodes of each kind, in the order of `State.groups`."""
    return tuple(_gathered(node[item], weight) for node, _ in state.groups)


def _gathered(mine: Num[np.ndarray, "N"], weight: Float64[np.ndarray, "N H"]) -> Gathered:
    there = mine >= 0
    met, index = np.unique(mine[there], return_inverse=True)
    flow = np.zeros((weight.shape[1], len(met) + 1))
    for head, sent in enumerate(weight[there].T):
        flow[head, :-1] = np.sqrt(np.bincount(index, sent, len(met)))
    place = np.full((int(met[-1]) + 1 if len(met) else 0) + 2, len(met), np.int64)
    place[met] = np.arange(len(met))
    return Gathered(flow, place)


def values(
    state: State,
    matrices: Sequence[Rows],
    item: Int64[np.ndarray, "N"],
    weight: Float64[np.ndarray, "N H"],
    own: Float64[np.ndarray, "N O"],
    items: Int64[np.ndarray, "P"],
    rate: Float64[np.ndarray, "C"] | None = None,
    tables: Sequence[Float64[np.ndarray, "N P"]] | None = None,
    there: Shelf | None = None,
    nodes: Sequence[Gathered] | None = None,
) -> Float64[np.ndarray, "C P"]:
    """Return every channel's value for `items`, in the order of `gnn.weights.channel_names`.

    `item` are the distinct items of the history, ascending, `weight` what flows along each edge, `own` what the history
    of an item says of the item itself (O = H + 1). `rate` multiplies each channel; None: natural units. `tables`: what
    `edge_tables` finds, where it is known; `there`: the items' shelf, `nodes`: what `gathered` finds, likewise.
    """
    H, O = weight.shape[1], own.shape[1]  # noqa: E741
    found = np.zeros((len(channel_names(H, len(state.node))), len(items)))
    rate = np.ones(len(found)) if rate is None else rate
    # Filled in place, and the rates put on what is small: every pass over all candidates counts.
    if len(item):
        here = np.minimum(np.searchsorted(item, items), len(item) - 1)
        met = np.flatnonzero(item[here] == items)
        found[:O, met] = (own[here[met]] * rate[:O]).T
    row = O
    position = None if items is state.candidates else state.position[items]
    near = None if position is None else np.flatnonzero(position >= 0)
    for m, sent in enumerate(carried(state, item, weight)):
        flow = sent * rate[row : row + H]
        if position is None or near is None:
            found[row : row + H] = (matrices[m][item].T @ flow).T
        elif tables is not None:
            found[row : row + H] = flow.T @ tables[m]
        elif len(near) <= _PAGE:
            found[row : row + H, near] = flow.T @ between(matrices[m], item, position[near])
        else:
            found[row : row + H, near] = (matrices[m][item].T @ flow).T[:, position[near]]
        row += H
    there = there or shelf(state, items)
    for mine, node, share in zip(nodes or gathered(state, item, weight), there.node, there.share, strict=True):
        _by_node(mine, node, share, rate[row : row + H + 1], found[row : row + H + 1])
        row += H + 1
    np.multiply(there.priors, rate[row:, None], out=found[row:])
    return found


def carried(
    state: State, item: Int64[np.ndarray, "N"], weight: Float64[np.ndarray, "N H"]
) -> tuple[Float64[np.ndarray, "N H"], ...]:
    """Return what the history sends into each item-item graph, in the order of `MATRICES`.

    Regression weights and likeness take the messages as they are. A walk starts at one item, whatever the size of the
    history: at each in proportion to its message times `State.walk_mass`.
    """
    starts = weight * state.walk_mass[item, None]
    return weight, weight, starts / np.maximum(starts.sum(axis=0), 1e-30)


def own_counts(base: Float64[np.ndarray, "N H"]) -> Float64[np.ndarray, "N H"]:
    """Return the decayed events behind the messages' plain weights."""
    return np.expm1(base)


def edge_tables(
    state: State, matrices: Sequence[Rows], item: Int64[np.ndarray, "N"], items: Int64[np.ndarray, "P"]
) -> tuple[Float64[np.ndarray, "N P"], ...]:
    """Return the weights of the edges from a history to a page of items, in the order of `MATRICES`."""
    position = state.position[items]
    there = np.flatnonzero(position >= 0)
    found = tuple(np.zeros((len(item), len(items))) for _ in matrices)
    for table, matrix in zip(found, matrices, strict=True):
        table[:, there] = between(matrix, item, position[there])
    return found


def between(matrix: Rows, item: Int64[np.ndarray, "N"], position: Int[np.ndarray, "P"]) -> Float64[np.ndarray, "N P"]:
    """Return the weight of the edge from each item to each of a few candidates (by position); 0 where there is none.

    A history has tens of thousands of edges, of which a page needs a few: one look at each beats slicing by columns.
    """
    edges = matrix[item]
    places, which = np.unique(position, return_inverse=True)
    wanted = np.zeros(edges.shape[1], np.bool_)
    wanted[places] = True
    hit = np.flatnonzero(wanted[edges.indices])
    found = np.zeros((len(item), len(places)))
    row, column = np.searchsorted(edges.indptr, hit, side="right") - 1, np.searchsorted(places, edges.indices[hit])
    found[row, column] = edges.data[hit]
    return found[:, which]


def _by_node(
    mine: Gathered,
    node: Num[np.ndarray, "P"],
    share: Num[np.ndarray, "P"],
    rate: Float64[np.ndarray, "H1"],
    out: Float64[np.ndarray, "H1 P"],
) -> None:
    """Write what flows to items by their share in their node, per head, and what the node gathers on the first."""
    target = mine.place[np.minimum(node, len(mine.place) - 2)]
    # All are valid: clipping spares a buffer.
    np.take(mine.flow * rate[:-1, None], target, axis=1, out=out[:-1], mode="clip")
    out[:-1] *= share
    np.take(mine.flow[0] * rate[-1], target, out=out[-1], mode="clip")


def squash(a: Num[np.ndarray, "*C"]) -> Num[np.ndarray, "*C"]:
    """Return the signed square root, within `SQUASHED`: what semantic attention looks at, before it is centred."""
    return np.sign(a) * np.sqrt(np.minimum(np.abs(a), SQUASHED**2))


def units(state: State, edges: Edges) -> dict[str, Float32[np.ndarray, "C"]]:
    """Return `channel_scale`, each channel's standard deviation over typical pairs, and how it looks when squashed.

    Typical are a user's own items, the unseen ones that item-item edges speak for most, and some of all others: what
    training asks about as well. Channels count purchases over longer and longer times as a shop grows old; in units
    of their own moment they stay comparable, and weights carry over from one cut to the next.
    """
    H = edges.base.shape[1]
    whole = _typical(state, edges)
    if not whole.shape[1]:
        silent = np.zeros(len(whole), np.float32)
        return {"channel_scale": silent, "seen_mean": silent, "seen_scale": silent}
    scale = whole.std(axis=1)
    scale[scale < 1e-6] = 0.0
    scale[H] = 1.0  # own:deep is learned: it has no unit yet
    seen = squash(whole * reciprocal(scale)[:, None])
    return {
        "channel_scale": scale.astype(np.float32),
        "seen_mean": seen.mean(axis=1).astype(np.float32),
        "seen_scale": reciprocal(seen.std(axis=1)).astype(np.float32),
    }


def reciprocal(scale: Num[np.ndarray, "C"]) -> Float64[np.ndarray, "C"]:
    """Return one over each scale; 0 for what is silent."""
    wide = scale.astype(np.float64)
    return np.divide(1.0, wide, out=np.zeros_like(wide), where=wide > 1e-6)


def _typical(state: State, edges: Edges) -> Float64[np.ndarray, "C N"]:
    H, P = edges.base.shape[1], len(state.candidates)
    matrices = tuple(part.matrix(P) for part in state.matrices)
    met = np.unique(edges.user)
    sample = met[np.linspace(0, len(met) - 1, min(_USERS, len(met))).astype(np.int64)] if len(met) and P else met[:0]
    spread = np.linspace(0, P - 1, min(_ANY, P)).astype(np.int64)
    found = [np.zeros((len(channel_names(H, len(state.node))), 0))]
    for user in sample:
        low, high = np.searchsorted(edges.user, (user, user + 1))
        item, base = edges.item[low:high], edges.base[low:high]
        own = np.concatenate([own_counts(base), np.zeros((len(base), 1))], axis=1)
        value = values(state, matrices, item, base, own, state.candidates)
        typical = np.zeros(P, np.bool_)
        typical[spread] = True
        tempting = value[H + 1]
        typical[np.argpartition(-tempting, min(_TEMPTING, P - 1))[:_TEMPTING]] = True
        position = state.position[item]
        typical[position[position >= 0]] = True
        found.append(value[:, typical])
    return np.concatenate(found, axis=1)
