"""The database client of the API: a request that is given up does not break the connection that it used."""

import asyncio
from collections.abc import Coroutine
from typing import Any, LiteralString

from graph.client import AsyncClient, Row, Settings


class SteadyClient(AsyncClient):
    """Lets statements end by themselves when nobody waits for them any more.

    A field that fails cancels its siblings, a client that leaves cancels its request: the driver would throw away the
    connection in mid-statement (and a socket in mid-connect) each time. Every statement has its own bound.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._running: set[asyncio.Task[list[Row]]] = set()

    async def read(self, query: LiteralString, /, *, timeout_s: float | None = None, **params: object) -> list[Row]:
        """Run one reading statement; errors as in `AsyncClient.read`."""
        return await self._steady(super().read(query, timeout_s=timeout_s, **params))

    async def write(self, query: LiteralString, /, *, timeout_s: float | None = None, **params: object) -> list[Row]:
        """Run one writing statement; errors as in `AsyncClient.read`. It may be written though nobody waits."""
        return await self._steady(super().write(query, timeout_s=timeout_s, **params))

    async def close(self) -> None:
        """Wait for what still runs, then close every connection."""
        if self._running:
            await asyncio.wait(self._running)
        await super().close()

    async def _steady(self, statement: Coroutine[Any, Any, list[Row]]) -> list[Row]:
        task = asyncio.create_task(statement)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[list[Row]]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits gets it too; nobody waiting is no reason to warn
