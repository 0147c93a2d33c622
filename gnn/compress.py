"""A smaller model out of a trained one, with a bound on how far its scores may be from those of the model in full.

Item-item edges take two bytes or three each (`gnn.compact`); where a share of the squared weights may go, the smallest
are dropped, as many as hold it.
Columns of items: whole numbers in the fewest bytes that hold them, float16 for what is standardised or a share. Prices,
which are held against budgets, what attention looks at, and weights stay as they are: so do the messages of a user.

The smaller model *is* the model from then on: its lists, scores and explanations are of what it keeps. Nothing is
ranked a second time with the weights in full; docs/model.md says why.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64

from gnn import channels, scorer
from gnn.artefact import Artefact, new_version
from gnn.compact import CompactEdges, pack
from gnn.errors import ModelError
from gnn.scorer import Messages
from gnn.state import MATRICES

_HALVED = ("node_share", "brand_share", "line_share")
# The most that float16 and float32 are away from a number, as a share of it, and near zero.
_HALF, _TINY = float(np.finfo(np.float16).eps), float(np.finfo(np.float16).smallest_subnormal)
_NARROW = 4 * float(np.finfo(np.float32).eps)
_NARROWED = ("position", "node", "brand", "line")


def compress(artefact: Artefact, share: float = 0.0) -> Artefact:
    """Return a smaller model that ranks nearly alike, as a model of its own version.

    The dropped edges of a matrix hold at most this share of its squared weights. A trained network misses every edge.

    Raises `ModelError` for a model that is compressed already.
    """
    if artefact.manifest.compression:
        raise ModelError(
            f"model {artefact.version} is compressed already", f"Compress {artefact.manifest.compression['of']} instead"
        )
    state = artefact.state
    changed: dict[str, Any] = {name: getattr(state, name).astype(np.float16) for name in _HALVED}
    changed |= {name: _narrow(getattr(state, name)) for name in _NARROWED}
    if "content" not in artefact.config.attention_kinds():
        changed["x_item"] = state.x_item.astype(np.float16)
    kept = whole = 0
    dropped: dict[str, float] = {}
    bounds: dict[str, float] = {}
    for name, edges, rate in zip(MATRICES, state.matrices, _rates(artefact), strict=True):
        dropped[name] = _largest_to_drop(edges.weight, share)
        packed = pack(edges.matrix(len(state.candidates))[state.candidates], dropped[name])
        changed[name] = packed
        kept, whole = kept + int((packed.level != 0).sum()), whole + len(edges.weight)
        bounds[name] = float(errors(packed, dropped[name]).max(initial=0.0) * rate)
    created = datetime.now(UTC)
    manifest = replace(
        artefact.manifest,
        version=new_version(created),
        created=created.isoformat(timespec="seconds"),
        compression={
            "of": artefact.version,
            "share": share,
            "edges_kept": kept / whole if whole else 1.0,
            "dropped": dropped,
            "channel_error_per_message": bounds,
        },
    )
    return replace(
        artefact,
        manifest=manifest,
        item_category=_narrow(artefact.item_category),
        state=replace(state, **changed),
    )


def _narrow(values: np.ndarray) -> np.ndarray:
    """Return whole numbers, -1 among them, in the fewest bytes that hold them and how many there may be."""
    most = int(values.max(initial=0)) + 1
    return values.astype(next(kind for kind in (np.int8, np.int16, np.int32, np.int64) if most <= np.iinfo(kind).max))


def _rates(artefact: Artefact) -> Float64[np.ndarray, "M"]:
    """Return the largest of one over the unit of each matrix' channels; 0 where all are silent."""
    H = artefact.shape.H
    first = H + 1
    return artefact.channel_rate[first : first + len(MATRICES) * H].reshape(len(MATRICES), H).max(axis=1)


def _largest_to_drop(weight: Float32[np.ndarray, "N"], share: float) -> float:
    """Return the size up to which edges are dropped, so that they hold this share of the squared weights at most."""
    if not len(weight):
        return 0.0
    size = np.sort(np.abs(weight).astype(np.float64))
    held = np.cumsum(size**2)
    # The largest stays at least, and equal ones stay together.
    first_kept = min(int(np.searchsorted(held, share * held[-1], side="right")), len(size) - 1)
    return float(size[size < size[first_kept]].max(initial=0.0))


def errors(edges: CompactEdges, dropped: float) -> Float64[np.ndarray, "P"]:
    """Return the most that any weight of a row, kept or dropped, differs from the one in full."""
    unit = edges.unit.astype(np.float64)
    return np.where(unit > 0, np.maximum(unit / 2, dropped), 0.0)


def channel_errors(artefact: Artefact, sent: Messages, items: Int64[np.ndarray, "P"]) -> Float64[np.ndarray, "C P"]:
    """Return the most that each channel of a compressed model is away from that of the model in full, in its unit."""
    state, H = artefact.state, artefact.shape.H
    position, mine = state.position[items], state.position[sent.edges.item]
    rows = [np.zeros((H + 1, len(items)))]  # own history is as it was
    carried = channels.carried(state, sent.edges.item, sent.weight)
    for name, message in zip(MATRICES, carried, strict=True):
        edges: CompactEdges = getattr(state, name)
        size = np.abs(message)[mine >= 0]
        half = edges.unit[mine[mine >= 0], None] / 2.0
        most = errors(edges, artefact.manifest.compression["dropped"][name])[mine[mine >= 0], None]
        there = edges.served(state.position)[sent.edges.item[mine >= 0]]
        there.data = (there.data != 0).astype(np.float64)
        # What stands in a row differs by half a unit, what does not by what was dropped.
        off = (most * size).sum(axis=0)[:, None] - np.asarray(there.T @ ((most - half) * size)).T
        rows.append(np.where(position >= 0, off[:, position], 0.0) if off.size else np.zeros((H, len(items))))
    values = channels.values(state, artefact.matrices, sent.edges.item, sent.weight, sent.own, items)
    first = sum(map(len, rows))
    halves = np.abs(values[first:]) * _HALF + _TINY
    halves[H : len(state.groups) * (H + 1) : H + 1] = 0.0  # what a node gathers needs no share
    return np.concatenate([*rows, halves]) * artefact.channel_rate[:, None]


def score_errors(artefact: Artefact, sent: Messages, items: Int64[np.ndarray, "P"]) -> Float64[np.ndarray, "P"]:
    """Return the most by which each score of a compressed model is away from that of the model in full.

    Interval arithmetic from the channels through semantic attention: always true, and far from tight.
    """
    values, off = scorer.channel_values(artefact, sent, items), channel_errors(artefact, sent, items)
    constant, p_item, slopes = scorer.gate_terms(artefact, sent, items)
    gates = constant[:, None] + slopes @ p_item
    p_off = np.stack([np.abs(p_item[0]) * _HALF + _TINY, np.full(len(items), _NARROW)])
    gates_off = np.abs(slopes) @ p_off
    attended = scorer.semantic(artefact, values)
    if attended is not None:
        gates, gates_off = gates + attended, gates_off + _semantic_errors(artefact, values, off)
    prices = np.abs(scorer.price_terms(artefact, sent, np.ones_like(p_item)))
    prices = prices[0] * p_off[1] + prices[1:].sum(axis=0) * p_off[0]
    return (np.abs(gates) * off + gates_off * (np.abs(values) + off)).sum(axis=0) + prices


def _semantic_errors(
    artefact: Artefact, values: Float64[np.ndarray, "C P"], off: Float64[np.ndarray, "C P"]
) -> Float64[np.ndarray, "C P"]:
    """Return how far the gates of semantic attention move at most when channels move by `off`."""
    weights, state, seen = artefact.weights, artefact.state, list(artefact.shape.seen)
    mean, scale = state.seen_mean[seen, None], state.seen_scale[seen, None]
    low, high = ((channels.squash(values[seen] + sign * off[seen]) - mean) * scale for sign in (-1, 1))
    for name in ("lift", "hidden"):
        weight, bias = weights[f"semantic.{name}.weight"], weights[f"semantic.{name}.bias"][:, None]
        middle, reach = weight @ ((low + high) / 2) + bias, np.abs(weight) @ ((high - low) / 2)
        low, high = np.maximum(middle - reach, 0), np.maximum(middle + reach, 0)
    # Its own value may lie anywhere between the ends: the whole width, not half of it.
    return np.abs(weights["semantic.head.weight"]) @ (high - low)
