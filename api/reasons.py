"""Contributions as a person can read them: at most a handful. How they are told is `api.sentences`.

The sum is kept: what is not told one by one is told as one rest.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64, Int64

from gnn.explain import Contribution, Explained, Kind, Rest, Step, largest
from gnn.filters import Added
from graph.explore import UserRow

MOST = 5
"""Most reasons told one by one."""

# Below this share of everything that moved the score, a reason is not worth a sentence of its own.
_SMALL = 0.01

NOTHING = Rest()

_Sums = dict[tuple[Kind | Added, tuple[Step, ...]], float]

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
    strongest = sorted(_summed(contributions).items(), key=lambda one: -abs(one[1]))
    least = _SMALL * (sum(abs(value) for _, value in strongest) + beside.size)
    told = [
        Reason(kind, value, path) for (kind, path), value in strongest[:most] if abs(value) >= least and value != 0.0
    ]
    rest = [one for one in strongest[len(told) :] if one[1] != 0.0]
    count = len(rest) + beside.count
    if rest and count == 1 and len(told) < most:
        (kind, path), value = rest[0]
        told.append(Reason(kind, value, path))
    elif count:
        told.append(Reason(None, sum(value for _, value in rest) + beside.value, (), count))
    return told


def _summed(contributions: Sequence[Contribution], added: Mapping[Added, float] = MappingProxyType({})) -> _Sums:
    """Return one value per kind and path, and one for each part that the request added."""
    sums: _Sums = {}
    for kind, value, path in contributions:
        key = kind, path
        sums[key] = sums.get(key, 0.0) + value
    for kind, value in added.items():
        if value != 0.0:
            sums[kind, ()] = value
    return sums


def _moves(before: _Sums, after: _Sums, beside: tuple[Rest, Rest], most: int) -> list[tuple[Reason, Reason]]:
    """Return the `most` reasons whose value changed most, each before and after, then the rest as one pair.

    The values of each side sum to that of the input; a reason that one side lacks is 0 there. `beside`: what changed
    too little to be among those told, which goes to the rest.
    """
    pairs = [(key, before.get(key, 0.0), value) for key, value in after.items()]
    pairs += [(key, value, 0.0) for key, value in before.items() if key not in after]
    pairs.sort(key=lambda pair: -abs(pair[2] - pair[1]))
    chosen = [pair for pair in pairs[:most] if abs(pair[2] - pair[1]) > _EQUAL]
    told = [(Reason(kind, one, path), Reason(kind, other, path)) for (kind, path), one, other in chosen]
    rest = pairs[len(told) :]
    count = len(rest) + max(one.count for one in beside)
    if count:
        sums = (sum(pair[1] for pair in rest) + beside[0].value, sum(pair[2] for pair in rest) + beside[1].value)
        told.append((Reason(None, sums[0], (), count), Reason(None, sums[1], (), count)))
    return told


def between(
    before: Sequence[Explained],
    after: Sequence[Explained],
    added: Sequence[tuple[Mapping[Added, float], Mapping[Added, float]]],
    *,
    same_item: bool = True,
    most: int = MOST,
) -> list[list[tuple[Reason, Reason]]]:
    """Return of each pair of scores the `most` reasons whose value differs most, each on both sides, then the rest.

    All of one side are of one history. The values of each side sum to its score. `added`: what the request added to
    each. Without `same_item` the item that paths lead to is left out of them, so that those of two items can be told
    as the same.
    """
    if not before:
        return []
    items = np.union1d(before[0].item, after[0].item)
    sides = _Side.of(before, items), _Side.of(after, items)
    moved = sides[1].spread(len(items)) - sides[0].spread(len(items))
    # Only what can be told is looked at one by one.
    chosen = largest(moved, most)
    rest = np.ones(moved.shape, np.bool_)
    np.put_along_axis(rest, chosen, values=False, axis=1)
    # Both sides sum up the same items, also where one of them says nothing of some.
    there = np.zeros(moved.shape, np.bool_)
    for side in sides:
        there[:, side.places] |= side.added != 0.0
    counts = (there & rest).sum(axis=1).tolist()
    rests = [(side.added * rest[:, side.places]).sum(axis=1).tolist() for side in sides]
    at = [side.at(chosen, len(items)) for side in sides]
    found: list[list[tuple[Reason, Reason]]] = []
    for n, count in enumerate(counts):
        sums: list[_Sums] = []
        for side, one in enumerate((before[n], after[n])):
            told = _summed(one.at([place for place in at[side][n] if place >= 0]), added[n][side])
            sums.append(told if same_item else {(kind, path[:-1]): value for (kind, path), value in told.items()})
        beside = Rest(rests[0][n], count=count), Rest(rests[1][n], count=count)
        found.append(_moves(sums[0], sums[1], beside, most))
    return found


@dataclass(frozen=True, slots=True)
class _Side:
    """What the items of one history add to P scores, and where these N items stand among those of two histories."""

    added: Float64[np.ndarray, "P N"]
    places: Int64[np.ndarray, "N"]

    @staticmethod
    def of(explained: Sequence[Explained], items: Int64[np.ndarray, "U"]) -> "_Side":
        return _Side(np.stack([one.added for one in explained]), np.searchsorted(items, explained[0].item))

    def spread(self, count: int) -> Float64[np.ndarray, "P U"]:
        """Return the same for the items of both histories; 0 for those that this one lacks."""
        found = np.zeros((len(self.added), count))
        found[:, self.places] = self.added
        return found

    def at(self, chosen: Int64[np.ndarray, "P K"], count: int) -> list[list[int]]:
        """Return where the chosen items of both histories stand in this one; -1 for those that it lacks."""
        place = np.full(count, -1, np.int64)
        place[self.places] = np.arange(len(self.places))
        return place[chosen].tolist()


def with_added(told: Sequence[Reason], added: Mapping[Added, float]) -> Sequence[Reason]:
    """Return the model's reasons and what the request added, each added part by itself, where its size puts it."""
    if not any(added.values()):
        return told
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

    def __init__(self, row: UserRow, known: Mapping[str, Past | None] = MappingProxyType({})) -> None:
        """`known`: what has been looked up."""
        self._row = row
        self._known = dict(known)

    def only(self, row: UserRow, gone: Collection[str]) -> "Pasts":
        """Return the same of a history that differs in events with these items alone."""
        return Pasts(row, {item: past for item, past in self._known.items() if item not in gone})

    def about(self, items: Collection[str]) -> "Pasts":
        """Look up several items at once, which takes as long as one of them; return the same."""
        new: dict[str, list[int]] = {item: [] for item in items if item not in self._known}
        if new:
            for place, item in enumerate(self._row.item_ids):
                if item in new:
                    new[item].append(place)
            self._known |= {item: self._past(places) if places else None for item, places in new.items()}
        return self

    def __getitem__(self, item: str) -> Past:
        found = self.about((item,))._known[item]
        if found is None:
            raise KeyError(item)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(self._row.item_ids))

    def __len__(self) -> int:
        return len(set(self._row.item_ids))

    def _past(self, places: Sequence[int]) -> Past:
        row, counts, last = self._row, dict[str, int](), dict[str, int]()
        for place in places:
            kind, at = row.types[place], row.at[place]
            counts[kind] = counts.get(kind, 0) + 1
            last[kind] = max(at, last.get(kind, at))
        return Past(counts, last)
