"""What may be said of other shoppers: counts and likenesses from which nobody learns what one of them did.

Four things together. Nothing is counted that was recorded after the model that is served was trained: no event changes
an answer before the next model, neither the asker's own nor another's, so nothing can be learned from asking twice. A
group of fewer than `k` is not spoken of. What is said is rounded down to a multiple of `k`, after a secret number from
0 to k - 1 has been taken away that stays the same for one user, item and model: the step from one figure to the next
lies where the asker cannot know. And likenesses are told of groups of `k` shoppers, the same for each of a group.

Whoever owns many accounts that truly buy could still learn something over many models; the secret makes it dear.
"""

import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gnn.artefact import Artefact
from graph.neighbors import NeighborRow

K = 5
"""Fewest shoppers that anything is said of, unless the shop asks for more."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The time of one model, in which all answers about other shoppers rest on the same events."""

    until: int
    """Milliseconds of the database's clock: events recorded later do not count."""
    secret: bytes
    """The same in every process that serves the model; no answer holds it."""

    @staticmethod
    def of(artefact: Artefact) -> "Epoch":
        """Return the epoch of a model."""
        manifest = artefact.manifest
        # The time is written in whole seconds.
        until = (int(datetime.fromisoformat(manifest.created).timestamp()) + 1) * 1000 - 1
        weights = repr(sorted(manifest.files.items()))
        return Epoch(until, hashlib.sha256(f"{manifest.version} {weights}".encode()).digest())

    def draw(self, below: int, *names: str) -> int:
        """Return a number from 0 to `below` - 1 that only depends on the names."""
        digest = hmac.digest(self.secret, repr(names).encode("utf-8", "surrogatepass"), "sha256")
        return int.from_bytes(digest[:8], "big") % below

    def pseudonym(self, user_id: str) -> str:
        """Return what a user is called for the time of the model."""
        return hmac.digest(self.secret, b"user " + user_id.encode("utf-8", "surrogatepass"), "sha256").hex()[:12]


def told(n: int, k: int, hidden: int) -> int | None:
    """Return what may be said of a count: at least so many, a multiple of `k`; None for what is not spoken of.

    `hidden`: the secret number, 0 to k - 1.
    """
    found = (n - hidden) // k * k
    return found if found >= k else None


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a group of shoppers shares with a user at least."""

    similarity: float
    shared_items: int
    shared_categories: int


def likenesses(rows: Sequence[NeighborRow], k: int) -> list[Likeness]:
    """Return the likeness of each neighbour's group of `k`, most alike first; neighbours left over are not told.

    `rows`: most similar first. The same figures for each of a group: those that all of them reach, rounded down.
    """
    found: list[Likeness] = []
    for begin in range(0, len(rows) - k + 1, k):
        group = rows[begin : begin + k]
        same = Likeness(
            similarity=math.floor(min(row.similarity for row in group) * 20 + 1e-9) / 20,
            shared_items=_step(min(len(row.shared_items) for row in group)),
            shared_categories=_step(min(row.shared_categories for row in group)),
        )
        found += [same] * k
    return found


def _step(n: int) -> int:
    """Return the next lower of 0, 1, 2, 5, 10, 20, 50 ..."""
    if n < 1:
        return 0
    power = 10 ** int(math.log10(n))
    return max(step * power for step in (1, 2, 5) if step * power <= n)
