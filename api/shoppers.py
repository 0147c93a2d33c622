"""Users as requests see them: their newest events, and what follows from these, kept between requests."""

import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from api import reasons
from api.knowledge import Look
from api.reasons import Pasts, Told
from gnn import changes, explain, ranking
from gnn.artefact import Artefact
from gnn.changes import ItemChange
from gnn.paths import Dispute, Kind, Step
from graph.explore import EVENT_COLUMNS, DisputeRow, UserRow

MAX_USERS_KEPT = 256
"""Users whose events, scores and explanations a process keeps between requests."""

ATTRIBUTE = "attr_"


# Editions of the model kept beside each other: the newest, and the one before while lists are paged through.
_VERSIONS = 2
# Explanations kept of a user: a few pages of a few lists.
_EXPLAINED = 200


@dataclass(slots=True)
class Derived:
    """What follows from a user's events and attributes alone: every request that finds the same ones shares it."""

    histories: dict[str, ranking.History] = field(default_factory=dict[str, ranking.History])
    """By edition of the model."""
    passes: dict[tuple[str, int], ranking.Pass] = field(default_factory=dict[tuple[str, int], ranking.Pass])
    """By edition of the model and its present."""
    explained: dict[tuple[str, int, int], explain.Explained] = field(
        default_factory=dict[tuple[str, int, int], explain.Explained]
    )
    """By the same, and the item's row."""
    told: dict[tuple[str, int, int], Told] = field(default_factory=dict[tuple[str, int, int], Told])
    """What of it people are told."""
    scored: tuple[tuple[str, int, ranking.Query], ranking.Scored] | None = None
    """By the same and what was asked of the list: the one that was asked for last."""
    pasts: Pasts | None = None
    newer: int = 0
    """So many of the events, the first ones, are not in `older`."""
    older: Mapping[str, ranking.History] = field(default_factory=dict[str, ranking.History])
    """Histories of all other events."""
    shown: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    """What the last page was made of, by kind of node, as arguments of `Loaders.load`."""


@dataclass(slots=True)
class Shopper:
    """A user as one request sees it."""

    row: UserRow
    now: int
    """The request's present, microseconds UTC: lists and explanations of one request agree on it."""
    items: Mapping[str, ItemChange] = field(default_factory=lambda: changes.NOTHING)
    """What is taken to be different of items, by external id (`api.what_if`)."""
    derived: Derived = field(default_factory=Derived)

    @property
    def newest(self) -> int:
        """When the newest of its events was recorded: what a later page of the same list goes back to."""
        return max(self.row.recorded, default=0)

    def at(self, now: int, seen: int) -> "Shopper":
        """Return the user as a list saw it that was begun at `now`, with what had been recorded until `seen`."""
        if now == self.now and seen == self.newest:
            return self
        row = self.row.until(seen)
        if any(one.at > now for one in row.disputes):
            row = replace(row, disputes=tuple(one for one in row.disputes if one.at <= now))
        return Shopper(row, now, self.items, self.derived if row is self.row else Derived())

    def only(self, kept: Sequence[bool]) -> "Shopper":
        """Return the user with these events alone; one entry per event."""
        row = self.row.only(kept)
        if row is self.row:
            return self
        gone = {name for name, stays in zip(self.row.item_ids, kept, strict=True) if not stays}
        derived, mask = Derived(pasts=self.pasts.only(row, gone)), np.array(kept, np.bool_)
        # What each event is to the model has been looked up, unless it does not know some of them.
        derived.histories = {
            edition: history.only(mask)
            for edition, history in self.derived.histories.items()
            if len(history) == len(mask)
        }
        return Shopper(row, self.now, self.items, derived)

    def with_row(self, row: UserRow) -> "Shopper":
        """Return the user with other events or properties."""
        return Shopper(row, self.now, self.items)

    def with_items(self, items: Mapping[str, ItemChange]) -> "Shopper":
        """Return the same user with these items changed: the network need not pass over all others again."""
        return replace(self, items=items)

    @property
    def pasts(self) -> Pasts:
        """What the user did with each item."""
        if self.derived.pasts is None:
            self.derived.pasts = Pasts(self.row)
        return self.derived.pasts

    @property
    def has_power(self) -> bool:
        """Whether anything is known of what the user can and does spend."""
        return self.has_bought or bool(self.attributes)

    @property
    def has_bought(self) -> bool:
        """Whether anything is known of what the user pays."""
        return "purchase" in self.row.types

    @property
    def untold(self) -> frozenset[Kind]:
        """Kinds of reasons that rest on what is not known of the user."""
        known = {Kind.PRICE_FIT: self.has_bought, Kind.PURCHASE_POWER: self.has_power}
        return frozenset(kind for kind, is_known in known.items() if not is_known)

    @property
    def attributes(self) -> Mapping[str, str | float]:
        """What the shop declared about the user, by the shop's own names."""
        found = self.row.properties.items()
        return {name.removeprefix(ATTRIBUTE): value for name, value in found if name.startswith(ATTRIBUTE)}

    def history(self, artefact: Artefact) -> ranking.History:
        """The events as this artefact counts them; items that it does not know are left out."""
        known = self.derived.histories
        if artefact.edition not in known:
            row, older = self.row, self.derived.older.get(artefact.edition)
            new = slice(None if older is None else self.derived.newer)
            found = ranking.history(
                artefact,
                row.item_ids[new],
                row.types[new],
                row.at[new],
                row.quantity[new],
                row.amount[new],
                row.value[new],
                row.context[new],
                disputed=disputed(row.disputes),
            )
            known[artefact.edition] = found.beside(older) if older else found
            _bounded(known, _VERSIONS)
        return known[artefact.edition]

    def forward(self, artefact: Artefact) -> ranking.Pass:
        """What the network says of the user: all lists are cut from it until there are other events."""
        key, known = self._moment(artefact), self.derived.passes
        if key not in known:
            known[key] = ranking.forward(artefact, self.history(artefact), now=self.now, attributes=self.attributes)
            _bounded(known, _VERSIONS)
        return known[key]

    def scored(self, artefact: Artefact, query: ranking.Query) -> ranking.Scored:
        """Score every item: lists of any length are cut from it, the pages of one list from the same."""
        whole = query.only is None
        kept = whole and not self.items
        asked, known = (*self._moment(artefact), query), self.derived.scored
        if kept and known and known[0] == asked:
            return known[1]
        found = ranking.score(
            artefact,
            self.history(artefact),
            now=self.now,
            query=query,
            attributes=self.attributes,
            items=self.items,
            given=self.forward(artefact) if whole else None,
        )
        if kept:
            self.derived.scored = asked, found
        return found

    def explain(self, artefact: Artefact, items: Sequence[int]) -> list[explain.Explained]:
        """Split the scores of these items (rows of the artefact)."""
        moment, known = self._moment(artefact), {} if self.items else self.derived.explained
        new = [item for item in dict.fromkeys(items) if (*moment, item) not in known]
        if new:
            found = explain.explain_many(
                artefact,
                self.history(artefact),
                new,
                now=self.now,
                attributes=self.attributes,
                changed=self.items,
                given=self.forward(artefact).sent,
            )
            known |= {(*moment, item): explained for item, explained in zip(new, found, strict=True)}
        told = [known[*moment, item] for item in items]
        _bounded(known, _EXPLAINED)
        return told

    def told(self, artefact: Artefact, items: Sequence[int]) -> list[Told]:
        """Return what people are told of the scores of these items (rows of the artefact)."""
        moment, known = self._moment(artefact), {} if self.items else self.derived.told
        new = [item for item in dict.fromkeys(items) if (*moment, item) not in known]
        found = self.explain(artefact, new)
        known |= {(*moment, item): reasons.told(explained) for item, explained in zip(new, found, strict=True)}
        said = [known[*moment, item] for item in items]
        _bounded(known, _EXPLAINED)
        return said

    def _moment(self, artefact: Artefact) -> tuple[str, int]:
        # Events after the model's present have no age: most often it is that present, whatever the time of day.
        return artefact.edition, min(self.now, artefact.scheme.clock)


def _bounded(known: dict[Any, Any], most: int) -> None:
    for key in list(known)[:-most]:
        del known[key]


@dataclass(slots=True)
class _Met:
    """A user as it was read last."""

    began: float
    """When its events were read, `time.monotonic`."""
    row: UserRow
    derived: Derived
    look: Look | None
    """Since when the row is true; None where that is in doubt."""


class Shoppers:
    """The users that were asked about last, with all that was derived of them.

    What is kept is never taken for true by itself: each request asks the graph whether it still holds the same events,
    or whether that is known (`api.knowledge`).
    """

    def __init__(self, *, most: int = MAX_USERS_KEPT, age_s: float = 60.0) -> None:
        """`most`: users kept, half a megabyte each; `age_s`: after so long events are read again in any case."""
        self._most, self._age_s = most, age_s
        self._known: OrderedDict[str, _Met] = OrderedDict()

    def known(self, user_id: str) -> UserRow | None:
        """Return what is known of a user, to be compared with the graph."""
        found = self._known.get(user_id)
        return found.row if found and time.monotonic() - found.began < self._age_s else None

    def look(self, user_id: str) -> Look | None:
        """Return since when what is known of a user is true; None where that is in doubt."""
        found = self._known.get(user_id)
        return found.look if found else None

    def doubt(self, user_id: str) -> None:
        """Let the graph be asked for a user in any case: it has been seen to have changed."""
        if found := self._known.get(user_id):
            found.look = None

    def shown(self, user_id: str) -> Mapping[str, Collection[str]]:
        """Return what a user was shown last, as arguments of `Loaders.load`; nothing of one who is not known."""
        found = self._known.get(user_id)
        return found.derived.shown if found else {}

    def met(self, row: UserRow, look: Look, *, known: UserRow | None = None) -> Derived:
        """Take a user as the graph had it after a look; return what is derived of it.

        `known`: what it was compared with, and brought up to date by what was recorded since; None: all of it was read.
        """
        found = self._known.get(row.id)
        if found and found.row is row:
            self._known.move_to_end(row.id)
            found.look = look
            return found.derived
        # Newer events leave the time as it is: it is that of the oldest reading.
        began = found.began if found and known is found.row else time.monotonic()
        # Read again, they may well be the same.
        derived = _derived(found, row) if found else Derived()
        self._known[row.id] = _Met(began, row, derived, look)
        self._known.move_to_end(row.id)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        # Nothing stays of users who are gone, or were erased by another process.
        ended = time.monotonic() - self._age_s
        for name in [name for name, met in self._known.items() if met.began < ended and name != row.id]:
            del self._known[name]
        return derived

    def until(self, user_id: str) -> float:
        """Return until when a user's events are not read again while they look the same (`time.monotonic`)."""
        return self._known[user_id].began + self._age_s

    def forget(self, user_id: str) -> None:
        """Forget a user that the graph no longer holds."""
        self._known.pop(user_id, None)

    def clear(self) -> None:
        """Forget everybody."""
        self._known.clear()


def _derived(found: _Met, row: UserRow) -> Derived:
    """Return what is known to follow from a row, from what followed from the one before."""
    newer = len(row.at) - len(found.row.at)
    # Not every number equals itself: nan is None here.
    if newer < 0 or not all(getattr(row, name)[newer:] == getattr(found.row, name) for name in EVENT_COLUMNS):
        return Derived()
    if not newer and row.properties == found.row.properties and row.disputes == found.row.disputes:
        return found.derived
    # What was looked up of each event stays.
    pasts = found.derived.pasts and found.derived.pasts.only(row, set(row.item_ids[:newer]))
    return Derived(pasts=pasts, newer=newer, older=dict(found.derived.histories))


def disputed(rows: Iterable[DisputeRow]) -> frozenset[Dispute]:
    """Return what a user disputes, in the model's words."""
    return frozenset(
        Dispute(Kind(one.kind), (*([Step("Category", one.within)] if one.within else []), Step(one.label, one.id)))
        for one in rows
    )


def present_us() -> int:
    """Return the present in microseconds UTC; a model of old data keeps its own present (`gnn.history`)."""
    return time.time_ns() // 1_000
