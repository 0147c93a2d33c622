"""Ranks items for one user at request time: numpy alone, a few milliseconds, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float64, Int16, Int32, Int64

from gnn import scorer
from gnn.artefact import Artefact
from gnn.scorer import Attributes, Columns


class Mode(StrEnum):
    """Which items a list may hold."""

    ALL = "all"
    DISCOVER = "discover"
    """Only items that the user never bought."""
    REBUY = "rebuy"
    """Only items that the user bought before."""


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
class Query:
    """What a list is asked to be."""

    mode: Mode = Mode.ALL
    budget: float | None = None
    """No item above this price, nor one whose price is unknown."""
    categories: frozenset[str] | None = None
    """Ids; everything below them counts. Unknown ids hold nothing."""
    exclude: frozenset[str] = frozenset()
    """Item ids; unknown ones are ignored."""
    diversity: float = 0.0
    """0 ranks by score alone; 1 avoids a category that is already in the list as far as it can."""


EVERYTHING = Query()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A list, best first; ties by row."""

    item: Int32[np.ndarray, "K"]
    """Row in `Artefact.item_ids`."""
    score: Float64[np.ndarray, "K"]
    """The network's score, also where diversity moved an item."""


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
    """Return a user's events in the artefact's numbers; events on items that it does not know are dropped."""
    index = artefact.item_index
    rows = np.array([index.get(name, -1) for name in item_ids], np.int32)
    kept = rows >= 0
    kinds = {name: k for k, name in enumerate(artefact.event_types)}
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
    """Return the `k` best candidates for a user; fewer when the query leaves fewer, none for `k` of 0 or less."""
    state = artefact.state
    sent = scorer.messages(artefact, history.columns(), now, attributes or {})
    score = scorer.scores(artefact, sent, state.candidates)
    allowed = np.flatnonzero(_allowed(artefact, history, query))
    k = max(0, min(k, len(allowed)))
    if k == 0:
        return Ranked(np.zeros(0, np.int32), np.zeros(0))
    chosen = score[allowed]
    pool = len(allowed) if query.diversity <= 0 and k == len(allowed) else min(len(allowed), k * 5 + 50)
    wanted = k if query.diversity <= 0 else pool
    if wanted < len(allowed):
        # All that tie with the last one stay in, so that ties break by row and not by chance.
        least = np.partition(chosen, len(chosen) - wanted)[len(chosen) - wanted]
        allowed = allowed[chosen >= least]
        chosen = score[allowed]
    order = np.lexsort((allowed, -chosen))[:wanted]
    best = allowed[order]
    if query.diversity > 0:
        best = _diversify(artefact, best, score, k, query.diversity)
    return Ranked(state.candidates[best].astype(np.int32), score[best])


def _allowed(artefact: Artefact, history: History, query: Query) -> Bool[np.ndarray, "P"]:
    state = artefact.state
    allowed = np.ones(len(state.candidates), np.bool_)
    if query.mode is not Mode.ALL:
        bought = np.zeros(len(state.position), np.bool_)
        bought[history.item[history.bought]] = True
        allowed &= bought[state.candidates] == (query.mode is Mode.REBUY)
    if query.budget is not None:
        # A price that is not known cannot be promised to fit; comparison with nan is false.
        allowed &= state.price[state.candidates] <= query.budget
    if query.categories is not None:
        allowed &= _within(artefact, query.categories)[artefact.item_category[state.candidates]]
    if query.exclude:
        rows = [artefact.item_index[name] for name in query.exclude if name in artefact.item_index]
        positions = state.position[rows] if rows else np.zeros(0, np.int32)
        allowed[positions[positions >= 0]] = False
    return allowed


def _within(artefact: Artefact, categories: frozenset[str]) -> Bool[np.ndarray, "C1"]:
    """Return which categories lie under the named ones; the last entry, for items without one, is false."""
    parent = np.asarray(artefact.category_parent)
    inside = np.zeros(len(parent) + 1, np.bool_)
    rows = [artefact.category_index[name] for name in categories if name in artefact.category_index]
    inside[rows] = True
    for _ in range(len(parent)):
        grown = inside.copy()
        grown[:-1] |= inside[parent]  # a root's parent is -1: the last entry, which stays false
        grown[-1] = False
        if (grown == inside).all():
            break
        inside = grown
    return inside


def _diversify(
    artefact: Artefact,
    best: Int64[np.ndarray, "N"],
    score: Float64[np.ndarray, "P"],
    k: int,
    diversity: float,
) -> Int64[np.ndarray, "K"]:
    """Pick greedily; an item pays for each one of its category that is already in the list."""
    value = score[best]
    shelf = np.asarray(artefact.item_category)[artefact.state.candidates[best]]
    price = diversity * max(float(value[0] - value[-1]), 1e-9)
    standing = value.copy()
    picked: list[int] = []
    for _ in range(min(k, len(best))):
        nearest = int(np.argmax(standing))
        picked.append(nearest)
        standing[nearest] = -np.inf
        if shelf[nearest] >= 0:
            standing[shelf == shelf[nearest]] -= price
    return best[picked]


def _numbers(values: Sequence[float | None]) -> Float64[np.ndarray, "n"]:
    return np.array([np.nan if value is None else value for value in values], np.float64)
