"""What is held back to be foretold: a period in time; purchases drawn at random where there is no time; given pairs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Int, Int64

from gnn.features import predicted_type
from graph.snapshot import Snapshot

_SALT = 7919


class HeldOut(Protocol):
    """A past, and what is to be foretold from it. Hashable: the same one is laid out once."""

    @property
    def key(self) -> int:
        """A number of its own, for what is drawn at random about it."""
        ...

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    def past(self, snapshot: Snapshot, *, announced: bool = False) -> Snapshot:
        """Return what may be known, with the promotions announced for the time to foretell if asked for."""
        ...

    def events(self, snapshot: Snapshot) -> Bool[np.ndarray, "E"]:
        """Return which of the snapshot's events are to be foretold, of whatever type."""
        ...

    def wanted(self, snapshot: Snapshot, target: str) -> sp.csr_matrix:
        """Return users x items, 1 for what was bought and is to be foretold; `target` is `Config.target`."""
        ...


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment to stand at and the end of the period to foretell; microseconds UTC."""

    at: int
    until: int

    @property
    def key(self) -> int:
        """The moment."""
        return self.at

    @property
    def name(self) -> str:
        """The day of the cut."""
        return datetime.fromtimestamp(self.at / 1e6, UTC).date().isoformat()

    def past(self, snapshot: Snapshot, *, announced: bool = False) -> Snapshot:
        """Return everything before the cut."""
        return snapshot.until(self.at, ahead=self.until - self.at if announced else 0)

    def events(self, snapshot: Snapshot) -> Bool[np.ndarray, "E"]:
        """Return the events of the period."""
        return (snapshot.events.at >= self.at) & (snapshot.events.at < self.until)

    def wanted(self, snapshot: Snapshot, target: str) -> sp.csr_matrix:
        """Return what was bought in the period."""
        events = snapshot.events
        rows = self.events(snapshot) & (events.type == predicted_type(snapshot, target))
        return _pairs(snapshot, events.user[rows], events.item[rows])


@dataclass(frozen=True, slots=True)
class Draw:
    """Part of each user's purchases, drawn at random: the next period of a shop whose events do not tell their time.

    At least one of a user's items is drawn, with all purchases of it. What else happened between the two, a view say,
    stays: most purchases are of what was looked at before.
    """

    number: int
    """Another number draws other items."""
    share: float
    """Of the items that a user bought."""
    target: str = ""
    """`Config.target`."""
    beyond: "Draw | None" = None
    """A draw that is neither known nor to be foretold: what validation keeps back from learning."""

    @property
    def key(self) -> int:
        """The number of the draw."""
        return self.number

    @property
    def name(self) -> str:
        """The number of the draw."""
        return f"draw {self.number}"

    def past(self, snapshot: Snapshot, *, announced: bool = False) -> Snapshot:
        """Return everything but what was drawn; `announced` promotions have no time either."""
        del announced
        drawn, earlier = self._drawn(snapshot)
        return snapshot.without(drawn | earlier)

    def events(self, snapshot: Snapshot) -> Bool[np.ndarray, "E"]:
        """Return the purchases that were drawn."""
        return self._drawn(snapshot)[0]

    def wanted(self, snapshot: Snapshot, target: str) -> sp.csr_matrix:
        """Return what was drawn."""
        del target
        rows = self.events(snapshot)
        return _pairs(snapshot, snapshot.events.user[rows], snapshot.events.item[rows])

    def _drawn(self, snapshot: Snapshot) -> tuple[Bool[np.ndarray, "E"], Bool[np.ndarray, "E"]]:
        """Return what is drawn, and what the draws beyond had taken before."""
        events, I = snapshot.events, max(len(snapshot.item_ids), 1)  # noqa: E741
        earlier = np.zeros(len(events), np.bool_)
        if self.beyond is not None:
            earlier = np.logical_or(*self.beyond._drawn(snapshot))
        bought = np.flatnonzero((events.type == predicted_type(snapshot, self.target)) & ~earlier)
        pair, inverse = np.unique(events.user[bought].astype(np.int64) * I + events.item[bought], return_inverse=True)
        user = pair // I
        chance = np.random.default_rng((_SALT, self.number)).random(len(pair))
        place = np.empty(len(pair), np.int64)
        place[np.lexsort((chance, user))] = np.arange(len(pair)) - np.searchsorted(user, user)
        size = np.bincount(user)[user] if len(user) else user
        drawn = np.zeros(len(events), np.bool_)
        drawn[bought[(place < np.maximum(np.round(self.share * size), 1))[inverse]]] = True
        return drawn, earlier


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Pairs that a published split, or the future, has given: they are not in the graph as purchases."""

    user: Int64[np.ndarray, "N"] = field(repr=False)
    """Rows of the snapshot's users."""
    item: Int64[np.ndarray, "N"] = field(repr=False)
    key: int
    """Hash of the pairs."""
    name: str = "given"
    apart: bool = False
    """Whether everything that happened between a user and a given item is taken out of the past (against leaks)."""

    @staticmethod
    def of(
        snapshot: Snapshot, users: Sequence[str], items: Sequence[str], *, name: str = "given", apart: bool = False
    ) -> "Given":
        """Take pairs by their ids; those of unknown users or items cannot be foretold and are left out."""
        user_row = {text: row for row, text in enumerate(snapshot.user_ids)}
        item_row = {text: row for row, text in enumerate(snapshot.item_ids)}
        known = [
            (user_row[user], item_row[item])
            for user, item in zip(users, items, strict=True)
            if user in user_row and item in item_row
        ]
        rows = np.array(known, np.int64).reshape(-1, 2)
        digest = hashlib.blake2b(rows.tobytes(), digest_size=8).digest()
        return Given(rows[:, 0], rows[:, 1], int.from_bytes(digest, "little") >> 1, name, apart)

    def past(self, snapshot: Snapshot, *, announced: bool = False) -> Snapshot:
        """Return the snapshot; without what lies between the pairs if they are to be kept apart."""
        del announced
        if not self.apart:
            return snapshot
        I = len(snapshot.item_ids)  # noqa: E741
        events = snapshot.events
        between = np.isin(events.user.astype(np.int64) * I + events.item, self.user * I + self.item)
        return snapshot.without(between)

    def events(self, snapshot: Snapshot) -> Bool[np.ndarray, "E"]:
        """Return none: what is to be foretold is not in the graph."""
        return np.zeros(len(snapshot.events), np.bool_)

    def wanted(self, snapshot: Snapshot, target: str) -> sp.csr_matrix:
        """Return the pairs."""
        del target
        return _pairs(snapshot, self.user, self.item)


def _pairs(snapshot: Snapshot, user: Int[np.ndarray, "N"], item: Int[np.ndarray, "N"]) -> sp.csr_matrix:
    matrix = sp.csr_matrix(
        (np.ones(len(user), np.float32), (user, item)), shape=(len(snapshot.user_ids), len(snapshot.item_ids))
    )
    matrix.data[:] = 1.0
    return matrix
