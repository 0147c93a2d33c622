"""How many of the reasons that are told turn out to be disputed: what those who dispute say of their own lists."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gnn import explain, ranking
from gnn.artefact import Artefact
from gnn.output import Users
from gnn.paths import Dispute, dispute_of
from gnn.ranking import History
from graph.snapshot import Snapshot

TOLD = 5
"""Reasons told of one item, as the API does."""


@dataclass(frozen=True, slots=True)
class Disputed:
    """Of the reasons told, by this model and without regard to disputes, to the users who dispute any."""

    users: int
    """Users who dispute any."""
    of_users: int
    """Users of the graph."""
    disputes: int
    told: int
    """The strongest reasons of the first items of their lists."""
    disputed: int
    """Those of them that the same user disputes."""
    by_kind: dict[str, int]
    """Disputes by kind, the most frequent first."""

    @property
    def share(self) -> float:
        """Share of the reasons told that is disputed."""
        return self.disputed / self.told if self.told else 0.0


@dataclass(frozen=True, slots=True)
class Doubter:
    """A user who disputes some of the ways that reasons lead, and what the model knows of the user beside that."""

    ways: frozenset[Dispute]
    history: History
    """Without the disputes: what would be told if there were none."""
    attributes: Mapping[str, str | float]


def measure(
    artefact: Artefact, snapshot: Snapshot, disputes: Mapping[str, frozenset[Dispute]], items: int
) -> Disputed | None:
    """Count over the first `items` of each list; None where nobody of the snapshot disputes anything."""
    row = {name: user for user, name in enumerate(snapshot.user_ids)}
    users = Users(artefact, snapshot)
    doubters = (
        Doubter(ways, users.history(row[name]), users.attributes(row[name]))
        for name, ways in disputes.items()
        if name in row
    )
    return count(artefact, doubters, now=snapshot.at, of_users=len(snapshot.user_ids), items=items)


def count(artefact: Artefact, doubters: Iterable[Doubter], *, now: int, of_users: int, items: int) -> Disputed | None:
    """Count over the first `items` of each doubter's list as of `now`; None where nobody disputes anything."""
    told = disputed = users = 0
    kinds: Counter[str] = Counter()
    for one in doubters:
        if not one.ways:
            continue
        users += 1
        kinds.update(way.kind.value for way in one.ways)
        ranked = ranking.rank(artefact, one.history, now=now, k=items, attributes=one.attributes)
        found = explain.explain_many(artefact, one.history, ranked.item.tolist(), now=now, attributes=one.attributes)
        reasons = [part for explained in found for part in explained.contributions[:TOLD]]
        told += len(reasons)
        disputed += sum(dispute_of(part.kind, part.path) in one.ways for part in reasons)
    if not users:
        return None
    return Disputed(
        users=users,
        of_users=of_users,
        disputes=kinds.total(),
        told=told,
        disputed=disputed,
        by_kind=dict(kinds.most_common()),
    )
