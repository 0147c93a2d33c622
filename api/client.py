"""The database client of the API: it counts what it writes, and a request that is given up breaks no connection."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, LiteralString, TypeVar

from api.writes import Writes
from graph.client import AsyncClient, Row, Settings, Written

T = TypeVar("T")
# The driver tries again within the time of a statement, and the last try has that time again.
_TRIES, _SLACK_S = 2, 2.0


class SteadyClient(AsyncClient):
    """Lets statements end by themselves when nobody waits for them any more.

    A field that fails cancels its siblings, a client that leaves cancels its request: the driver would throw away the
    connection in mid-statement (and a socket in mid-connect) each time. Every statement has its own bound.
    """

    def __init__(self, settings: Settings, writes: Writes | None = None) -> None:
        super().__init__(settings)
        self._writes = writes or Writes()
        self._running: set[asyncio.Task[Any]] = set()

    async def read(self, query: LiteralString, /, *, timeout_s: float | None = None, **params: object) -> list[Row]:
        """Run one reading statement; errors as in `AsyncClient.read`."""
        return await self._steady(super().read(query, timeout_s=timeout_s, **params))

    async def write(
        self,
        query: LiteralString,
        /,
        *,
        timeout_s: float | None = None,
        about_users: Collection[str] = (),
        **params: object,
    ) -> list[Row]:
        """Run one writing statement; errors as in `AsyncClient.read`. It may be written though nobody waits."""
        statement = super().write(query, timeout_s=timeout_s, about_users=about_users, **params)
        return await self._steady(self._counted(statement, timeout_s, about_users))

    async def change(self, query: LiteralString, /, **params: object) -> Written:
        """Do the same as `write`, and say what changed."""
        return await self._steady(self._counted(super().change(query, **params), None))

    async def close(self) -> None:
        """Wait for what still runs, then close every connection."""
        if self._running:
            await asyncio.wait(self._running)
        await super().close()

    async def _counted(
        self, statement: Coroutine[Any, Any, T], timeout_s: float | None, users: Collection[str] = ()
    ) -> T:
        with self._writes.writing(_TRIES * ((timeout_s or self.settings.timeout_s) + _SLACK_S), users):
            return await statement

    async def _steady(self, statement: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(statement)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits gets it too; nobody waiting is no reason to warn
