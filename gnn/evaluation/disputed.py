"""How many of the reasons that are told turn out to be disputed: what those who dispute say of their own lists."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gnn import explain, ranking
from gnn.artefact import Artefact
from gnn.output import Users
from gnn.paths import Dispute, dispute_of
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


def measure(
    artefact: Artefact, snapshot: Snapshot, disputes: Mapping[str, frozenset[Dispute]], items: int
) -> Disputed | None:
    """Count over the first `items` of each list; None where nobody of the snapshot disputes anything."""
    row = {name: user for user, name in enumerate(snapshot.user_ids)}
    known = {name: ways for name, ways in disputes.items() if name in row and ways}
    if not known:
        return None
    users = Users(artefact, snapshot)
    told = disputed = 0
    for name, ways in known.items():
        history, attributes = users.history(row[name]), users.attributes(row[name])
        ranked = ranking.rank(artefact, history, now=snapshot.at, k=items, attributes=attributes)
        found = explain.explain_many(artefact, history, ranked.item.tolist(), now=snapshot.at, attributes=attributes)
        reasons = [part for one in found for part in one.contributions[:TOLD]]
        told += len(reasons)
        disputed += sum(dispute_of(part.kind, part.path) in ways for part in reasons)
    kinds = Counter(way.kind.value for ways in known.values() for way in ways)
    return Disputed(
        users=len(known),
        of_users=len(snapshot.user_ids),
        disputes=kinds.total(),
        told=told,
        disputed=disputed,
        by_kind=dict(kinds.most_common()),
    )
