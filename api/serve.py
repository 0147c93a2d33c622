"""Runs the API until it is told to stop: one process or several, clean signals, structured logs."""

import asyncio
import contextlib
import errno
import logging
import resource
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import uvicorn

from api import tracing
from api.app import ApiSettings, App, create_app
from api.connection import bounded
from api.workers import Workers
from api.writes import Writes

# A WebSocket message is one operation: no larger than what a document may be.
_MESSAGE_BYTES = 65_536
_SHUTDOWN_S = 5
# Open files: each connection is one.
_FILES = 65_536


def serve(
    settings: ApiSettings,
    host: str,
    port: int,
    *,
    ready: Callable[[str, int], None] | None = None,
    level: str = "INFO",
    log_requests: bool = False,
    workers: int = 1,
) -> None:
    """Serve until SIGINT or SIGTERM; port 0 takes a free one. `ready` hears the address once it is taken.

    `log_requests`: one line per operation. Spans go where `api.tracing.configure` finds a collector. `workers`:
    processes that share the address.

    Raises `SystemExit` with a sentence when the address cannot be had.
    """
    _hold_many_lines()
    with contextlib.closing(listen(host, port)) as listening:
        configure_logs(level, requests=log_requests)
        address = listening.getsockname()
        if ready:
            ready(host, address[1])

        writes = Writes(workers)

        def work(place: int) -> None:
            flush = tracing.configure()
            Server(create_app(settings, writes.of(place)), at_end=flush).run(sockets=[listening])

        if workers == 1:
            work(0)
        else:
            Workers(workers, work).run()


def _hold_many_lines() -> None:
    """Let the process hold as many connections as it may: most systems give 1,024 to who does not ask."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def listen(host: str, port: int) -> socket.socket:
    """Take the address, so that nobody else can between the check and the start."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        # A bound socket alone does not keep another from binding the same address with SO_REUSEADDR.
        taken.listen(2_048)
    except OSError as error:
        taken.close()
        if error.errno == errno.EADDRINUSE:
            raise SystemExit(f"error: {host}:{port} is taken by another program. Choose another --port.") from None
        if error.errno == errno.EACCES:
            raise SystemExit(
                f"error: {host}:{port} may not be used by this user. Choose a --port above 1023."
            ) from None
        raise SystemExit(f"error: cannot listen on {host}:{port}: {error.strerror or error}.") from None
    taken.set_inheritable(True)
    return taken


class Server(uvicorn.Server):
    """A uvicorn server that ends subscriptions before it waits for open connections."""

    def __init__(self, app: App, *, at_end: Callable[[], object] | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=bounded(app.limits),
                ws="websockets-sansio",
                ws_max_size=_MESSAGE_BYTES,
                log_config=None,
                access_log=False,  # a query string may name a user
                server_header=False,
                timeout_graceful_shutdown=_SHUTDOWN_S,
                lifespan="on",
            )
        )
        self._app = app
        self._at_end = at_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let streams end by themselves, then stop as uvicorn does."""
        self._app.recommender.broadcast.close()
        await asyncio.sleep(0)
        await super().shutdown(sockets)
        if self._at_end:
            await asyncio.to_thread(self._at_end)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event, and what was given as `extra`."""

    _OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; of an exception its type and place, not its message, which may hold a user's data."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in self._OWN}
        if record.exc_info and record.exc_info[0]:
            line["cause"] = record.exc_info[0].__name__
        return orjson.dumps(line, default=str).decode()


def configure_logs(level: str, *, requests: bool = False) -> None:
    """Send Attune's and uvicorn's logs to stderr as JSON lines; `requests`: with one line per operation."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name, least in (("attune", level), ("uvicorn", "WARNING"), ("strawberry", "WARNING"), ("neo4j", "ERROR")):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(least)
        logger.propagate = False
    logging.getLogger("attune.requests").setLevel("INFO" if requests else "WARNING")
