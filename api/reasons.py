"""Contributions as a person can read them: at most a handful. How they are told is `api.sentences`.

The sum is kept: what is not told one by one is told as one rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np

from gnn.explain import Contribution, Explained, Kind, Rest, Step, largest
from gnn.filters import Added
from graph.explore import UserRow

MOST = 5
"""Most reasons told one by one."""

# Below this share of everything that moved the score, a reason is not worth a sentence of its own.
_SMALL = 0.01

NOTHING = Rest()

# Two values of one reason that differ by less differ in the order of additions.
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Reason:
    """One or several contributions that read as one; `kind` is None for the rest."""

    kind: Kind | Added | None
    value: float
    path: tuple[Step, ...] = ()
    count: int = 1
    """How many contributions it sums up."""


@dataclass(frozen=True, slots=True)
class Told:
    """A score and the reasons for it; they sum to it."""

    score: float
    reasons: Sequence[Reason]


def told(explained: Explained, *, most: int = MOST) -> Told:
    """Return what `merge` makes of all contributions, looking only at those that can be told."""
    found, rest = explained.strongest(most + 1)
    return Told(explained.score, merge(found, most=most, beside=rest))


def merge(contributions: Sequence[Contribution], *, most: int = MOST, beside: Rest = NOTHING) -> list[Reason]:
    """Return the `most` strongest reasons, strongest first, then the rest; the values sum to that of the input.

    `beside`: contributions too small to be among the strongest, which go to the rest.
    """
    reasons = sorted(grouped(contributions), key=lambda reason: -abs(reason.value))
    total = sum(abs(reason.value) for reason in reasons) + beside.size
    told = [reason for reason in reasons[:most] if abs(reason.value) >= _SMALL * total and reason.value != 0.0]
    rest = [reason for reason in reasons[len(told) :] if reason.value != 0.0]
    count = len(rest) + beside.count
    if count == 1 and len(told) < most:
        return [*told, *rest]
    if count:
        told.append(Reason(None, sum(reason.value for reason in rest) + beside.value, (), count))
    return told


def grouped(contributions: Sequence[Contribution], added: Mapping[Added, float] = MappingProxyType({})) -> list[Reason]:
    """Return one reason per kind and path, and one for each part that the request added."""
    groups: dict[tuple[Kind, tuple[Step, ...]], float] = {}
    for kind, value, path in contributions:
        groups[kind, path] = groups.get((kind, path), 0.0) + value
    found = [Reason(kind, value, path) for (kind, path), value in groups.items()]
    return found + [Reason(kind, value) for kind, value in added.items() if value != 0.0]


def moves(
    before: Sequence[Reason],
    after: Sequence[Reason],
    *,
    most: int = MOST,
    beside: tuple[Rest, Rest] = (NOTHING, NOTHING),
) -> list[tuple[Reason, Reason]]:
    """Return the `most` reasons whose value changed most, each before and after, then the rest as one pair.

    The values of each side sum to that of the input; a reason that one side lacks is 0 there. `beside`: what changed
    too little to be among those told, which goes to the rest.
    """
    sides = [{(reason.kind, reason.path): reason.value for reason in side} for side in (before, after)]
    keys = dict.fromkeys(key for side in reversed(sides) for key in side)
    pairs = [(key, (sides[0].get(key, 0.0), sides[1].get(key, 0.0))) for key in keys]
    pairs.sort(key=lambda pair: -abs(pair[1][1] - pair[1][0]))
    chosen = [pair for pair in pairs[:most] if abs(pair[1][1] - pair[1][0]) > _EQUAL]
    told = [(Reason(kind, one, path), Reason(kind, other, path)) for (kind, path), (one, other) in chosen]
    rest = pairs[len(told) :]
    count = len(rest) + max(one.count for one in beside)
    if count:
        sums = [sum(both[side] for _, both in rest) + beside[side].value for side in (0, 1)]
        told.append((Reason(None, sums[0], (), count), Reason(None, sums[1], (), count)))
    return told


def between(
    before: Explained,
    after: Explained,
    added: tuple[Mapping[Added, float], Mapping[Added, float]],
    *,
    same_item: bool = True,
    most: int = MOST,
) -> list[tuple[Reason, Reason]]:
    """Return what `moves` makes of all contributions of two scores, looking only at those that can be told.

    `added`: what the request added to each. Without `same_item` the item that paths lead to is left out of them, so
    that those of two items can be told as the same.
    """
    # Both are sorted: merging them is quicker than `union1d`.
    items = np.concatenate((before.item, after.item))
    items.sort(kind="stable")
    new = np.ones(len(items), np.bool_)
    np.not_equal(items[1:], items[:-1], out=new[1:])
    items = items[new]
    moved = np.zeros(len(items))
    moved[np.searchsorted(items, after.item)] = after.added
    moved[np.searchsorted(items, before.item)] -= before.added
    chosen = items[largest(moved, most)]
    sides: list[list[Reason]] = []
    rests: list[Rest] = []
    for explained, extra in zip((before, after), added, strict=True):
        contributions, rest = explained.through(chosen)
        told = grouped(contributions, extra)
        sides.append(told if same_item else [replace(reason, path=reason.path[:-1]) for reason in told])
        # Both sides sum up the same items, also where one of them says nothing of some.
        rests.append(replace(rest, count=len(items) - len(chosen)))
    return moves(sides[0], sides[1], most=most, beside=(rests[0], rests[1]))


def with_added(told: Sequence[Reason], added: Mapping[Added, float]) -> list[Reason]:
    """Return the model's reasons and what the request added, each added part by itself, where its size puts it."""
    rest = [reason for reason in told if reason.kind is None]
    whole = [reason for reason in told if reason.kind is not None]
    whole += [Reason(kind, value) for kind, value in added.items() if value != 0.0]
    return [*sorted(whole, key=lambda reason: -abs(reason.value)), *rest]


@dataclass(frozen=True, slots=True)
class Past:
    """What a user did with one item."""

    counts: Mapping[str, int]
    """Events by type."""
    last_us: Mapping[str, int]
    """The latest event of each type, microseconds UTC."""


class Pasts(Mapping[str, Past]):
    """What a user did with each item of its history: looked up for the few items that are told of."""

    def __init__(self, row: UserRow) -> None:
        self._row = row
        self._known: dict[str, Past] = {}

    @cached_property
    def _places(self) -> Mapping[str, Sequence[int]]:
        """Where the events about each item stand."""
        found: dict[str, list[int]] = {}
        for place, item in enumerate(self._row.item_ids):
            found.setdefault(item, []).append(place)
        return found

    def __getitem__(self, item: str) -> Past:
        if item not in self._known:
            self._known[item] = self._past(self._places[item])
        return self._known[item]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def _past(self, places: Sequence[int]) -> Past:
        row, counts, last = self._row, dict[str, int](), dict[str, int]()
        for place in places:
            kind, at = row.types[place], row.at[place]
            counts[kind] = counts.get(kind, 0) + 1
            last[kind] = max(at, last.get(kind, at))
        return Past(counts, last)
