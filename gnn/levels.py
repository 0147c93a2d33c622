"""The category tree as columns: how deep categories lie, and what stands above them at each level."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, Int32, Int64

from gnn.state import LEVELS


def depths(parent: Int[np.ndarray, "C"]) -> Int64[np.ndarray, "C"]:
    """Return how many categories stand above each; 0 for a root. `parent` is a row, -1 above a root."""
    depth = np.zeros(len(parent), np.int64)
    above = np.asarray(parent).copy()
    for _ in range(len(parent)):
        climbing = above >= 0
        if not climbing.any():
            break
        depth += climbing
        above = np.where(climbing, parent[np.maximum(above, 0)], -1)
    else:
        depth[above >= 0] = 0  # a cycle, which the loaders refuse: such categories stand alone
    return depth


def carrying(depth: Int64[np.ndarray, "C"]) -> list[int]:
    """Return the depths that carry messages, up to `LEVELS` of them: the root, and the lowest ones."""
    chosen = list(range(int(depth.max(initial=-1)) + 1))
    return chosen if len(chosen) <= LEVELS else [0, *chosen[-(LEVELS - 1) :]]


def nodes(
    parent: Int[np.ndarray, "C"], depth: Int64[np.ndarray, "C"], at: Sequence[int], category: Int[np.ndarray, "N"]
) -> Int32[np.ndarray, "L N"]:
    """Return what each category is, or lies below, at these depths; -1 where its branch is shorter, and for -1."""
    node = np.full((len(at), len(category)), -1, np.int32)
    current = np.asarray(category).astype(np.int32)
    for _ in range(int(depth.max(initial=-1)) + 1):
        there = current >= 0
        at_depth = np.where(there, depth[np.maximum(current, 0)], -1)
        for row, level in enumerate(at):
            hit = at_depth == level
            node[row, hit] = current[hit]
        current = np.where(there, parent[np.maximum(current, 0)], -1).astype(np.int32)
    return node
