"""Loops over the edges of attention, compiled: an edge is read, reduced and forgotten in registers.

Arrays are contiguous float32, edges int64 and sorted by user. Every loop takes a piece of the edges, `low` to `high`,
and lets go of Python's lock: `run` gives each thread a piece of its own. Compiled by Numba when first called.
"""

import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar, cast

import numba
import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

_Loop = TypeVar("_Loop", bound=Callable[..., object])

# Sums may be taken in another order, as vector registers take them; nan and infinity stay what they are.
_FAST = {"reassoc", "contract", "nsz", "arcp"}

# Edges whose gradients are added up in single precision.
_FEW = 1024

# Edges for which a thread is worth its start.
_FEWEST = 20_000


def _compiled(loop: _Loop) -> _Loop:
    return cast("_Loop", numba.njit(nogil=True, fastmath=_FAST)(inspect.unwrap(loop)))


def run(bounds: Sequence[tuple[int, int]], loop: Callable[[int, int, int], None]) -> None:
    """Call `loop(number, low, high)` for each piece, in a thread of its own where there are several."""
    if len(bounds) == 1:
        loop(0, *bounds[0])
        return
    with ThreadPoolExecutor(len(bounds)) as threads:
        for _ in threads.map(loop, range(len(bounds)), *zip(*bounds, strict=True)):
            pass


def pieces(user: Int64[np.ndarray, "E"]) -> list[tuple[int, int]]:
    """Return where pieces of the edges begin and end: one for each of torch's threads, or fewer where edges are few.

    All edges of a user are in one piece. Raises `ValueError` when edges are not sorted by user.
    """
    if not np.all(user[1:] >= user[:-1]):
        raise ValueError("edges are not sorted by user")
    threads = min(torch.get_num_threads(), max(len(user) // _FEWEST, 1))
    inner = np.searchsorted(user, user[np.arange(1, threads) * len(user) // threads])
    bounds = [0, *np.unique(inner[inner > 0]).tolist(), len(user)]
    return list(pairwise(bounds))


def array(value: Tensor) -> np.ndarray[Any, Any]:
    """Return a tensor as a contiguous array, without its gradient."""
    return value.detach().contiguous().numpy()


@_compiled
def additive(
    user: Float32[np.ndarray, "U H D"],
    item: Float32[np.ndarray, "I H D"],
    vector: Float32[np.ndarray, "H D"],
    u: Int64[np.ndarray, "E"],
    i: Int64[np.ndarray, "E"],
    slope: np.float32,
    low: int,
    high: int,
    out: Float32[np.ndarray, "E H"],
) -> None:
    """Write vector . LeakyReLU(user + item) of every edge; 0 <= slope <= 1."""
    for e in range(low, high):
        here, there = u[e], i[e]
        for h in range(vector.shape[0]):
            total = np.float32(0)
            for d in range(vector.shape[1]):
                z = user[here, h, d] + item[there, h, d]
                total += vector[h, d] * max(z, slope * z)
            out[e, h] = total


@_compiled
def additive_back(
    user: Float32[np.ndarray, "U H D"],
    item: Float32[np.ndarray, "I H D"],
    vector: Float32[np.ndarray, "H D"],
    u: Int64[np.ndarray, "E"],
    i: Int64[np.ndarray, "E"],
    slope: np.float32,
    low: int,
    high: int,
    grad: Float32[np.ndarray, "E H"],
    of_user: Float32[np.ndarray, "U H D"],
    of_item: Float32[np.ndarray, "I H D"],
    of_vector: Float64[np.ndarray, "H D"],
) -> None:
    """Add the gradients of `additive` to those of users, items and the vector."""
    # Single precision holds a sum over a few edges, and not one over all.
    few = np.zeros(vector.shape, np.float32)
    for begin in range(low, high, _FEW):
        for e in range(begin, min(begin + _FEW, high)):
            here, there = u[e], i[e]
            for h in range(vector.shape[0]):
                g = grad[e, h]
                for d in range(vector.shape[1]):
                    z = user[here, h, d] + item[there, h, d]
                    k = np.float32(1) if z > 0 else slope
                    of_user[here, h, d] += g * vector[h, d] * k
                    of_item[there, h, d] += g * vector[h, d] * k
                    few[h, d] += g * z * k
        of_vector += few
        few[:] = 0


@_compiled
def dots(
    user: Float32[np.ndarray, "U H D"],
    item: Float32[np.ndarray, "I H D"],
    u: Int64[np.ndarray, "E"],
    i: Int64[np.ndarray, "E"],
    low: int,
    high: int,
    out: Float32[np.ndarray, "E H"],
) -> None:
    """Write user . item of every edge, per head."""
    for e in range(low, high):
        here, there = u[e], i[e]
        for h in range(user.shape[1]):
            total = np.float32(0)
            for d in range(user.shape[2]):
                total += user[here, h, d] * item[there, h, d]
            out[e, h] = total


@_compiled
def carry(
    weight: Float32[np.ndarray, "E H"],
    value: Float32[np.ndarray, "M H D"],
    start: Int64[np.ndarray, "E"],
    end: Int64[np.ndarray, "E"],
    low: int,
    high: int,
    out: Float32[np.ndarray, "N H D"],
) -> None:
    """Add weight times the value at the start of every edge to what is at its end."""
    for e in range(low, high):
        here, there = start[e], end[e]
        for h in range(value.shape[1]):
            w = weight[e, h]
            for d in range(value.shape[2]):
                out[there, h, d] += w * value[here, h, d]


@_compiled
def _end(u: Int64[np.ndarray, "E"], begin: int, high: int) -> int:
    """Return where the edges of the user end whose first one is `begin`."""
    end = begin
    while end < high and u[end] == u[begin]:
        end += 1
    return end


@_compiled
def softmax(
    logit: Float32[np.ndarray, "E H"],
    u: Int64[np.ndarray, "E"],
    low: int,
    high: int,
    out: Float32[np.ndarray, "E H"],
) -> None:
    """Write the softmax over each user's edges, per head."""
    begin = low
    while begin < high:
        end = _end(u, begin, high)
        for h in range(logit.shape[1]):
            most = logit[begin, h]
            for e in range(begin, end):
                most = max(most, logit[e, h])
            total = 0.0
            for e in range(begin, end):
                out[e, h] = np.exp(logit[e, h] - most)
                total += out[e, h]
            for e in range(begin, end):
                out[e, h] /= total
        begin = end


@_compiled
def softmax_back(
    share: Float32[np.ndarray, "E H"],
    u: Int64[np.ndarray, "E"],
    low: int,
    high: int,
    grad: Float32[np.ndarray, "E H"],
    out: Float32[np.ndarray, "E H"],
) -> None:
    """Write the gradient of the logits behind the shares that `softmax` gave."""
    begin = low
    while begin < high:
        end = _end(u, begin, high)
        for h in range(share.shape[1]):
            mean = 0.0
            for e in range(begin, end):
                mean += share[e, h] * grad[e, h]
            for e in range(begin, end):
                out[e, h] = share[e, h] * (grad[e, h] - mean)
        begin = end
