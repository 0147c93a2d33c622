"""Answers that are still true: given again, byte by byte, while neither the graph nor the model has changed.

An answer is kept with the state that the graph was in before it was made, and with what it was made from (`api.reads`).
When a question comes again the graph is asked for its state, in one short statement that all waiting requests share;
where something was written since, for what the answer was made from. Only where that is the same, the answer is.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from api.identity import Identity
from api.knowledge import Look
from api.reads import Kept

# Below this share of looks that found the graph as it was, only one in so many answers is looked at that nothing else
# can be asked about.
_UNLUCKY, _SELDOM = 0.1, 10
_QUIET, _SURE = 0.5, 0.9
_STEP = 0.02


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer was made from."""

    graph: str | None
    """State of the graph before anything was read; None where none had been seen."""
    model: str | None
    """The model, and which new items it knew."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was sent."""

    basis: Basis
    body: bytes
    headers: Mapping[str, str]
    """Content type, and what caches are told; not the length, which follows from the body."""
    operation: str
    """Its root field, for metrics (`api.operations.label`)."""
    name: str | None
    """What the client called the operation, for logs."""
    at: float
    reads: Kept | None = None
    """What it was made from; None where that is more than can be looked at."""
    look: Look | None = None
    """The look at the graph since which it is true."""

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(self.body) + (self.reads.size if self.reads else 0)


class Answers:
    """The answers given last, up to so many bytes."""

    def __init__(self, *, most_bytes: int = 64 * 2**20, longest: int = 2**20, age_s: float = 300.0) -> None:
        """`age_s`: time itself changes answers too, slowly (what was shown a fortnight ago is forgotten)."""
        self._most, self._longest, self._age_s = most_bytes, longest, age_s
        self._known: OrderedDict[bytes, Answer] = OrderedDict()
        self._bytes = 0
        self._making: dict[bytes, asyncio.Event] = {}
        self._luck = 1.0
        self._passed_by = 0

    def get(self, key: bytes) -> Answer | None:
        """Return the last answer to a question, to be held against the graph; seldom where that is in vain."""
        found = self._known.get(key)
        if found is None:
            return None
        if time.monotonic() - found.at > self._age_s:
            return None
        if found.reads is None:
            if self._luck < _UNLUCKY and self._passed_by < _SELDOM:
                self._passed_by += 1
                return None
            self._passed_by = 0
        self._known.move_to_end(key)
        return found

    @asynccontextmanager
    async def turn(self, key: bytes) -> AsyncGenerator[bool]:
        """Enter to make an answer: at once, or, where the same one is being made, after that; then the value is true.

        So that when an answer that many ask for is no longer true, it is made once and not by all of them.
        """
        if key not in self._known:  # perhaps it is of no kind that is kept
            yield False
        elif (before := self._making.get(key)) is not None:
            await before.wait()
            yield True
        else:
            self._making[key] = mine = asyncio.Event()
            try:
                yield False
            finally:
                del self._making[key]
                mine.set()

    def keep(self, key: bytes, answer: Answer) -> None:
        """Remember an answer."""
        self._drop(key)
        if len(answer.body) > self._longest:
            return
        self._known[key] = answer
        self._bytes += answer.size
        while self._bytes > self._most:
            self._drop(next(iter(self._known)))

    def move(self, key: bytes, answer: Answer, now: Answer) -> None:
        """Take note that an answer is true in another state of the graph too: `now` is the same, as of then."""
        if self._known.get(key) is answer:
            self._known[key] = now

    @property
    def quiet(self) -> bool:
        """Whether the graph is most often as it was: then that is asked first, and seldom anything else."""
        return self._luck > _QUIET

    @property
    def sure(self) -> bool:
        """Whether it so seldom is another one that an answer may be begun before the graph has said so."""
        return self._luck > _SURE

    def held(self, *, true: bool) -> None:
        """Take note of whether the whole graph was as it was; in a shop that is always written to it seldom is."""
        self._luck += _STEP * (true - self._luck)

    def forget(self) -> None:
        """Forget every answer: one of them may hold what has just been erased."""
        self._known.clear()
        self._bytes = 0

    def _drop(self, key: bytes) -> None:
        if found := self._known.pop(key, None):
            self._bytes -= found.size


def key(identity: Identity, request: Request, body: bytes) -> bytes:
    """Return the name of a question: what was sent, how the answer shall look, and who asks."""
    digest = hashlib.blake2b(digest_size=16)
    who = "\0".join((identity.name, identity.user or "", *sorted(identity.scopes)))
    for part in (who, request.method, request.headers.get("accept", ""), request.headers.get("content-type", "")):
        digest.update(part.encode() + b"\0\0")
    digest.update(request.scope.get("query_string", b"") + b"\0\0")
    digest.update(body)
    return digest.digest()
