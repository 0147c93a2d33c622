"""The one door to Neo4j: a driver with bounds on every wait, and its failures in Attune's own words.

`Client` is for batch work, `AsyncClient` for requests. Both run one statement in one managed transaction.
"""

import asyncio
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, LiteralString, Self

from graph import tracing
from graph.driver import exceptions, neo4j
from graph.errors import GraphError, Unavailable
from graph.failures import bad_address, out_of_memory, timed_out, translated

BATCH_TIMEOUT_S = 120.0
"""Longest statement of batch work; the local server ends longer ones by itself."""

_UNBOUNDED_S = 3600.0
_CONNECT_TIMEOUT_S = 5.0
BATCH_RETRY_S = 10.0
_REQUEST_RETRY_S = 1.0
# The database ends a statement at its timeout and says so; only when it says nothing does the client give up itself.
_SLACK_S = 1.0

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the graph is, and who asks."""

    uri: str
    """`bolt://`, `neo4j://`, or either with `+s` for encryption."""
    user: str
    password: str = field(repr=False)
    database: str | None = None
    """None: the user's default database."""
    timeout_s: float = 10.0
    """Longest statement at request time."""


def settings(home: Path) -> Settings:
    """Return the settings of `NEO4J_URI` (with `_USER`, `_PASSWORD`, `_DATABASE`), else of the running local server.

    Raises `Unavailable` when there is neither.
    """
    uri = os.environ.get("NEO4J_URI", "").strip()
    if uri:
        return Settings(
            uri=uri,
            user=os.environ.get("NEO4J_USER") or "neo4j",
            password=os.environ.get("NEO4J_PASSWORD", ""),
            database=os.environ.get("NEO4J_DATABASE") or None,
        )
    from graph import local  # only the local server needs psutil

    running = local.running(home)
    if running is None:
        raise Unavailable(
            "No Neo4j is running.", "Start the local one with `attune up`, or set NEO4J_URI to a server of your own."
        )
    return local.settings(home, running)


@dataclass(frozen=True, slots=True)
class Written:
    """What a writing statement returned and changed."""

    rows: list[Row]
    nodes_created: int
    nodes_deleted: int
    relationships_created: int
    relationships_deleted: int
    state: str | None = None
    """Of the graph when the statement ended, where it was asked (`AsyncClient.state`)."""


class Client:
    """A synchronous client; close it, or use it as a context manager. Safe to share between threads.

    `retry_s`: how long a transaction is tried again after a deadlock, a lost connection or a restart.
    """

    def __init__(self, settings: Settings, *, retry_s: float = BATCH_RETRY_S) -> None:
        self.settings = settings
        _check_address(settings)
        try:
            self._driver = neo4j.GraphDatabase.driver(
                settings.uri, auth=(settings.user, settings.password), **_config(retry_s)
            )
        except (exceptions.ConfigurationError, ValueError) as error:
            raise bad_address(settings.uri, error) from error

    def read(self, query: LiteralString, /, *, timeout_s: float | None = None, **params: object) -> list[Row]:
        """Run one reading statement and return its rows.

        Raises `Unavailable`, `TimedOut` (after `timeout_s`, default `BATCH_TIMEOUT_S`), `AuthFailed`, `OutOfMemory` or
        `GraphError`.
        """
        return self._run(neo4j.READ_ACCESS, query, params, timeout_s or BATCH_TIMEOUT_S).rows

    def write(self, query: LiteralString, /, *, timeout_s: float | None = None, **params: object) -> list[Row]:
        """Run one writing statement in its own transaction and return its rows; errors as in `read`.

        A transaction whose commit was not answered may be run twice: statements must be idempotent.
        """
        return self._run(neo4j.WRITE_ACCESS, query, params, timeout_s or BATCH_TIMEOUT_S).rows

    def change(self, query: LiteralString, /, **params: object) -> Written:
        """Do the same as `write`, and say what changed."""
        return self._run(neo4j.WRITE_ACCESS, query, params, BATCH_TIMEOUT_S)

    def in_batches(self, query: LiteralString, /, **params: object) -> None:
        """Run one statement that commits by itself in batches (`CALL ... IN TRANSACTIONS`); it is not tried again."""
        try:
            with self._driver.session(database=self.settings.database) as session:
                session.run(neo4j.Query(query, timeout=_UNBOUNDED_S), dict(params)).consume()
        except (exceptions.DriverError, exceptions.Neo4jError) as error:
            raise translated(error, self.settings.uri, self.settings.user, _UNBOUNDED_S) from error

    def _run(self, access: str, query: LiteralString, params: Mapping[str, object], timeout_s: float) -> Written:
        @neo4j.unit_of_work(timeout=timeout_s)
        def work(transaction: neo4j.ManagedTransaction) -> Written:
            try:
                result = transaction.run(query, dict(params))
                rows = [dict(record.items()) for record in result]
                return _written(rows, result.consume())
            except exceptions.TransientError as error:
                raise out_of_memory(error) or error from error

        try:
            with self._driver.session(database=self.settings.database, default_access_mode=access) as session:
                if access == neo4j.READ_ACCESS:
                    return session.execute_read(work)
                return session.execute_write(work)
        except (exceptions.DriverError, exceptions.Neo4jError) as error:
            raise translated(error, self.settings.uri, self.settings.user, timeout_s) from error

    def close(self) -> None:
        """Close every connection."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """The same, asynchronous, for requests: every call ends within about `Settings.timeout_s`, even on a hung server.

    `queries` counts the statements sent. `seen` names a state that the graph was in lately (`state`); None before the
    first read, and after one that failed. What is read after it was seen holds all that had been written until then.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.queries = 0
        self.seen: str | None = None
        # A cluster's servers are not equally far: nothing is read from one that is behind what was seen on another.
        routed = settings.uri.startswith("neo4j")
        self._bookmarks = neo4j.AsyncGraphDatabase.bookmark_manager() if routed else None
        _check_address(settings)
        try:
            self._driver = neo4j.AsyncGraphDatabase.driver(
                settings.uri, auth=(settings.user, settings.password), **_config(_REQUEST_RETRY_S)
            )
        except (exceptions.ConfigurationError, ValueError) as error:
            raise bad_address(settings.uri, error) from error

    async def read(self, query: LiteralString, /, *, timeout_s: float | None = None, **params: object) -> list[Row]:
        """Run one reading statement and return its rows; errors as in `Client.read`."""
        return (await self._run(neo4j.READ_ACCESS, query, params, timeout_s or self.settings.timeout_s)).rows

    async def write(
        self,
        query: LiteralString,
        /,
        *,
        timeout_s: float | None = None,
        about_users: Collection[str] = (),
        **params: object,
    ) -> list[Row]:
        """Run one writing statement in its own transaction and return its rows; errors as in `Client.read`.

        `about_users`: ids of those whom it is about, where it changes nothing but them and what they did; for whoever
        keeps what it has read.
        """
        del about_users
        return (await self._run(neo4j.WRITE_ACCESS, query, params, timeout_s or self.settings.timeout_s)).rows

    async def change(self, query: LiteralString, /, **params: object) -> Written:
        """Do the same as `write`, and say what changed."""
        return await self._run(neo4j.WRITE_ACCESS, query, params, self.settings.timeout_s)

    async def ping(self, *, timeout_s: float = 2.0) -> None:
        """Return when the database answers; raise the errors of `read` when it does not, within `timeout_s`."""
        await self.read("RETURN 1 AS one", timeout_s=timeout_s)

    async def state(self, *, timeout_s: float = 2.0) -> str | None:
        """Return a name of the whole graph as it is now: the same name, the same graph. Errors as in `read`."""
        return (await self._run(neo4j.READ_ACCESS, "RETURN 1 AS one", {}, timeout_s)).state

    def _session(self, access: str) -> neo4j.AsyncSession:
        # A transaction has its name before all of it can be read: the server waits until what has been seen can be.
        seen = [self.seen] if self.seen and access == neo4j.READ_ACCESS else []
        return self._driver.session(
            database=self.settings.database,
            default_access_mode=access,
            bookmarks=neo4j.Bookmarks.from_raw_values(seen),
            bookmark_manager=self._bookmarks,
        )

    async def _run(self, access: str, query: LiteralString, params: Mapping[str, object], timeout_s: float) -> Written:
        reads = access == neo4j.READ_ACCESS
        with tracing.statement(access, query) as span:
            try:
                written = await (
                    self._once(query, params, timeout_s) if reads else self._transact(access, query, params, timeout_s)
                )
            except GraphError:
                if reads:
                    # Perhaps the server waited for it in vain: of a graph put back from a backup it may be to come.
                    self.seen = None
                raise
            if span:
                span.set_attribute("db.response.returned_rows", len(written.rows))
            return written

    async def _once(self, query: LiteralString, params: Mapping[str, object], timeout_s: float) -> Written:
        """Read in one round trip, without opening a transaction first; what may succeed is tried again with one."""
        self.queries += 1
        try:
            async with (
                asyncio.timeout(timeout_s + _SLACK_S),
                self._session(neo4j.READ_ACCESS) as session,
            ):
                result = await session.run(neo4j.Query(query, timeout=timeout_s), dict(params))
                names = result.keys()
                rows = [dict(zip(names, record, strict=True)) async for record in result]
                # A transaction's bookmark names the last one that the database committed, whoever wrote it.
                self.seen = state = (await result.consume()).metadata.get("bookmark")
                return Written(rows, 0, 0, 0, 0, state)
        except TimeoutError as error:
            raise timed_out(timeout_s) from error
        except (exceptions.DriverError, exceptions.Neo4jError) as error:
            if not error.is_retryable() or (isinstance(error, exceptions.TransientError) and out_of_memory(error)):
                raise translated(error, self.settings.uri, self.settings.user, timeout_s) from error
        return await self._transact(neo4j.READ_ACCESS, query, params, timeout_s)

    async def _transact(
        self, access: str, query: LiteralString, params: Mapping[str, object], timeout_s: float
    ) -> Written:
        @neo4j.unit_of_work(timeout=timeout_s)
        async def work(transaction: neo4j.AsyncManagedTransaction) -> Written:
            self.queries += 1
            try:
                result = await transaction.run(query, dict(params))
                rows = [dict(record.items()) async for record in result]
                return _written(rows, await result.consume())
            except exceptions.TransientError as error:
                raise out_of_memory(error) or error from error

        try:
            async with (
                asyncio.timeout(timeout_s + _SLACK_S),
                self._session(access) as session,
            ):
                if access == neo4j.READ_ACCESS:
                    return await session.execute_read(work)
                return await session.execute_write(work)
        except TimeoutError as error:
            raise timed_out(timeout_s) from error
        except (exceptions.DriverError, exceptions.Neo4jError) as error:
            raise translated(error, self.settings.uri, self.settings.user, timeout_s) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _check_address(settings: Settings) -> None:
    # The driver also takes http://, as a preview without what Attune needs: Browser's address is an easy mistake.
    if not settings.uri.startswith(("bolt", "neo4j")):
        raise bad_address(settings.uri, ValueError("it begins with neither bolt:// nor neo4j://"))


def _config(retry_s: float) -> dict[str, Any]:
    return {
        "connection_timeout": _CONNECT_TIMEOUT_S,
        "connection_acquisition_timeout": 2 * _CONNECT_TIMEOUT_S,
        "max_transaction_retry_time": retry_s,
        "initial_retry_delay": 0.2,
        # A connection that was idle for a while may be dead: better one small round trip than a failed request.
        "liveness_check_timeout": 30.0,
        "notifications_min_severity": "OFF",
        "telemetry_disabled": True,
        "user_agent": "attune",
    }


def _written(rows: list[Row], summary: neo4j.ResultSummary) -> Written:
    counters = summary.counters
    return Written(
        rows,
        counters.nodes_created,
        counters.nodes_deleted,
        counters.relationships_created,
        counters.relationships_deleted,
    )
