"""Ranks items for one user at request time: numpy alone, a few milliseconds, no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float64, Int16, Int32, Int64

from gnn import diversity, filters, scorer
from gnn.artefact import Artefact
from gnn.filters import EVERYTHING, Added, Mode, Query
from gnn.scorer import Attributes, Columns

__all__ = [
    "EVERYTHING",
    "FEEDBACK",
    "Added",
    "History",
    "Mode",
    "Query",
    "Ranked",
    "counts_as_bought",
    "history",
    "rank",
]


FEEDBACK = frozenset({"dismiss", "not_interested"})
"""Events that say no: attention must not take them for interest."""

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

    def __len__(self) -> int:
        return len(self.item)

    def columns(self) -> Columns:
        """Return the columns that the scorer folds."""
        return Columns(self.item, self.type, self.at, self.quantity, self.amount, self.value, self.context)


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
) -> History:
    """Return a user's events in the artefact's numbers; feedback, and what is about unknown items, is dropped.

    An event of a common type that the model has never seen counts as the next stronger type that it knows: in a shop
    that had only purchases until now, a view counts as one.
    """
    index = artefact.item_index
    rows = np.array([index.get(name, -1) for name in item_ids], np.int32)
    kept = (rows >= 0) & np.array([name not in FEEDBACK for name in types], np.bool_)
    kinds = _kinds(artefact)
    contexts = {name: k for k, name in enumerate(artefact.scheme.contexts)}
    return History(
        item=rows[kept],
        type=np.array([kinds.get(name, -1) for name in types], np.int16)[kept],
        at=np.array(at, np.int64)[kept],
        quantity=_numbers(quantity)[kept],
        amount=_numbers(amount)[kept],
        value=_numbers(value)[kept],
        context=np.array([-1 if name is None else contexts.get(name, -1) for name in context], np.int16)[kept],
        bought=counts_as_bought(artefact, types)[kept],
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


def rank(
    artefact: Artefact,
    history: History,
    *,
    now: int,
    k: int,
    query: Query = EVERYTHING,
    attributes: Attributes | None = None,
) -> Ranked:
    """Return the `k` best candidates for a user; fewer when the query leaves fewer, none for `k` of 0 or less.

    With `Query.only` those items are ranked, candidates or not.
    """
    sent = scorer.messages(artefact, history.columns(), now, attributes or {})
    bought = np.zeros(len(artefact.item_ids), np.bool_)
    bought[history.item[history.bought]] = True
    # The scorer knows the array of all candidates by its identity, and is quicker with it.
    items = artefact.state.candidates if query.only is None else np.flatnonzero(filters.named(artefact, query.only))
    score = scorer.scores(artefact, sent, items)
    added = filters.added(artefact, query, items, sent.level)
    for part in added.values():
        score = score + part
    left = np.flatnonzero(filters.allowed(artefact, query, items, bought))
    k = max(0, min(k, len(left)))
    order = _best(
        score, left, k if query.diversity <= 0 and query.per_category is None and not query.pins else len(left)
    )
    pinned = _pinned(artefact, query, items[left])
    shown = diversity.arrange(artefact, items[order], score[order], k, query, pinned)
    place = np.zeros(len(artefact.item_ids), np.int64)
    place[items] = np.arange(len(items))
    rows = place[shown]
    return Ranked(shown.astype(np.int32), score[rows], {kind: part[rows] for kind, part in added.items()})


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
    return found[np.isin(found, items)]


def _numbers(values: Sequence[float | None]) -> Float64[np.ndarray, "n"]:
    return np.array([np.nan if value is None else value for value in values], np.float64)
