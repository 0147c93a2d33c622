"""What this host writes, counted in memory that its workers share: each write ends at once what any of them knows.

Each worker has words of its own, which it alone writes and all read. So nothing is locked, and nothing is left locked
by a worker that is killed. Other hosts and other programs are not counted.

What is about single users, as events are, is counted apart, so that it ends nothing that is known of others. Users have
one of so many places by their ids: two that share one are taken for one another, which costs a look at the graph.
"""

import mmap
import time
from collections.abc import Collection, Generator
from contextlib import contextmanager
from hashlib import blake2b

from graph.errors import GraphError, TimedOut, Unavailable

_BYTES = 8
# Words of one meaning lie together, one of each worker. Of all writes, and of those that are not about single users:
# how many there were, and until when one may be under way.
_ALL, _APART, _ERASURES = 0, 2, 4
_WORDS = 5
_PLACES = 1 << 14
"""Places for users; in each a count of every worker, odd while it has a write under way."""


class Writes:
    """The writes of all workers of this host, as one of them sees them."""

    def __init__(self, workers: int = 1) -> None:
        """Make it before the workers are forked: they inherit the memory. `of` says which of them one is."""
        # 8 bytes at a multiple of 8 are read and written whole.
        self._memory = memoryview(mmap.mmap(-1, workers * (_WORDS + _PLACES) * _BYTES)).cast("Q")
        self._workers = workers
        self._begin(0)

    def of(self, place: int) -> "Writes":
        """Return the same as the worker of this place sees it: it takes on what the one before left open."""
        found = object.__new__(Writes)
        found._memory, found._workers = self._memory, self._workers
        found._begin(place)
        return found

    def _begin(self, place: int) -> None:
        self._place = place
        self._under_way: tuple[list[int], list[int]] = ([], [])
        self._unsure = [self._memory[self._word(kind + 1)] for kind in (_ALL, _APART)]
        counts = self._memory[self._user_words(0) + place :: self._workers]
        left = [at for at, count in enumerate(counts) if count % 2]
        self._open = dict.fromkeys(left, 1)
        """Writes under way by place of their users."""
        self._left = [(self._unsure[0], left)]
        """Until when they may be under way, and the places of their users: writes of which nobody knows the end."""

    def mark(self) -> int | None:
        """Return a number that is another one after each write of any worker; None while one may be under way."""
        return self._mark(_ALL)

    def apart(self) -> int | None:
        """Return the same of writes that are about more than single users."""
        return self._mark(_APART)

    def of_user(self, user: str) -> int | None:
        """Return the same of writes that are about this user alone."""
        first = self._user_words(_place_of(user))
        counts = self._memory[first : first + self._workers].tolist()
        latest = self._words(_ALL + 1)
        # What is open of a worker that was killed long ago is over.
        now = time.monotonic_ns()
        if any(count % 2 and until > now for count, until in zip(counts, latest, strict=True)):
            return None
        return sum(counts)

    @property
    def erasures(self) -> int:
        """Another number after each erasure by any worker."""
        return sum(self._words(_ERASURES))

    def erased(self) -> None:
        """Tell all workers that somebody was erased."""
        self._memory[self._word(_ERASURES)] += 1

    @contextmanager
    def writing(self, timeout_s: float, users: Collection[str] = ()) -> Generator[None]:
        """Enter for as long as a statement is under way that the database ends after `timeout_s`.

        `users`: it is about them, and changes nothing else; none: whatever it changes. A statement that failed may be
        committed all the same, if the database has not said that it was refused, and so may one whose worker was
        killed: until the database must have ended it, a write counts as under way.
        """
        self._close_left()
        latest = time.monotonic_ns() + int(timeout_s * 1e9)
        kinds = (_ALL,) if users else (_ALL, _APART)
        places = sorted({_place_of(user) for user in users})
        for kind in kinds:
            self._under_way[kind // 2].append(latest)
            self._tell(kind)
            self._memory[self._word(kind)] += 1
        self._opened(places)
        unsure = True
        try:
            yield
            unsure = False
        except GraphError as error:
            unsure = isinstance(error, TimedOut | Unavailable)
            raise
        finally:
            if unsure:
                self._left.append((latest, places))
            else:
                self._closed(places)
            for kind in kinds:
                self._under_way[kind // 2].remove(latest)
                if unsure:
                    self._unsure[kind // 2] = max(self._unsure[kind // 2], latest)
                self._memory[self._word(kind)] += 1
                self._tell(kind)

    def _mark(self, kind: int) -> int | None:
        # In this order: who writes says so before it counts, and counts again before it says that it is over.
        count, latest = sum(self._words(kind)), max(self._words(kind + 1))
        return None if latest > time.monotonic_ns() else count

    def _tell(self, kind: int) -> None:
        self._memory[self._word(kind + 1)] = max(self._unsure[kind // 2], *self._under_way[kind // 2], 0)

    def _opened(self, places: Collection[int]) -> None:
        for place in places:
            before = self._open.get(place, 0)
            self._open[place] = before + 1
            self._memory[self._user_words(place) + self._place] += 2 if before else 1

    def _closed(self, places: Collection[int]) -> None:
        for place in places:
            left = self._open.pop(place) - 1
            if left:
                self._open[place] = left
            self._memory[self._user_words(place) + self._place] += 2 if left else 1

    def _close_left(self) -> None:
        now = time.monotonic_ns()
        for one in [one for one in self._left if one[0] <= now]:
            self._left.remove(one)
            self._closed(one[1])

    def _words(self, kind: int) -> memoryview:
        return self._memory[kind * self._workers : (kind + 1) * self._workers]

    def _word(self, kind: int) -> int:
        return kind * self._workers + self._place

    def _user_words(self, place: int) -> int:
        return (_WORDS + place) * self._workers


def _place_of(user: str) -> int:
    # The same in all workers, whatever their seed of `hash`.
    return int.from_bytes(blake2b(user.encode(errors="surrogatepass"), digest_size=4).digest()) % _PLACES
