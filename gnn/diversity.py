"""Arranges a ranked list: pins first, caps per category, and diversity by maximal marginal relevance.

Each place goes to the item with the highest (1 - d) * relevance - d * likeness. Relevance is the score, scaled so that
the best of the pool has 1 and the last 0; likeness is the mean over the items above of how alike both are, 0-1. So
d = 0 ranks by score alone, and with d = 1 each place goes to the item that is least like what stands above it, ties by
score. The mean (not the maximum, as in the first paper on it) goes on telling items apart once every category has been
shown.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64

from gnn.artefact import Artefact
from gnn.filters import Query

POOL = 1_000
"""The best so many items are diversified; what follows them stays in the order of scores."""


@dataclass(frozen=True, slots=True)
class Shelves:
    """Where the items of a list stand in the category tree; N items, D levels from the root."""

    path: Int64[np.ndarray, "N D"]
    """Category at each level; -1 below the item's own."""
    depth: Int64[np.ndarray, "N"]
    """Levels down to the item's own category; 0 without one."""


def arrange(
    artefact: Artefact,
    ordered: Int64[np.ndarray, "N"],
    score: Float64[np.ndarray, "N"],
    k: int,
    query: Query,
    pinned: Int64[np.ndarray, "R"],
) -> Int64[np.ndarray, "K"]:
    """Return up to `k` of these items as they shall be shown; a shorter list is the head of a longer one.

    `ordered`: rows of the artefact, best first, with their scores. `pinned`: those of them that stand first.
    """
    if len(pinned):
        rest = ~np.isin(ordered, pinned)
        ordered, score = ordered[rest], score[rest]
    shelf = np.asarray(artefact.item_category)
    if query.diversity <= 0:
        whole = np.concatenate([pinned, ordered])
        return whole[_under_cap(shelf[whole], len(pinned), query.per_category)][:k]
    head = _greedy(artefact, ordered[:POOL], score[:POOL], k - len(pinned), query, pinned)
    whole = np.concatenate([pinned, head, ordered[POOL:]])
    return whole[_under_cap(shelf[whole], len(pinned), query.per_category)][:k]


def _under_cap(shelf: Int[np.ndarray, "N"], pins: int, cap: int | None) -> Bool[np.ndarray, "N"]:
    """Return which items are among the first `cap` of their category; pins stay, and count."""
    if cap is None:
        return np.ones(len(shelf), np.bool_)
    order = np.argsort(shelf, kind="stable")
    start = np.concatenate(([True], shelf[order][1:] != shelf[order][:-1])) if len(shelf) else np.zeros(0, np.bool_)
    first = np.maximum.accumulate(np.where(start, np.arange(len(shelf)), 0))
    turn = np.empty(len(shelf), np.int64)
    turn[order] = np.arange(len(shelf)) - first
    return (turn < cap) | (shelf < 0) | (np.arange(len(shelf)) < pins)


def _greedy(
    artefact: Artefact,
    pool: Int64[np.ndarray, "N"],
    score: Float64[np.ndarray, "N"],
    k: int,
    query: Query,
    pinned: Int64[np.ndarray, "R"],
) -> Int64[np.ndarray, "K"]:
    if not len(pool):
        return pool
    everything = np.concatenate([pinned, pool])
    at = shelves(artefact, everything)
    leaf = np.asarray(artefact.item_category)[everything]
    spread = max(float(score[0] - score[-1]), 1e-12)
    relevance = (score - score[-1]) / spread
    likeness = np.zeros(len(everything))
    open_ = np.ones(len(everything), np.bool_)
    open_[: len(pinned)] = False
    counts = np.zeros(len(artefact.category_ids) + 1, np.int64)
    above = 0

    def place(row: int) -> None:
        nonlocal likeness, above
        likeness += alike(artefact, everything, at, row)
        above += 1
        open_[row] = False
        counts[leaf[row]] += 1
        if query.per_category is not None and leaf[row] >= 0 and counts[leaf[row]] >= query.per_category:
            open_[leaf == leaf[row]] = False

    for row in range(len(pinned)):
        place(row)
    picked: list[int] = []
    share, begin = query.diversity, len(pinned)
    while len(picked) < k and open_.any():
        standing = (1 - share) * relevance - share * likeness[begin:] / max(above, 1)
        best = begin + int(np.argmax(np.where(open_[begin:], standing, -np.inf)))  # the first of equals: ties by score
        place(best)
        picked.append(best)
    return everything[picked]


def shelves(artefact: Artefact, items: Int64[np.ndarray, "N"]) -> Shelves:
    """Return the paths of these items through the category tree."""
    parent = np.append(np.asarray(artefact.category_parent).astype(np.int64), -1)  # above none there is none
    current = np.asarray(artefact.item_category)[items].astype(np.int64)
    upwards: list[Int64[np.ndarray, "N"]] = []
    while (current >= 0).any() and len(upwards) <= len(parent):
        upwards.append(current)
        current = parent[current]
    if not upwards:
        return Shelves(np.full((len(items), 1), -1, np.int64), np.zeros(len(items), np.int64))
    table = np.stack(upwards, axis=1)
    depth = (table >= 0).sum(axis=1)
    # Turned round, so that column 0 is the root.
    columns = depth[:, None] - 1 - np.arange(table.shape[1])
    path = np.where(columns >= 0, np.take_along_axis(table, np.maximum(columns, 0), axis=1), -1)
    return Shelves(path, depth)


def alike(artefact: Artefact, items: Int64[np.ndarray, "N"], at: Shelves, row: int) -> Float64[np.ndarray, "N"]:
    """Return how alike each item is to the one in `row`: the shared part of their paths through the category tree.

    1 in one leaf, 0 under different roots. Where one has no category, by what the model makes of the item in `row`: 1
    for the item that it speaks for most.
    """
    if at.depth[row] > 0:
        shared = ((at.path == at.path[row]) & (at.path >= 0)).sum(axis=1)
        found = shared / np.maximum(at.depth, at.depth[row])
        if (at.depth > 0).all():
            return found
    else:
        found = np.zeros(len(items))
    without = (at.depth == 0) | (at.depth[row] == 0)
    from gnn import explain  # it stands on `gnn.ranking`, which stands on this

    target, weight = explain.similar(artefact, int(items[row]), len(artefact.item_ids))
    by_model = np.zeros(len(artefact.item_ids))
    if len(weight):
        by_model[target] = weight / weight[0]
    return np.where(without, by_model[items], found)
