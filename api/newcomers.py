"""Items newer than the model: looked for at most once a second, and taken in for the moment that a list is of.

Which they are follows from the model and that moment alone, so that later pages, replays and other replicas make the
same list: those that the model does not know, created `settled_ms` before it or earlier.
"""

import asyncio
import itertools
import logging
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from api.knowledge import Knowledge, Look
from gnn import newcomers
from gnn.artefact import Artefact
from gnn.newcomers import MOST, NewItem
from graph import newcomers as created
from graph.client import AsyncClient
from graph.newcomers import CreatedRow

log = logging.getLogger("attune.api")

LOOK_EVERY_S = 1.0
WRITE_S = 1.0
"""Longer than a write takes."""

SPAN_MS = 7 * 86_400_000
"""A training reads the graph before it ends: of what was created so long before its end the model may not know."""
# Items of one batch have the moment at which it began.
_BATCH_MS = 600_000
READ = 2 * MOST
"""Items that are looked at."""
# Models whose newcomers are known, and models with their newcomers that are kept ready: paging and replays go back.
_VERSIONS, _EDITIONS = 3, 4


@dataclass(slots=True)
class _Look:
    """What a model does not know."""

    since: int
    """Nothing created before it, in milliseconds, is looked at."""
    look: Look | None = None
    """When it was looked for last."""
    rows: tuple[CreatedRow, ...] = ()
    """The oldest first."""
    moments: list[int] = field(default_factory=list[int])
    """When they were created."""
    whole: bool = True
    """Whether these are all."""
    serial: int = 0
    """Another one for other rows."""


class Newcomers:
    """The served models with the items that came after them."""

    def __init__(self, client: AsyncClient, knowledge: Knowledge) -> None:
        self._client = client
        self._knowledge = knowledge
        self._every_s = max(LOOK_EVERY_S, knowledge.for_s)
        self.settled_ms = round(1e3 * (self._every_s + WRITE_S))
        """So long after it was created every process has seen an item."""
        self._looks: OrderedDict[str, _Look] = OrderedDict()
        self._asking: dict[str, asyncio.Task[_Look]] = {}
        self._ready: OrderedDict[tuple[object, ...], Artefact] = OrderedDict()
        self._joining = asyncio.Lock()
        self._serials = itertools.count(1)

    async def at(self, artefact: Artefact, now_us: int) -> Artefact:
        """Return a model as it serves lists of this moment (microseconds UTC). Raises the errors of `AsyncClient`."""
        base = artefact.base or artefact
        look = await self.look(base)
        until = now_us // 1_000 - self.settled_ms
        low, high = _span(look, until)
        if high - low == MOST or look.whole:
            return await self._joined(base, look.rows[low:high], look.serial, low, high) if high else base
        rows = unknown(base, await created.newest(self._client, since=look.since, until=until, limit=READ))
        return await self._joined(base, rows[-MOST:], until)

    async def look(self, base: Artefact) -> _Look:
        """Look for items that the model does not know; whoever asks meanwhile, or soon after, shares the look.

        Soon: within a second, or while the state is known. That this host writes is no reason to look: what it creates
        has to settle.
        """
        known = self._looks.get(base.version)
        if known and known.look:
            young = time.monotonic() - known.look.at < self._every_s
            if young or self._knowledge.holds(known.look):
                return known
        task = self._asking.get(base.version)
        if task is None:
            task = self._asking[base.version] = asyncio.create_task(self._ask(base, known))
            task.add_done_callback(lambda done: self._asked(base.version, done))
        return await asyncio.shield(task)

    def _asked(self, version: str, done: asyncio.Task[_Look]) -> None:
        del self._asking[version]
        if not done.cancelled():
            done.exception()  # told to whoever waits; perhaps nobody does any more

    def edition(self, artefact: Artefact) -> str:
        """Return what tells the model with its newcomers of now, as they are known, from any other."""
        look = self._looks.get(artefact.version)
        low, high = _span(look, time.time_ns() // 1_000_000 - self.settled_ms) if look else (0, 0)
        return f"{artefact.version}+{look.serial}.{low}.{high}" if look and high else artefact.version

    def count(self, artefact: Artefact | None) -> tuple[int, int]:
        """Return how many newcomers the model takes in, and how many at least it leaves out."""
        look = self._looks.get(artefact.version) if artefact else None
        found = len(look.rows) if look else 0
        return min(found, MOST), max(found - MOST, 0)

    async def _ask(self, base: Artefact, known: _Look | None) -> _Look:
        look = known or _Look(trained_ms(base) - SPAN_MS)
        began = self._knowledge.look()
        found = await created.newest(self._client, since=look.since, limit=READ)
        rows = unknown(base, found)
        if rows != look.rows or look.serial == 0:
            whole = len(found) < READ or len(rows) < len(found)
            moments = [row.created_at for row in rows]
            if len(rows) > MOST >= len(look.rows):
                log.warning("more new items than a model takes in", extra={"model": base.version, "most": MOST})
            look = _Look(look.since, began, rows, moments, whole, next(self._serials))
        look.look = began
        if len(rows) < len(found):
            # What the model knows already need not be read each time.
            newest = max(row.created_at for row in found if row.id in base.item_index)
            look.since = max(look.since, min([newest, *look.moments[:1]]) - _BATCH_MS)
        self._looks[base.version] = look
        self._looks.move_to_end(base.version)
        while len(self._looks) > _VERSIONS:
            self._looks.popitem(last=False)
        return look

    async def _joined(self, base: Artefact, rows: Sequence[CreatedRow], *of: int) -> Artefact:
        key = (base.version, *of)
        if (found := self._ready.get(key)) is None:
            async with self._joining:  # one at a time: each costs the processor a while
                if (found := self._ready.get(key)) is None:
                    found = self._ready[key] = await asyncio.to_thread(join, base, rows)
        self._ready.move_to_end(key)
        while len(self._ready) > _EDITIONS:
            self._ready.popitem(last=False)
        return found


def _span(look: _Look, until: int) -> tuple[int, int]:
    """Return which of the rows are taken in: the newest of those created before a moment."""
    high = bisect_left(look.moments, until)
    return max(high - MOST, 0), high


def trained_ms(artefact: Artefact) -> int:
    """Return when a model was made, in milliseconds."""
    return int(datetime.fromisoformat(artefact.manifest.created).timestamp() * 1_000)


def unknown(base: Artefact, found: Sequence[CreatedRow]) -> tuple[CreatedRow, ...]:
    """Return the items that a model does not know, the oldest first; `found`: the newest first."""
    return tuple(row for row in reversed(found) if row.id not in base.item_index)


def join(base: Artefact, rows: Sequence[CreatedRow]) -> Artefact:
    """Return the model with these items, ready to rank."""
    items = [NewItem(row.id, row.category_id, row.brand_id, row.price, row.available) for row in rows]
    grown = newcomers.join(base, items)
    _ = grown.matrices, grown.shelf  # made here, and not in the middle of a request
    return grown
