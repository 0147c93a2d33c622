"""What an answer was made from: what one operation read, and whether the graph says the same still.

An answer follows from the rows that it read, the model and the arguments. So it stays true while these rows are the
same, whatever is written elsewhere; to read them again costs a tenth of making the answer.
"""

import asyncio
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from api.knowledge import Look, Present
from graph import facts
from graph.client import AsyncClient
from graph.explore import BrandRow, CategoryRow, ItemRow, UserRow
from graph.facts import Face, Facts

# So many answers are looked at in one statement, and so many statements are on their way at the same time.
_TOGETHER, _AT_ONCE = 16, 2


@dataclass(slots=True)
class Reads:
    """What an operation has read; None for what the graph does not hold."""

    users: dict[str, Face | None] = field(default_factory=dict[str, Face | None])
    items: dict[str, ItemRow | None] = field(default_factory=dict[str, ItemRow | None])
    categories: dict[str, CategoryRow | None] = field(default_factory=dict[str, CategoryRow | None])
    brands: dict[str, BrandRow | None] = field(default_factory=dict[str, BrandRow | None])
    whole: bool = True
    """Whether it read nothing else."""
    until: float = float("inf")
    """Until when what was read may be taken for what the graph says while it looks the same (`time.monotonic`)."""
    look: Look | None = None
    """From when on it was read; None where nobody took note."""
    at_hand: tuple[Facts, Look] | None = None
    """What a look at the answer of before has found, where that is no longer true: it need not be read again."""
    present: Present | None = None
    """The state that it has found the graph in, where it has asked for that alone."""

    def since(self, look: Look) -> None:
        """Take note of something that was read earlier, after this look."""
        if self.look:
            self.look = self.look.beside(look)

    def met(self, user_id: str, row: UserRow | None, until: float) -> None:
        """Take note of a user."""
        self.users[user_id] = facts.face(row) if row else None
        self.until = min(self.until, until)

    def forget(self) -> None:
        """Begin again: what was read so far is in no answer."""
        for table in (self.users, self.items, self.categories, self.brands):
            table.clear()
        self.whole, self.until = True, float("inf")

    def kept(self) -> "Kept | None":
        """Return what tells the same rows from others; None for an operation that read other things too."""
        if not self.whole:
            return None
        names = (tuple(self.users), tuple(self.items), tuple(self.categories), tuple(self.brands))
        return Kept(*names, _digest(self, *names), self.until)


NOTED: ContextVar[Reads | None] = ContextVar("attune_reads", default=None)
"""What the present operation has read; None where nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The rows that an answer rests on, by name, and a digest of what they said."""

    users: tuple[str, ...]
    items: tuple[str, ...]
    categories: tuple[str, ...]
    brands: tuple[str, ...]
    digest: int
    until: float

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return 80 * sum(map(len, (self.users, self.items, self.categories, self.brands)))

    def same(self, now: Facts) -> bool:
        """Whether these rows say what they said."""
        return self.digest == _digest(now, self.users, self.items, self.categories, self.brands)


def _digest(of: Reads | Facts, *names: tuple[str, ...]) -> int:
    tables: tuple[Mapping[str, object], ...] = (of.users, of.items, of.categories, of.brands)
    # Keyed anew in each process, 64 bits: rows that differ have the same digest once in 10^19.
    return hash(tuple(tuple(map(table.get, ids)) for table, ids in zip(tables, names, strict=True)))


class Rereads:
    """Reads again what answers rest on, for all who wait in the same statement."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._waiting: list[tuple[Kept, asyncio.Future[Facts]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def now(self, kept: Kept) -> Facts | None:
        """Return what the graph says now of these rows, and maybe of others; None where that does not tell enough.

        The look begins after the call. Raises the errors of `AsyncClient.read`.
        """
        if time.monotonic() > kept.until:
            return None
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((kept, future))
        if len(self._running) < _AT_ONCE:
            task = asyncio.create_task(self._look())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await future

    async def _look(self) -> None:
        while self._waiting:
            looked, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
            try:
                now = await facts.read(
                    self._client,
                    users={name for one, _ in looked for name in one.users},
                    items={name for one, _ in looked for name in one.items},
                    categories={name for one, _ in looked for name in one.categories},
                    brands={name for one, _ in looked for name in one.brands},
                )
            except Exception as error:  # noqa: BLE001 - whoever waits decides
                for _, future in looked:
                    if not future.done():
                        future.set_exception(error)
                continue
            for _, future in looked:
                if not future.done():
                    future.set_result(now)
