"""Scores of many candidates at once, quickly: what semantic attention adds is computed in single precision.

That is half of the work and half of the memory. How far such a score may be from the exact one is told with it, so that
the head of a list, which is all that anybody sees, can be scored again exactly (`gnn.ranking.Pass`).
"""

import math

import numpy as np
from jaxtyping import Float32, Float64, Int64

from gnn import channels, scorer
from gnn.artefact import Artefact
from gnn.scorer import Messages

# Candidates that are looked at together: few enough for all that is worked out of them to stay in the cache.
_TOGETHER = 1_024

# Unit roundoff of single precision.
_UNIT = 2.0**-24

# A sum of n products errs by this times sqrt(n) units of the sum of their sizes (Higham and Mary, "A new approach to
# probabilistic rounding error analysis", SISC 2019): with it the bound fails once in 10^13.
_SAFE = 8.0


def scan(artefact: Artefact, sent: Messages, items: Int64[np.ndarray, "P"]) -> tuple[Float64[np.ndarray, "P"], float]:
    """Return the scores of these items, and how far any of them may be from `gnn.scorer.scores`."""
    if "semantic.head.weight" not in artefact.weights or artefact.config.fusion == "concat":
        return scorer.scores(artefact, sent, items), 0.0
    values = scorer.channel_values(artefact, sent, items)
    added, slack = _semantic(artefact, values)
    return scorer.gated(artefact, sent, items, values) + added, slack


def _semantic(artefact: Artefact, values: Float64[np.ndarray, "C P"]) -> tuple[Float32[np.ndarray, "P"], float]:
    """Return what semantic attention adds to each score, and the bound on its error."""
    state, seen = artefact.state, np.array(artefact.shape.seen)
    lift, hidden, head = (_weight(artefact, name) for name in ("lift.weight", "hidden.weight", "head.weight"))
    first, second = (_weight(artefact, name)[:, None] for name in ("lift.bias", "hidden.bias"))
    mean, scale = (a[seen, None].astype(np.float32) for a in (state.seen_mean, state.seen_scale))
    C, P = values.shape
    if not P:
        return np.zeros(0, np.float32), 0.0
    S, N = len(lift), min(_TOGETHER, P)
    added = np.empty(P, np.float32)
    x, z, size = np.empty((C, N), np.float32), np.empty((len(seen), N), np.float32), np.empty((C, N), np.float32)
    one, two, gate = np.empty((S, N), np.float32), np.empty((S, N), np.float32), np.empty((C, N), np.float32)
    most, most_one, most_two = np.zeros(C, np.float32), np.zeros(S, np.float32), np.zeros(S, np.float32)
    for low in range(0, P, _TOGETHER):
        if P - low < N:
            x, z, size, one, two, gate = (a[:, : P - low].copy() for a in (x, z, size, one, two, gate))
        x[:] = values[:, low : low + _TOGETHER]
        np.abs(x, out=size)
        np.maximum(most, size.max(axis=1), out=most)
        np.take(size, seen, axis=0, out=z, mode="clip")
        np.minimum(z, channels.SQUASHED**2, out=z)
        np.sqrt(z, out=z)
        np.copysign(z, x[seen], out=z)
        z -= mean
        z *= scale
        _layer(lift, z, first, one, most_one)
        _layer(hidden, one, second, two, most_two)
        np.matmul(head, two, out=gate)
        np.einsum("cp,cp->p", gate, x, out=added[low : low + _TOGETHER])
    # The first roundings are of what is looked at; each layer carries them on as independent ones, and adds its own.
    most_z = (np.sqrt(np.minimum(most[seen], channels.SQUASHED**2)) + np.abs(mean[:, 0])) * scale[:, 0]
    error = _SAFE * _UNIT * 4 * most_z
    error = _carried(lift, error, most_z)
    error = _carried(hidden, error, most_one)
    error = _carried(head, error, most_two)
    largest = float(np.abs(head) @ most_two @ most)
    return added, float(error @ most) + _SAFE * math.sqrt(C) * _UNIT * largest


def _layer(
    weight: Float32[np.ndarray, "M K"],
    given: Float32[np.ndarray, "K N"],
    bias: Float32[np.ndarray, "M 1"],
    out: Float32[np.ndarray, "M N"],
    most: Float32[np.ndarray, "M"],
) -> None:
    np.matmul(weight, given, out=out)
    out += bias
    np.maximum(out, 0, out=out)
    np.maximum(most, out.max(axis=1), out=most)


def _carried(
    weight: Float32[np.ndarray, "M K"], error: Float32[np.ndarray, "K"], most: Float32[np.ndarray, "K"]
) -> Float32[np.ndarray, "M"]:
    """Return the error of a layer's outputs from that of its inputs, and from its own sums."""
    own = _SAFE * math.sqrt(weight.shape[1] + 1) * _UNIT * (np.abs(weight) @ most)
    return np.sqrt(weight**2 @ error**2) + own


def _weight(artefact: Artefact, name: str) -> Float32[np.ndarray, "*N"]:
    return artefact.weights[f"semantic.{name}"].astype(np.float32, copy=False)
