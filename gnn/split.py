"""What a training learns from and what decides when it stops: periods in time, or draws where there is no time."""

from dataclasses import dataclass

from gnn.config import Config
from gnn.features import clock_and_span
from gnn.held_out import Cut, Draw, HeldOut
from graph.snapshot import Snapshot

# Draws of several purposes never share a number.
_REFIT = 1000


@dataclass(frozen=True, slots=True)
class Split:
    """Cuts to learn from, oldest first, and the one that decides when to stop."""

    train: tuple[HeldOut, ...]
    validation: HeldOut


def split(snapshot: Snapshot, config: Config) -> Split:
    """Foretell the last period for validation, and learn from cuts half a period apart whose periods end before it.

    Where events do not span time (all at one instant) there is no next period: purchases drawn at random stand for it.
    """
    clock, span = clock_and_span(snapshot)
    horizon = _horizon(span, config)
    if horizon <= 0:
        kept_back = Draw(0, config.horizon_share, config.target)
        train = (Draw(1 + n, config.horizon_share, config.target, kept_back) for n in range(config.cuts))
        return Split(tuple(train), kept_back)
    validation = Cut(clock - horizon, clock)
    return Split(_before(validation.at, horizon, clock - span, config.cuts), validation)


def to_refit(found: Split, snapshot: Snapshot, config: Config) -> tuple[HeldOut, ...]:
    """Return the cuts for a last fit on everything: as many as before and those that validation kept back."""
    validation = found.validation
    if not isinstance(validation, Cut):
        return tuple(Draw(_REFIT + n, config.horizon_share, config.target) for n in range(config.cuts))
    clock, span = clock_and_span(snapshot)
    return _before(validation.until, validation.until - validation.at, clock - span, config.cuts + 2)


def standing_now(snapshot: Snapshot, config: Config) -> Snapshot:
    """Return the snapshot with what was announced of the next period if asked for, and without if not."""
    _, span = clock_and_span(snapshot)
    return snapshot.until(snapshot.at, ahead=_horizon(span, config) if config.announced else 0)


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
