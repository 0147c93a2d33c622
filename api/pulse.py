"""Which state the graph is in, asked by all who wait at once: one statement for any number of requests."""

import asyncio

from api.knowledge import Knowledge
from graph.client import AsyncClient


class Pulse:
    """Asks the graph for the name of its state; every write of anybody changes it.

    A request waits for a look that began after it came, so that it sees all that was written before it; requests that
    come during a look share the next one.
    """

    def __init__(self, client: AsyncClient, knowledge: Knowledge) -> None:
        self._client = client
        self._knowledge = knowledge
        self._now: asyncio.Task[str | None] | None = None
        self._next: asyncio.Task[str | None] | None = None

    async def state(self) -> str | None:
        """Return the state; None where the database does not tell. Raises the errors of `AsyncClient.read`."""
        if self._next is None:
            self._next = asyncio.create_task(self._look(self._now))
        return await asyncio.shield(self._next)

    async def _look(self, before: asyncio.Task[str | None] | None) -> str | None:
        if before and not before.done():
            await asyncio.wait([before])
        # From here on whoever comes may come too late for this look.
        self._now, self._next = self._next, None
        look = self._knowledge.look()
        state = await self._client.state()
        self._knowledge.found(look, state)
        return state
