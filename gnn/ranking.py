"""Ranks items for one user at request time: numpy alone, a few milliseconds, no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import repeat
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float64, Int16, Int32, Int64

from gnn import changes, disputes, diversity, filters, reach, scan, scorer
from gnn.artefact import Artefact
from gnn.changes import ItemChange
from gnn.filters import EVERYTHING, Added, Mode, Query
from gnn.paths import Dispute
from gnn.scorer import Attributes, Columns, Messages
from graph.schema import FEEDBACK

__all__ = [
    "EVERYTHING",
    "Added",
    "History",
    "Mode",
    "Pass",
    "Query",
    "Ranked",
    "Scored",
    "counts_as_bought",
    "forward",
    "history",
    "rank",
    "score",
]


# What people do with an item on the way to buying it, the strongest sign last.
_STRONGER = ("view", "click", "cart")


@dataclass(frozen=True, slots=True)
class History:
    """A user's events in the artefact's own numbers, in any order; n events."""

    item: Int32[np.ndarray, "n"]
    type: Int16[np.ndarray, "n"]
    """Row in `Artefact.event_types`; -1 for a type that the model does not know."""
    at: Int64[np.ndarray, "n"]
    """Microseconds UTC."""
    quantity: Float64[np.ndarray, "n"]
    amount: Float64[np.ndarray, "n"]
    value: Float64[np.ndarray, "n"]
    context: Int16[np.ndarray, "n"]
    """Row in `Scheme.contexts`; -1 for none or an unknown one."""
    bought: Bool[np.ndarray, "n"]
    """Whether the event is a purchase (or of the predicted type)."""
    disputed: frozenset[Dispute] = frozenset()
    """Ways that the user does not want used: they are in no score and in no explanation."""

    def __len__(self) -> int:
        return len(self.item)

    def only(self, kept: Bool[np.ndarray, "n"]) -> "History":
        """Return these events alone."""
        return replace(self, **{name: getattr(self, name)[kept] for name in _OF_EVENTS})

    def beside(self, older: "History") -> "History":
        """Return the events of both, with what is disputed here."""
        columns = {name: np.concatenate([getattr(self, name), getattr(older, name)]) for name in _OF_EVENTS}
        return replace(self, **columns)

    def columns(self) -> Columns:
        """Return the columns that the scorer folds."""
        return Columns(self.item, self.type, self.at, self.quantity, self.amount, self.value, self.context)


_OF_EVENTS = tuple(part.name for part in fields(History) if part.name != "disputed")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A list, best first; ties by row."""

    item: Int32[np.ndarray, "K"]
    """Row in `Artefact.item_ids`."""
    score: Float64[np.ndarray, "K"]
    """The network's score and what the query added; diversity and pins move an item without changing it."""
    added: Mapping[Added, Float64[np.ndarray, "K"]] = field(default_factory=lambda: MappingProxyType({}))
    """The parts of the score that are not the network's."""


def history(
    artefact: Artefact,
    item_ids: Sequence[str],
    types: Sequence[str],
    at: Sequence[int],
    quantity: Sequence[float | None],
    amount: Sequence[float | None],
    value: Sequence[float | None],
    context: Sequence[str | None],
    disputed: frozenset[Dispute] = frozenset(),
) -> History:
    """Return a user's events in the artefact's numbers; feedback, and what is about unknown items, is dropped.

    An event of a common type that the model has never seen counts as the next stronger type that it knows: in a shop
    that had only purchases until now, a view counts as one.
    """
    rows = np.fromiter(map(artefact.item_index.get, item_ids, repeat(-1)), np.int32, len(item_ids))
    # A history has few types: what each means is looked up once.
    names = list(dict.fromkeys(types))
    place = {name: n for n, name in enumerate(names)}
    which = np.fromiter(map(place.__getitem__, types), np.intp, len(types))
    kept = (rows >= 0) & np.array([name not in FEEDBACK for name in names], np.bool_)[which]
    kinds = _kinds(artefact)
    contexts: dict[str | None, int] = {name: k for k, name in enumerate(artefact.scheme.contexts)}
    return History(
        item=rows[kept],
        type=np.array([kinds.get(name, -1) for name in names], np.int16)[which][kept],
        at=np.array(at, np.int64)[kept],
        quantity=_numbers(quantity)[kept],
        amount=_numbers(amount)[kept],
        value=_numbers(value)[kept],
        context=np.fromiter(map(contexts.get, context, repeat(-1)), np.int16, len(context))[kept],
        bought=counts_as_bought(artefact, names)[which][kept],
        disputed=disputed,
    )


def _kinds(artefact: Artefact) -> dict[str, int]:
    """Return event type -> row of the artefact, also for types of `_STRONGER` that it has not seen."""
    kinds = {name: k for k, name in enumerate(artefact.event_types)}
    stronger = kinds.get("purchase", artefact.scheme.target)
    for name in reversed(_STRONGER):
        stronger = kinds.setdefault(name, stronger)
    return kinds


def counts_as_bought(artefact: Artefact, types: Sequence[str]) -> Bool[np.ndarray, "n"]:
    """Return which event types mean that the user has the item: purchase, and whatever the artefact predicts."""
    target = artefact.event_types[artefact.scheme.target] if artefact.scheme.target >= 0 else "purchase"
    return np.array([name in ("purchase", target) for name in types], np.bool_)


@dataclass(frozen=True, slots=True)
class Pass:
    """What the network says of a user before anything is asked of a list: all lists of one request share it."""

    sent: Messages
    items: Int64[np.ndarray, "P"]
    """Rows of the candidates; of those that can be reached, where there are too many (`gnn.reach`)."""
    score: Float64[np.ndarray, "P"]
    """Exact where it is settled."""
    slack: float
    """How far others may be from exact."""
    settled: Bool[np.ndarray, "P"]
    disputed: frozenset[Dispute] = frozenset()
    """Ways that are in none of these scores."""

    def settle(self, artefact: Artefact, places: Int64[np.ndarray, "*N"]) -> None:
        """Make the scores of these candidates exact. `artefact`: the one that the pass was made with."""
        new = places[~self.settled[places]]
        if len(new):
            self.score[new] = _scores(artefact, self.sent, self.disputed, self.items[new])
            self.settled[new] = True


@dataclass(frozen=True, slots=True)
class Scored:
    """All that a list could hold, with scores: lists of any length are cut from it."""

    artefact: Artefact
    """With what was changed of items."""
    query: Query
    items: Int64[np.ndarray, "P"]
    """Rows of the artefact, ascending."""
    score: Float64[np.ndarray, "P"]
    """Exact for what `best`, `of` and `place` have answered about."""
    added: Mapping[Added, Float64[np.ndarray, "P"]]
    left: Int64[np.ndarray, "L"]
    """Places in `items` of those that the list may hold."""
    passed: Pass | None = None
    """Where the scores are from, if they are not exact yet."""
    unchanged: Artefact | None = None
    """The artefact of the pass."""
    own: Bool[np.ndarray, "P"] | None = None
    """Which scores are exact and not those of the pass."""
    _cut: dict[int, Ranked] = field(default_factory=dict[int, Ranked], repr=False)

    def best(self, k: int) -> Ranked:
        """Return the `k` best that the list may hold; fewer when there are fewer, none for `k` of 0 or less."""
        if k not in self._cut:
            self._cut[k] = self._ranked(k)
        return self._cut[k]

    def _ranked(self, k: int) -> Ranked:
        """Rank them, whatever was asked before."""
        query, left = self.query, self.left
        k = max(0, min(k, len(left)))
        whole = query.diversity > 0 or query.per_category is not None or query.pins
        if self.passed and k:
            # What cannot be among the best, however it was rounded, need not be known exactly.
            deep = min(len(left), max(k, diversity.POOL) if whole else k)
            score = self.score[left]
            least = np.partition(score, len(left) - deep)[len(left) - deep]
            near = left[score >= least - 2 * self.passed.slack]
            self._settle(near)
            left = left if whole else near
        order = _best(self.score, left, len(left) if whole else k)
        pinned = _pinned(self.artefact, query, self.items[left])
        shown = diversity.arrange(self.artefact, self.items[order], self.score[order], k, query, pinned)
        rows = np.searchsorted(self.items, shown)
        self._settle(rows)
        return Ranked(shown.astype(np.int32), self.score[rows], {kind: part[rows] for kind, part in self.added.items()})

    def settle(self, items: Sequence[int]) -> None:
        """Make exact, at once, all that `of` and `place` look at to answer about these items (rows of the artefact)."""
        places = np.array([place for item in items if (place := self._place(item)) is not None], np.int64)
        self._settle(places)
        if self.passed and len(places):
            self._settle(self._near(places))

    def of(self, item: int) -> float | None:
        """Return the score of an item (a row of the artefact); None for one that lists are not made of."""
        place = self._place(item)
        if place is None:
            return None
        self._settle(np.array([place]))
        return float(self.score[place])

    def place(self, item: int) -> int | None:
        """Return an item's place by score, 1 the best, ties by row; None where the list may not hold it."""
        place = self._place(item)
        if place is None or place not in self.left:
            return None
        self.settle((item,))
        others = self.score[self.left]
        return 1 + int((others > self.score[place]).sum() + ((others == self.score[place]) & (self.left < place)).sum())

    def added_to(self, item: int) -> dict[Added, float]:
        """Return the parts of an item's score that are not the network's."""
        place = self._place(item)
        return {} if place is None else {kind: float(part[place]) for kind, part in self.added.items()}

    def _settle(self, places: Int64[np.ndarray, "*N"]) -> None:
        if self.passed is None or self.unchanged is None:
            return
        if self.own is not None:
            places = places[~self.own[places]]
        self.passed.settle(self.unchanged, places)
        self.score[places] = self.passed.score[places]
        for part in self.added.values():
            self.score[places] += part[places]

    def _near(self, places: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "N"]:
        """Return the places of what may really have the score of one of these, all exact, or be on its other side."""
        slack = self.passed.slack if self.passed else 0.0
        marks = np.sort(self.score[places])
        score = self.score[self.left]
        there = np.flatnonzero((score >= marks[0] - slack) & (score <= marks[-1] + slack))
        score = score[there]
        above = np.minimum(np.searchsorted(marks, score), len(marks) - 1)
        gap = np.minimum(np.abs(marks[above] - score), np.abs(score - marks[np.maximum(above - 1, 0)]))
        return self.left[there[gap <= slack]]

    def _place(self, item: int) -> int | None:
        place = int(np.searchsorted(self.items, item))
        return place if place < len(self.items) and self.items[place] == item else None


def forward(artefact: Artefact, history: History, *, now: int, attributes: Attributes | None = None) -> Pass:
    """Let the network score all candidates for a user."""
    sent = scorer.messages(artefact, history.columns(), now, attributes or {})
    items = artefact.state.candidates
    if len(items) > reach.FEW:
        there = reach.places(artefact.state, artefact.matrices, artefact.reach, sent.edges, sent.weight)
        items = items[there]
    found, slack, exact = scan.scan(artefact, sent, items)
    if history.disputed:
        found = found - disputes.parts(artefact, sent, history.disputed, items)
    return Pass(sent, items, found, slack, exact, history.disputed)


def _scores(
    artefact: Artefact, sent: Messages, disputed: frozenset[Dispute], items: Int64[np.ndarray, "P"]
) -> Float64[np.ndarray, "P"]:
    found = scorer.scores(artefact, sent, items)
    return found - disputes.parts(artefact, sent, disputed, items) if disputed else found


def score(
    artefact: Artefact,
    history: History,
    *,
    now: int,
    query: Query = EVERYTHING,
    attributes: Attributes | None = None,
    items: Mapping[str, ItemChange] = changes.NOTHING,
    given: Pass | None = None,
) -> Scored:
    """Score all candidates for a user, and say which of them the list may hold.

    With `Query.only` those items are scored, candidates or not. `items`: what is taken to be different of them, by id.
    `given`: what `forward` found for the same user and moment.
    """
    passed: Pass | None = None
    own: Bool[np.ndarray, "P"] | None = None
    unchanged = artefact
    bought = np.zeros(len(artefact.item_ids), np.bool_)
    bought[history.item[history.bought]] = True
    if query.only is None and not _narrow(artefact, query, bought):
        passed = given or forward(artefact, history, now=now, attributes=attributes)
        sent, rows, found = passed.sent, passed.items, passed.score
        artefact = changes.applied(artefact, items)
        if other := sorted({artefact.item_index[name] for name in items if name in artefact.item_index}):
            own = np.isin(rows, other)
            found = found.copy()
            found[own] = _scores(artefact, sent, history.disputed, rows[own])
    else:
        sent = given.sent if given else scorer.messages(artefact, history.columns(), now, attributes or {})
        artefact = changes.applied(artefact, items)
        rows = artefact.state.candidates
        if query.only is not None:
            rows = np.flatnonzero(filters.named(artefact, query.only))
        else:
            rows = rows[filters.allowed(artefact, query, rows, bought)]
        found = _scores(artefact, sent, history.disputed, rows)
    added = filters.added(artefact, query, rows, sent.level)
    for part in added.values():
        found = found + part
    left = np.flatnonzero(filters.allowed(artefact, query, rows, bought))
    if passed is None or passed.slack == 0.0:
        return Scored(artefact, query, rows, found, added, left)
    return Scored(artefact, query, rows, found, added, left, passed, unchanged, own)


def _narrow(artefact: Artefact, query: Query, bought: Bool[np.ndarray, "I"]) -> bool:
    """Whether a shop has too many items to score all, and the list may hold so few that these can be."""
    rows = artefact.state.candidates
    if len(rows) <= reach.FEW:
        return False
    return bool(filters.allowed(artefact, query, rows, bought).sum() <= reach.FEW)


def rank(
    artefact: Artefact,
    history: History,
    *,
    now: int,
    k: int,
    query: Query = EVERYTHING,
    attributes: Attributes | None = None,
) -> Ranked:
    """Return the `k` best candidates for a user; see `score` and `Scored.best`."""
    return score(artefact, history, now=now, query=query, attributes=attributes).best(k)


def _best(score: Float64[np.ndarray, "P"], left: Int64[np.ndarray, "L"], k: int) -> Int64[np.ndarray, "K"]:
    """Return the `k` places of `left` with the highest scores, best first; ties by place."""
    if 0 < k < len(left):
        # All that tie with the last one stay in, so that ties break by place and not by chance.
        least = np.partition(score[left], len(left) - k)[len(left) - k]
        left = left[score[left] >= least]
    return left[np.lexsort((left, -score[left]))[:k]]


def _pinned(artefact: Artefact, query: Query, items: Int64[np.ndarray, "L"]) -> Int64[np.ndarray, "R"]:
    rows = [artefact.item_index[name] for name in dict.fromkeys(query.pins) if name in artefact.item_index]
    found = np.array(rows, np.int64)
    # Asked of nothing, `isin` sorts all items all the same.
    return found[np.isin(found, items)] if rows else found


def _numbers(values: Sequence[float | None]) -> Float64[np.ndarray, "n"]:
    return np.array(values, np.float64)  # None becomes nan
