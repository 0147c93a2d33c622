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
    """Foretell the last period for validation, and learn from cuts half a period apart whose periods end before it.

    None when the events do not span time (all at one instant): there is no next period then.
    """
    clock, span = clock_and_span(snapshot)
    horizon = _horizon(span, config)
    if horizon <= 0:
        return None
    validation = Cut(clock - horizon, clock)
    return Split(_before(validation.at, horizon, clock - span, config.cuts), validation)


def stand_at(snapshot: Snapshot, at: int, config: Config) -> Snapshot:
    """Return the snapshot as it was at a moment, with what was announced of the next period if asked for."""
    _, span = clock_and_span(snapshot)
    return snapshot.until(at, ahead=_horizon(span, config) if config.announced else 0)


def to_refit(found: Split, snapshot: Snapshot, config: Config) -> tuple[Cut, ...]:
    """Return the cuts for a last fit on everything: as many as before and those that validation kept back."""
    clock, span = clock_and_span(snapshot)
    horizon = found.validation.until - found.validation.at
    return _before(found.validation.until, horizon, clock - span, config.cuts + 2)


def _horizon(span: int, config: Config) -> int:
    """Return the length of a target period.

    Even, so that halves of it add up: a refit then finds the cuts that were laid out before.
    """
    return int(span * config.horizon_share) // 2 * 2


def _before(end: int, horizon: int, begin: int, cuts: int) -> tuple[Cut, ...]:
    step = max(horizon // 2, 1)
    train = tuple(Cut(end - horizon - back * step, end - back * step) for back in range(cuts - 1, -1, -1))
    # The oldest cut must leave something to look back on.
    kept = tuple(cut for cut in train if cut.at - begin >= horizon)
    return kept or train[-1:]


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
