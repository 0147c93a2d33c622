"""What every baseline is given, what it must be able to do, and how its settings are described."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64, Int64

from gnn import features
from graph.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Past:
    """What was bought before a cut, by week: users (U) x candidates (P)."""

    users: int
    candidates: Int64[np.ndarray, "P"]
    """Rows of the snapshot's items, ascending."""
    category: Int64[np.ndarray, "P"]
    """The candidates' leaf categories; -1 for none."""
    user: Int64[np.ndarray, "N"]
    """One entry per user, candidate and distinct week; weeks count back from the cut."""
    position: Int64[np.ndarray, "N"]
    """Place among the candidates."""
    weeks_ago: Int64[np.ndarray, "N"]

    @staticmethod
    def of(snapshot: Snapshot, candidates: Int64[np.ndarray, "P"], target: str = "") -> "Past":
        """Collect the events of the predicted type, once per user, item and week."""
        events = snapshot.events
        kind = features.predicted_type(snapshot, target)
        place = np.full(len(snapshot.item_ids), -1, np.int64)
        place[candidates] = np.arange(len(candidates))
        rows = (events.type == kind) & (place[events.item] >= 0)
        ago = (snapshot.at - 1 - events.at[rows]) // features.WEEK_US
        found = np.unique(np.stack([events.user[rows], place[events.item[rows]], ago]), axis=1)
        category = snapshot.item_category[candidates].astype(np.int64)
        return Past(len(snapshot.user_ids), candidates, category, found[0], found[1], found[2])

    def weeks(self, half_life_weeks: float = np.inf) -> sp.csr_matrix:
        """Return users x candidates: weeks with a purchase, each halved every `half_life_weeks`."""
        weight = np.exp2(-self.weeks_ago / half_life_weeks)
        shape = (self.users, len(self.candidates))
        return sp.csr_matrix((weight, (self.user, self.position)), shape=shape)

    def log_weeks(self) -> sp.csr_matrix:
        """Return users x candidates: log(1 + weeks with a purchase)."""
        counts = self.weeks()
        counts.data = np.log1p(counts.data)
        return counts


@dataclass(frozen=True, slots=True)
class Range:
    """Where tuning looks for a setting's value."""

    low: float
    high: float
    log: bool = False
    """Whether values are drawn evenly by their logarithm."""
    whole: bool = False
    """Whether values are whole numbers."""


Space = Mapping[str, Range]
"""Setting -> where to look for its value."""


class Recommender(Protocol):
    """A method that scores every candidate for some users; its settings are the fields of a dataclass."""

    SPACE: ClassVar[Space]
    """What tuning may choose."""

    def fit(self, past: Past) -> None:
        """Learn from what was bought before the cut."""
        ...

    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return scores of all candidates; higher is better."""
        ...
