"""What a model says of everybody: lists for all users, similar items, attention; columns and rows, numpy alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Protocol

import numpy as np
from jaxtyping import Float64, Int32

from gnn import explain, feedback, ranking, scorer
from gnn.artefact import Artefact
from gnn.paths import Dispute, Kind
from gnn.ranking import EVERYTHING, History, Mode, Query
from graph.snapshot import Snapshot

Row = dict[str, str | int | float]
Disputes = Mapping[str, frozenset[Dispute]]
"""The ways that are left out, by the id of the user who disputes them."""
NO_DISPUTES: Disputes = MappingProxyType({})
LISTED = 20
"""Items of a user that are written: the best of its list, and those that its attention rests on most."""
SIMILAR = 10
"""Items that are written as similar to one."""


class Progress(Protocol):
    """Who is told how far it is: the shape that the loaders' progress has."""

    def phase(self, name: str, total: int | None = None) -> None:
        """Say what begins."""
        ...

    def advance(self, n: int) -> None:
        """Say that steps are done."""
        ...


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of all users below each other, users in the snapshot's order, best items first; R rows."""

    user_id: tuple[str, ...]
    item_id: tuple[str, ...]
    rank: Int32[np.ndarray, "R"]
    """1 is the best."""
    score: Float64[np.ndarray, "R"]


class Users:
    """The users of a snapshot as an artefact sees them; the artefact may be of an older snapshot."""

    def __init__(self, artefact: Artefact, snapshot: Snapshot, disputes: Disputes = NO_DISPUTES) -> None:
        self.artefact = artefact
        self.snapshot = snapshot
        self._disputes = disputes
        rows = artefact.item_index
        types = {name: k for k, name in enumerate(artefact.event_types)}
        contexts = {name: k for k, name in enumerate(artefact.scheme.contexts)}
        self._item = np.array([rows.get(name, -1) for name in snapshot.item_ids], np.int32)
        self._type = np.array([types.get(name, -1) for name in snapshot.event_types], np.int16)
        # One more entry, for events without a context (-1).
        self._context = np.array([*(contexts.get(name, -1) for name in snapshot.contexts), -1], np.int16)
        self._says = np.array([name in feedback.SAYS for name in snapshot.event_types], np.bool_)
        self._bought = ranking.counts_as_bought(artefact, snapshot.event_types)
        self._start = np.searchsorted(snapshot.events.user, np.arange(len(snapshot.user_ids) + 1))

    def history(self, user: int) -> History:
        """Return the events of one user (a row of the snapshot), and what it disputes."""
        events = self.snapshot.events
        rows = np.arange(self._start[user], self._start[user + 1])
        rows = rows[self._item[events.item[rows]] >= 0]
        return History(
            item=self._item[events.item[rows]],
            type=self._type[events.type[rows]],
            at=events.at[rows],
            quantity=events.quantity[rows].astype(np.float64),
            amount=events.amount[rows],
            value=events.value[rows].astype(np.float64),
            context=self._context[events.context[rows]],
            bought=self._bought[events.type[rows]],
            disputed=self.disputed(user),
        )

    def disputed(self, user: int) -> frozenset[Dispute]:
        """Return the ways that are left out for one user."""
        return self._disputes.get(self.snapshot.user_ids[user], frozenset())

    def passed(self, user: int) -> feedback.Passed:
        """Return what one user passed over, as of the snapshot's moment."""
        events = self.snapshot.events
        low, high = int(self._start[user]), int(self._start[user + 1])
        if not self._says[events.type[low:high]].any():
            return feedback.NOTHING
        rows = np.arange(high - 1, low - 1, -1)  # newest first
        items, types = self.snapshot.item_ids, self.snapshot.event_types
        return feedback.passed(
            self.artefact,
            [items[item] for item in events.item[rows]],
            [types[kind] for kind in events.type[rows]],
            events.at[rows].tolist(),
            self.snapshot.at,
        )

    def gone(self) -> frozenset[str]:
        """Return the candidates that the snapshot no longer holds, or not as available."""
        there = {name for name, has in zip(self.snapshot.item_ids, self.snapshot.item_available, strict=True) if has}
        names = self.artefact.item_ids
        return frozenset(names[item] for item in self.artefact.state.candidates if names[item] not in there)

    def scores(self, user: int) -> Float64[np.ndarray, "P"]:
        """Return how the artefact scores all its candidates for one user, as the API would at the snapshot's moment."""
        return scorer.scores(self.artefact, self.messages(user), self.artefact.state.candidates)

    def messages(self, user: int) -> scorer.Messages:
        """Return what one user's history sends."""
        return scorer.messages(self.artefact, self.history(user).columns(), self.snapshot.at, self.attributes(user))

    def attributes(self, user: int) -> dict[str, str | float]:
        """Return what the shop declared about one user."""
        found: dict[str, str | float] = {}
        for name, attribute in self.snapshot.attributes.items():
            value = float(attribute.values[user])
            if not np.isnan(value):
                found[name] = attribute.levels[int(value)] if attribute.levels else value
        return found


def lists(
    artefact: Artefact,
    snapshot: Snapshot,
    *,
    k: int,
    query: Query = EVERYTHING,
    disputes: Disputes = NO_DISPUTES,
    progress: Progress | None = None,
) -> Lists:
    """Rank for every user of the snapshot, as the API would at the snapshot's moment.

    What a user dismissed, and what has left the shop since the model was trained, is on no list; the ways that a user
    disputes are in none of its scores.
    """
    users = Users(artefact, snapshot, disputes)
    query = replace(query, exclude=query.exclude | users.gone())
    user_id: list[str] = []
    ranks: list[np.ndarray] = [np.zeros(0, np.int32)]
    items: list[np.ndarray] = [np.zeros(0, np.int32)]
    scores: list[np.ndarray] = [np.zeros(0)]
    if progress:
        progress.phase("Ranking for every user", len(snapshot.user_ids))
    for user, name in enumerate(snapshot.user_ids):
        ranked = ranking.rank(
            artefact,
            users.history(user),
            now=snapshot.at,
            k=k,
            query=users.passed(user).strictly(query),
            attributes=users.attributes(user),
        )
        user_id += [name] * len(ranked.item)
        ranks.append(np.arange(1, len(ranked.item) + 1, dtype=np.int32))
        items.append(ranked.item)
        scores.append(ranked.score)
        if progress:
            progress.advance(1)
    return Lists(
        user_id=tuple(user_id),
        item_id=tuple(artefact.item_ids[item] for item in np.concatenate(items)),
        rank=np.concatenate(ranks),
        score=np.concatenate(scores),
    )


def recommended(
    artefact: Artefact,
    snapshot: Snapshot,
    *,
    k: int = LISTED,
    mode: Mode = Mode.ALL,
    disputes: Disputes = NO_DISPUTES,
    progress: Progress | None = None,
) -> Iterator[Row]:
    """Yield {user_id, item_id, rank, score} of every user's list."""
    found = lists(artefact, snapshot, k=k, query=Query(mode=mode), disputes=disputes, progress=progress)
    for user, item, rank, score in zip(found.user_id, found.item_id, found.rank, found.score, strict=True):
        yield {"user_id": user, "item_id": item, "rank": int(rank), "score": float(score)}


def similar(artefact: Artefact, *, k: int = SIMILAR) -> Iterator[Row]:
    """Yield {item_id, similar_id, weight}: what each candidate speaks for most."""
    for item in artefact.state.candidates:
        targets, weights = explain.similar(artefact, int(item), k)
        for target, weight in zip(targets, weights, strict=True):
            yield {
                "item_id": artefact.item_ids[item],
                "similar_id": artefact.item_ids[target],
                "weight": float(weight),
            }


def attends(
    artefact: Artefact, snapshot: Snapshot, *, k: int = LISTED, disputes: Disputes = NO_DISPUTES
) -> Iterator[Row]:
    """Yield {user_id, item_id, weight}: the items of its history on which a user's attention rests most.

    An item that a user wants no reasons from is left out: nothing leads through it.
    """
    users = Users(artefact, snapshot, disputes)
    for user, name in enumerate(snapshot.user_ids):
        history = users.history(user)
        unused = {way.via[-1].id for way in history.disputed if way.kind is Kind.ITEM}
        weight = explain.attention(artefact, history, snapshot.at, users.attributes(user))
        items = explain.distinct_items(history)
        best = (n for n in np.lexsort((items, -weight)) if artefact.item_ids[items[n]] not in unused)
        for n in islice(best, k):
            yield {"user_id": name, "item_id": artefact.item_ids[items[n]], "weight": float(weight[n])}
