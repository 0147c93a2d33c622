"""The last good answers, for the time in which the database does not answer: better yesterday's list than none.

An answer from here says so. Only answers of queries are kept, each for the caller who got it, and not for long.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from api.errors import Code
from api.identity import Identity

OUTAGES = frozenset({str(Code.DATABASE_TIMEOUT), str(Code.DATABASE_UNAVAILABLE), str(Code.REQUEST_TIMEOUT)})
"""Codes of errors that another try may not give: the request was right."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A good answer, and when it was given (seconds since 1970)."""

    data: dict[str, Any] | None
    at: float
    said: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Its `extensions`."""

    def note(self) -> dict[str, Any]:
        """Return what `extensions` says of it."""
        return {**self.said, "degraded": {"asOf": datetime.fromtimestamp(self.at, UTC).isoformat(timespec="seconds")}}


class LastKnown:
    """The last good answer to each question, and whether the database is known to be away."""

    def __init__(
        self,
        *,
        most: int = 500,
        age_s: float = 900.0,
        retry_s: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`most`: answers kept; `age_s`: how old they may be; `retry_s`: time between two looks at the database."""
        self._most, self._age_s, self._retry_s, self._clock = most, age_s, retry_s, clock
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._look_at: float | None = None
        self.era = 0
        """Another number after each time that all was forgotten."""

    @staticmethod
    def key(
        identity: Identity, query: str | None, variables: Mapping[str, Any] | None, operation: str | None
    ) -> bytes | None:
        """Return the name of a question of one caller; None for one that cannot be kept."""
        try:
            said = orjson.dumps([identity.name, sorted(identity.scopes), query, variables, operation])
        except (TypeError, ValueError):
            return None  # a half character: nothing that an app would ask twice
        return hashlib.blake2b(said, digest_size=16).digest()

    def keep(self, key: bytes | None, data: dict[str, Any] | None, said: Mapping[str, Any] | None = None) -> None:
        """Remember a good answer: the database is well."""
        self.well()
        if key is None:
            return
        self._kept[key] = Kept(data, self._clock(), said or {})
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def get(self, key: bytes | None) -> Kept | None:
        """Return the last good answer to a question, if there is one that is not too old."""
        found = self._kept.get(key) if key is not None else None
        return found if found and self._clock() - found.at <= self._age_s else None

    @property
    def troubled(self) -> bool:
        """Whether the database has not answered since it failed to."""
        return self._look_at is not None

    def well(self) -> None:
        """Take note that the database answered."""
        self._look_at = None

    def failed(self) -> None:
        """Take note that the database did not answer."""
        self._look_at = self._clock() + self._retry_s

    def away(self) -> bool:
        """Whether the database is known not to answer; one caller in each `retry_s` is let through to look again."""
        if self._look_at is None:
            return False
        if self._clock() < self._look_at:
            return True
        self._look_at = self._clock() + self._retry_s
        return False

    def forget(self) -> None:
        """Forget every answer: one of them may hold what has just been erased."""
        self._kept.clear()
        self.era += 1
