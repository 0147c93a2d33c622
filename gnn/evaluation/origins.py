"""Moments to stand at: where the past ends, and which period after it is foretold."""

from collections.abc import Sequence
from dataclasses import replace

from gnn.config import Config
from gnn.errors import NotEnoughData
from gnn.features import DAY_US, clock_and_span
from gnn.held_out import Cut, Draw, HeldOut
from graph.snapshot import Snapshot

# Draws to be reported are not those that a training learns from, nor those that choices are made on.
_DRAWS = 10_000


def rolling(
    snapshot: Snapshot, config: Config, count: int = 1, *, days: float | None = None, until: int | None = None
) -> tuple[HeldOut, ...]:
    """Return the last `count` periods of equal length, oldest first, each to be foretold from what came before it.

    A period is `days` long, or the share of the time that training uses. Where the events do not span time at all, so
    many draws of purchases at random stand for periods. Raises `NotEnoughData` when the events do not
    span that many periods and one to look back on.
    """
    known = snapshot if until is None else snapshot.until(until)
    clock, span = clock_and_span(known)
    end = clock if until is None else until
    length = int(span * config.horizon_share) if days is None else int(days * DAY_US)
    if span <= 0 and len(known.events) and days is None:
        return tuple(Draw(_DRAWS + n, config.horizon_share, config.target) for n in range(count))
    if length <= 0:
        raise NotEnoughData(
            "the events do not span any time, so no period can be held out",
            "Load events of more than one moment" if until is None else "Give a later --until",
        )
    if count * length >= span:
        raise NotEnoughData(
            f"the events span {span / DAY_US:.0f} days, too few for {count} periods of {length / DAY_US:.1f} days",
            "Ask for fewer --origins, or shorter ones by --days",
        )
    return tuple(Cut(end - back * length, end - (back - 1) * length) for back in range(count, 0, -1))


def at(
    snapshot: Snapshot, config: Config, cuts: Sequence[int], *, days: float | None = None, until: int | None = None
) -> tuple[Cut, ...]:
    """Return the periods after these moments, each `days` long.

    Without `days`, one cut is followed to `until` (the last event), several by periods as long as training uses.
    Raises `NotEnoughData` for a period in which nothing can be.
    """
    last = snapshot.at if until is None else until
    _, span = clock_and_span(snapshot)
    length = int(span * config.horizon_share) if days is None else int(days * DAY_US)
    found = tuple(
        Cut(cut, last if days is None and len(cuts) == 1 else min(cut + length, last)) for cut in sorted(cuts)
    )
    if any(not cut.at < cut.until for cut in found):
        raise NotEnoughData("the held-out period is empty", "Give a --cut before the last event")
    return found


def before(cut: HeldOut) -> HeldOut:
    """Return the period before this one, of the same length: where choices are made.

    For a draw it is another one, of what the first leaves. Raises `NotEnoughData` for pairs that were given.
    """
    if isinstance(cut, Draw):
        return replace(cut, number=cut.number + _DRAWS, beyond=cut)
    if not isinstance(cut, Cut):
        raise NotEnoughData("there is no period before pairs that are given", "Leave --truth out")
    return Cut(cut.at - (cut.until - cut.at), cut.at)
