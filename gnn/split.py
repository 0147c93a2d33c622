"""Cuts in time: what was known before, and what was bought in the period after."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from gnn.config import Config
from gnn.features import target_type
from gnn.history import clock_and_span
from graph.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment to stand at and the end of the period to foretell; microseconds UTC."""

    at: int
    until: int


@dataclass(frozen=True, slots=True)
class Split:
    """Cuts to learn from, oldest first, and the one that decides when to stop."""

    train: tuple[Cut, ...]
    validation: Cut


def split(snapshot: Snapshot, config: Config) -> Split | None:
    """Cut the snapshot's time into periods of equal length, the last one for validation.

    None when the events do not span time (all at one instant): there is no next period then.
    """
    clock, span = clock_and_span(snapshot)
    horizon = int(span * config.horizon_share)
    if horizon <= 0:
        return None
    validation = Cut(clock - horizon, clock)
    train = tuple(
        Cut(validation.at - back * horizon, validation.at - (back - 1) * horizon) for back in range(config.cuts, 0, -1)
    )
    # The oldest cut must leave something to look back on.
    kept = tuple(cut for cut in train if cut.at - (clock - span) >= horizon)
    return Split(kept or train[-1:], validation)


def targets(snapshot: Snapshot, cut: Cut, target: str = "") -> sp.csr_matrix:
    """Return users x items, 1 for what was bought (the predicted type) in the period after the cut."""
    events = snapshot.events
    counts = np.bincount(events.type, minlength=len(snapshot.event_types))
    kind = target_type(snapshot.event_types, counts, target)
    rows = (events.at >= cut.at) & (events.at < cut.until) & (events.type == kind)
    matrix = sp.csr_matrix(
        (np.ones(int(rows.sum()), np.float32), (events.user[rows], events.item[rows])),
        shape=(len(snapshot.user_ids), len(snapshot.item_ids)),
    )
    matrix.data[:] = 1.0
    return matrix
