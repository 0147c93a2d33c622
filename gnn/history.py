"""Events folded into history edges: one per user and distinct item, with what attention looks at.

Training calls `fold` on the events of all users, serving on those of one: the same numbers by construction.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, Num

from gnn.config import Config
from gnn.features import DAY_US, clock_and_span, predicted_type
from graph.snapshot import Events, Snapshot

# A message never vanishes altogether: a history edge keeps at least this weight.
_FLOOR = 1e-3
_CONTEXTS = 8

# What a message carries for an event of each type; any other type is attention.
_WEIGHTS = {"return": -1.0, "dismiss": 0.0, "not_interested": 0.0}
_ATTENTION = 0.3
_LEVELS = 8


@dataclass(frozen=True, slots=True)
class Trait:
    """How an attribute of users becomes numbers."""

    name: str
    kind: str
    """ordinal, numeric or categorical."""
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scheme:
    """How events are read: fixed when a model is trained, kept in its manifest; K event types, H heads."""

    event_types: tuple[str, ...]
    target: int
    """Row of the predicted type in `event_types`; -1 when there are no types."""
    type_weights: tuple[float, ...]
    """What one event of each type adds to a message."""
    contexts: tuple[str, ...]
    """Channels, devices, campaigns: the most frequent ones."""
    half_lives_days: tuple[float, ...]
    """Long, middle and short; infinite without times."""
    head_half_lives_days: tuple[float, ...]
    """One per head."""
    clock: int
    """The model's present, microseconds UTC: events after it have no age, so an old model stays in its own time."""
    timed: bool
    """Whether the events differ in time."""
    traits: tuple[Trait, ...]

    @property
    def edge_names(self) -> tuple[str, ...]:
        """Names of the features of a history edge, F of them."""
        others = [name for k, name in enumerate(self.event_types) if k != self.target]
        return (
            *("days", "days_long", "days_middle", "days_short", "age", "target_age", "overdue", "rhythm"),
            *("quantity", "value", "valued"),
            *(f"{prefix}_{name}" for name in others for prefix in ("count", "recent")),
            *(f"in_{name}" for name in self.contexts),
        )


@dataclass(frozen=True, slots=True)
class Edges:
    """History edges, sorted by user, then item; N edges."""

    user: Int64[np.ndarray, "N"]
    item: Int64[np.ndarray, "N"]
    base: Float64[np.ndarray, "N H"]
    """Weight of the message before any attention is learned: log of 1 + decayed events, per head."""
    features: Float64[np.ndarray, "N F"]
    """In the order of `Scheme.edge_names`; not standardised."""
    days: Float64[np.ndarray, "N"]
    """Distinct days with the target type; 0 for mere attention."""
    days_decayed: Float64[np.ndarray, "N 3"]
    """The same, decayed with each of the three half-lives."""

    def __len__(self) -> int:
        return len(self.item)


def make_scheme(snapshot: Snapshot, *, heads: int, timed: bool = True, target: str = "") -> Scheme:
    """Derive how the events of this snapshot are to be read; half-lives are fractions of the time that they span."""
    events = snapshot.events
    clock, span = clock_and_span(snapshot)
    timed = timed and span > 0
    chosen = predicted_type(snapshot, target)
    days = tuple(max(span * share / DAY_US, 1 / 24) if timed else math.inf for share in (1 / 3, 1 / 6, 1 / 12))
    per_head = (math.inf, days[0], days[2], days[1])
    seen = np.bincount(events.context[events.context >= 0], minlength=len(snapshot.contexts))
    frequent = [int(c) for c in np.argsort(-seen, kind="stable")[:_CONTEXTS] if seen[c]]
    return Scheme(
        event_types=snapshot.event_types,
        target=chosen,
        type_weights=tuple(
            1.0 if k == chosen else _WEIGHTS.get(name, _ATTENTION) for k, name in enumerate(snapshot.event_types)
        ),
        contexts=tuple(snapshot.contexts[c] for c in sorted(frequent)),
        half_lives_days=days,
        head_half_lives_days=tuple(per_head[h % 4] for h in range(heads)),
        clock=clock,
        timed=timed,
        traits=tuple(
            Trait(name, attribute.kind, attribute.levels)
            for name, attribute in snapshot.attributes.items()
            if attribute.kind != "categorical" or len(attribute.levels) <= _LEVELS
        ),
    )


def scheme_of(snapshot: Snapshot, config: Config) -> Scheme:
    """Return how the events of this snapshot are read with these settings."""
    return make_scheme(snapshot, heads=config.heads, timed=config.time, target=config.target)


def fold(
    scheme: Scheme,
    *,
    user: Num[np.ndarray, "E"],
    item: Num[np.ndarray, "E"],
    type: Num[np.ndarray, "E"],  # noqa: A002 - the column's name
    at: Int64[np.ndarray, "E"],
    quantity: Num[np.ndarray, "E"],
    value: Num[np.ndarray, "E"],
    context: Num[np.ndarray, "E"],
    now: int,
) -> Edges:
    """Fold events into history edges as they stand at `now`.

    `type` and `context` count in the scheme's own lists (-1: unknown to it, which then only says that something
    happened). Several events of one type on one day count once.
    """
    H, F = len(scheme.head_half_lives_days), len(scheme.edge_names)
    if not len(user):
        empty = np.zeros(0, np.int64)
        return Edges(empty, empty, np.zeros((0, H)), np.zeros((0, F)), np.zeros(0), np.zeros((0, 3)))
    kind = type.astype(np.int64)
    age = np.maximum(np.minimum(now, scheme.clock) - at, 0) / DAY_US if scheme.timed else np.zeros(len(at))
    pair = user.astype(np.int64) * (int(item.max()) + 1) + item
    order = np.lexsort((at, kind, pair))
    pair, kind, age, at = pair[order], kind[order], age[order], at[order]
    day = at // DAY_US
    starts_pair = np.concatenate(([True], pair[1:] != pair[:-1]))
    starts_day = starts_pair | np.concatenate(([True], (kind[1:] != kind[:-1]) | (day[1:] != day[:-1])))
    start = np.flatnonzero(starts_pair)
    per_edge = np.diff(np.append(start, len(pair)))

    def total(values: Float64[np.ndarray, "E"]) -> Float64[np.ndarray, "N"]:
        return np.add.reduceat(values, start)

    counted = starts_day.astype(np.float64)
    is_target = kind == scheme.target
    bought = counted * is_target
    weight = np.array([*scheme.type_weights, 0.0])[kind] * counted
    decays = {life: _decay(age, life) for life in {*scheme.half_lives_days, *scheme.head_half_lives_days}}
    base = np.stack([total(weight * decays[life]) for life in scheme.head_half_lives_days], axis=1)
    days = total(bought)
    days_decayed = np.stack([total(bought * decays[life]) for life in scheme.half_lives_days], axis=1)

    last = np.minimum.reduceat(age, start)
    target_last = np.minimum.reduceat(np.where(is_target, age, np.inf), start)
    target_first = np.maximum.reduceat(np.where(is_target, age, -np.inf), start)
    unit = scheme.half_lives_days[2] if scheme.timed else 1.0
    has_target = days > 0
    again = days > 1
    safe_last = np.where(has_target, target_last, 0.0)
    interval = np.where(again, (np.where(has_target, target_first, 0.0) - safe_last) / np.maximum(days - 1, 1), 0.0)
    overdue = np.where(again, np.clip(np.log((safe_last + 1) / (interval + 1)), -3.0, 3.0), 0.0)
    rhythm = np.where(again, np.log1p(interval / unit), 0.0)

    pieces = quantity[order].astype(np.float64)
    has_pieces = is_target & (pieces > 0)
    piece_mean = total(np.where(has_pieces, pieces, 0.0)) / np.maximum(total(has_pieces.astype(np.float64)), 1)
    opinion = value[order].astype(np.float64)
    has_opinion = np.isfinite(opinion)
    opinions = total(has_opinion.astype(np.float64))
    opinion_mean = total(np.where(has_opinion, opinion, 0.0)) / np.maximum(opinions, 1)

    columns = [np.log1p(days), *np.log1p(days_decayed).T, np.log1p(last / unit)]
    columns += [np.log1p(safe_last / unit), overdue, rhythm, np.log1p(piece_mean), opinion_mean, np.log1p(opinions)]
    for k in range(len(scheme.event_types)):
        if k != scheme.target:
            of_kind = counted * (kind == k)
            columns += [np.log1p(total(of_kind)), np.log1p(total(of_kind * decays[scheme.half_lives_days[1]]))]
    where = context[order]
    columns += [total((where == c).astype(np.float64)) / per_edge for c in range(len(scheme.contexts))]
    first = order[start]
    return Edges(
        user=user[first].astype(np.int64),
        item=item[first].astype(np.int64),
        base=np.log1p(np.maximum(base, _FLOOR)),
        features=np.stack(columns, axis=1),
        days=days,
        days_decayed=days_decayed,
    )


def fold_snapshot(scheme: Scheme, snapshot: Snapshot) -> Edges:
    """Fold all events of a snapshot, as they stand at its moment."""
    events = snapshot.events
    return fold(
        scheme,
        user=events.user,
        item=events.item,
        type=events.type,
        at=events.at,
        quantity=events.quantity,
        value=events.value,
        context=recode_contexts(scheme, snapshot.contexts, events),
        now=snapshot.at,
    )


def recode_contexts(scheme: Scheme, contexts: tuple[str, ...], events: Events) -> Int64[np.ndarray, "E"]:
    """Return the events' contexts as rows of the scheme's own list; -1 for those that it left out."""
    known = {name: row for row, name in enumerate(scheme.contexts)}
    table = np.array([*(known.get(name, -1) for name in contexts), -1], np.int64)
    return table[events.context]


def _decay(age_days: Float64[np.ndarray, "E"], half_life_days: float) -> Float64[np.ndarray, "E"]:
    return np.ones_like(age_days) if math.isinf(half_life_days) else np.exp2(-age_days / half_life_days)
