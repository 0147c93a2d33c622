"""What this host writes, counted in memory that its workers share: each write ends at once what any of them knows.

Each worker has three words of its own, which it alone writes and all read. So nothing is locked, and nothing is left
locked by a worker that is killed. Other hosts and other programs are not counted.
"""

import mmap
import time
from collections.abc import Generator
from contextlib import contextmanager

from graph.errors import GraphError, TimedOut, Unavailable

_WORDS = 3
_BYTES = 8


class Writes:
    """The writes of all workers of this host, as one of them sees them."""

    def __init__(self, workers: int = 1) -> None:
        """Make it before the workers are forked: they inherit the memory. `of` says which of them one is."""
        # 8 bytes at a multiple of 8 are read and written whole.
        self._memory = memoryview(mmap.mmap(-1, workers * _WORDS * _BYTES)).cast("Q")
        # Words of one meaning lie together: counts of writes, until when one may be under way, counts of erasures.
        self._workers = workers
        self._place = 0
        self._under_way: list[int] = []
        self._unsure = 0

    def of(self, place: int) -> "Writes":
        """Return the same as the worker of this place sees it: it takes on what the one before left open."""
        found = object.__new__(Writes)
        found._memory, found._workers, found._place = self._memory, self._workers, place
        found._under_way, found._unsure = [], self._memory[self._workers + place]
        return found

    def mark(self) -> int | None:
        """Return a number that is another one after each write of any worker; None while one may be under way."""
        # In this order: who writes says so before it counts, and counts again before it says that it is over.
        count = sum(self._memory[: self._workers])
        latest = max(self._memory[self._workers : 2 * self._workers])
        return None if latest > time.monotonic_ns() else count

    @property
    def erasures(self) -> int:
        """Another number after each erasure by any worker."""
        return sum(self._memory[2 * self._workers :])

    def erased(self) -> None:
        """Tell all workers that somebody was erased."""
        self._memory[2 * self._workers + self._place] += 1

    @contextmanager
    def writing(self, timeout_s: float) -> Generator[None]:
        """Enter for as long as a statement is under way that the database ends after `timeout_s`.

        A statement that failed may be committed all the same, if the database has not said that it was refused, and so
        may one whose worker was killed: until the database must have ended it, a write counts as under way.
        """
        latest = time.monotonic_ns() + int(timeout_s * 1e9)
        self._under_way.append(latest)
        self._tell()
        self._count()
        unsure = True
        try:
            yield
            unsure = False
        except GraphError as error:
            unsure = isinstance(error, TimedOut | Unavailable)
            raise
        finally:
            self._under_way.remove(latest)
            if unsure:
                self._unsure = max(self._unsure, latest)
            self._count()
            self._tell()

    def _count(self) -> None:
        self._memory[self._place] += 1

    def _tell(self) -> None:
        self._memory[self._workers + self._place] = max(self._unsure, *self._under_way, 0)
