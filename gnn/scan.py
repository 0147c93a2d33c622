"""Scores of many candidates at once, quickly: what semantic attention adds is computed in single precision.

That is half of the work and half of the memory. How far such a score may be from the exact one is told with it, so that
the head of a list, which is all that anybody sees, can be scored again exactly (`gnn.ranking.Pass`).
"""

import math

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from gnn import channels, scorer
from gnn.artefact import Artefact
from gnn.scorer import Gating, Messages

# Candidates that are looked at together: few enough for all that is worked out of them to stay in the cache. With a
# power of two the rows would push each other out of it.
_TOGETHER = 1_040

# So many of the highest scores are made exact at once.
_HEAD = 128

_SIGN = np.uint32(1 << 31)

# Unit roundoff of single precision.
_UNIT = 2.0**-24

# A sum of n products errs by this times sqrt(n) units of the sum of their sizes (Higham and Mary, "A new approach to
# probabilistic rounding error analysis", SISC 2019): with it the bound fails once in 10^13.
_SAFE = 8.0


def scan(
    artefact: Artefact, sent: Messages, items: Int64[np.ndarray, "P"]
) -> tuple[Float64[np.ndarray, "P"], float, Bool[np.ndarray, "P"]]:
    """Return the scores of these items, how far any of them may be from `gnn.scorer.scores`, and which ones are exact.

    Exact are the highest, which most lists are made of: while all that they are made of is at hand, it costs nothing.
    """
    exact = np.ones(len(items), np.bool_)
    if "semantic.head.weight" not in artefact.weights or artefact.config.fusion == "concat":
        return scorer.scores(artefact, sent, items), 0.0, exact
    values = scorer.channel_values(artefact, sent, items)
    gated, added, slack = _summed(artefact, values, scorer.gating(artefact, sent, items))
    found = gated + added
    if len(items) > _HEAD:
        exact[:] = False
        exact[np.argpartition(found, len(items) - _HEAD)[len(items) - _HEAD :]] = True
    head = values[:, exact]
    attended = scorer.semantic(artefact, head)
    if attended is not None:
        found[exact] = gated[exact] + (attended * head).sum(axis=0)
    return found, slack, exact


def _summed(
    artefact: Artefact, values: Float64[np.ndarray, "C P"], gating: Gating
) -> tuple[Float64[np.ndarray, "P"], Float32[np.ndarray, "P"], float]:
    """Return what the gates without semantic attention make of each score, what it adds, and the bound on its error."""
    lift, hidden, head = _network(artefact)
    C, P = values.shape
    gated, added = np.empty(P), np.empty(P, np.float32)
    if not P:
        return gated, added, 0.0
    S, N, most_seen = len(lift), min(_TOGETHER, P), np.float32(channels.SQUASHED**2)
    x, z, gate = np.empty((C, N), np.float32), np.ones((C + 1, N), np.float32), np.empty((C, N), np.float32)
    one, two, scratch = np.ones((S + 1, N), np.float32), np.empty((S, N), np.float32), np.empty((S, N), np.float32)
    most, most_one, most_two = np.zeros(C, np.float32), np.ones(S + 1, np.float32), np.zeros(S, np.float32)
    for begin in range(0, P, _TOGETHER):
        if P - begin < N:
            x, z, gate, one, two, scratch = (a[:, : P - begin].copy() for a in (x, z, gate, one, two, scratch))
        piece = values[:, begin : begin + _TOGETHER]
        gated[begin : begin + _TOGETHER] = gating.of(piece, begin)
        x[:] = piece
        size, bits = z[:C], z[:C].view(np.uint32)
        np.abs(x, out=size)
        highest = size.max(axis=1)
        np.maximum(most, highest, out=most)
        if highest.max() > most_seen:
            np.minimum(size, most_seen, out=size)
        np.sqrt(size, out=size)
        # copysign, three times as fast
        np.bitwise_or(bits, x.view(np.uint32) & _SIGN, out=bits)
        for weight, given, out, largest in ((lift, z, one[:S], most_one[:S]), (hidden, one, two, most_two)):
            np.matmul(weight, given, out=out)
            # Twice what is above zero, exactly, and in half the time of a maximum; the next weights are halved.
            np.add(out, np.abs(out, out=scratch), out=out)
            np.maximum(largest, out.max(axis=1), out=largest)
        np.matmul(head, two, out=gate)
        np.einsum("cp,cp->p", gate, x, out=added[begin : begin + _TOGETHER])
    # The first roundings are of what is looked at; each layer carries them on as independent ones, and adds its own.
    most_z = np.append(np.sqrt(np.minimum(most, most_seen)), np.float32(1))
    error = _SAFE * _UNIT * 4 * most_z
    error = np.append(2 * _carried(lift, error, most_z), np.float32(0))
    error = 2 * _carried(hidden, error, most_one)
    error = _carried(head, error, most_two)
    largest = float(np.abs(head) @ most_two @ most)
    return gated, added, float(error @ most) + _SAFE * math.sqrt(C) * _UNIT * largest


def _carried(
    weight: Float32[np.ndarray, "M K"], error: Float32[np.ndarray, "K"], most: Float32[np.ndarray, "K"]
) -> Float32[np.ndarray, "M"]:
    """Return the error of a layer's outputs from that of its inputs, and from its own sums."""
    own = _SAFE * math.sqrt(weight.shape[1] + 1) * _UNIT * (np.abs(weight) @ most)
    return np.sqrt(weight**2 @ error**2) + own


def _network(
    artefact: Artefact,
) -> tuple[Float32[np.ndarray, "S C1"], Float32[np.ndarray, "S S1"], Float32[np.ndarray, "C S"]]:
    """Return the layers, each bias as one more column; the first one takes squashed channels as they are.

    That they are centred and scaled, and that some are not seen at all, is in its weights. The others take twice what
    is above zero of the layer before.
    """
    state, weights, seen = artefact.state, artefact.weights, list(artefact.shape.seen)
    lift = np.zeros((len(weights["semantic.lift.bias"]), len(state.seen_mean) + 1))
    lift[:, seen] = weights["semantic.lift.weight"] * state.seen_scale[seen]
    lift[:, -1] = weights["semantic.lift.bias"] - lift[:, :-1] @ state.seen_mean
    hidden = np.column_stack((weights["semantic.hidden.weight"], weights["semantic.hidden.bias"]))
    hidden[:, :-1] /= 2
    head = weights["semantic.head.weight"] / 2
    return lift.astype(np.float32), hidden.astype(np.float32), head.astype(np.float32, copy=False)
