"""Which ids a load has met before, in 16 bytes an id: a hash of the id beside a hash of what came with it.

A hundred million events take 1.6 GB (twice that for moments while the runs are merged). That any two of them meet by
chance has a probability of 0.03%; the second would be refused with a reason, never lost without a word.
"""

from enum import IntEnum

import numpy as np
from jaxtyping import Int8, UInt64


class Fate(IntEnum):
    """What becomes of a row."""

    NEW = 0
    DUPLICATE = 1
    """The same id with the same content."""
    CONFLICT = 2
    """The same id with other content: the first stays."""


class Seen:
    """Sorted runs of hashes, merged so that their sizes halve from each to the next; N rows a call."""

    def __init__(self) -> None:
        self._runs: list[tuple[np.ndarray, np.ndarray]] = []

    def __len__(self) -> int:
        return sum(len(ids) for ids, _ in self._runs)

    def judge(self, ids: UInt64[np.ndarray, "N"], contents: UInt64[np.ndarray, "N"]) -> Int8[np.ndarray, "N"]:
        """Return the `Fate` of each row and remember the new ones."""
        fate = np.zeros(len(ids), np.int8)
        if not len(ids):
            return fate
        order = np.argsort(ids, kind="stable")
        sorted_ids = ids[order]
        starts = np.concatenate(([True], sorted_ids[1:] != sorted_ids[:-1]))
        group = np.cumsum(starts) - 1
        unique_ids = sorted_ids[starts]
        first = order[starts]
        known = contents[first].copy()
        old = np.zeros(len(unique_ids), np.bool_)
        for run_ids, run_contents in self._runs:
            place = np.searchsorted(run_ids, unique_ids)
            place[place == len(run_ids)] = 0
            hit = run_ids[place] == unique_ids
            known[hit] = run_contents[place[hit]]
            old |= hit
        same = contents[order] == known[group]
        fate[order] = np.where(same, Fate.DUPLICATE, Fate.CONFLICT)
        fate[first[~old]] = Fate.NEW
        self._add(unique_ids[~old], known[~old])
        return fate

    def remember(self, ids: UInt64[np.ndarray, "N"], contents: UInt64[np.ndarray, "N"]) -> None:
        """Take over ids that are known to be new and distinct."""
        order = np.argsort(ids, kind="stable")
        self._add(ids[order], contents[order])

    def _add(self, ids: np.ndarray, contents: np.ndarray) -> None:
        if not len(ids):
            return
        self._runs.append((ids, contents))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            (a, a_contents), (b, b_contents) = self._runs[-2:]
            at = np.searchsorted(a, b)
            self._runs[-2:] = [(np.insert(a, at, b), np.insert(a_contents, at, b_contents))]
