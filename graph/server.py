"""The local Neo4j: fetched once, configured, started, adopted, stopped; no Docker, no system Java.

It runs in a session of its own: it outlives the command that started it, and the next command finds it again.
"""

import fcntl
import shutil
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graph import bulk, jars, java, local, process, schema
from graph.client import Client, Settings
from graph.errors import GraphError, ServerFailed

Report = Callable[[str], None]

# Page cache, metaspace, threads and direct buffers beside the heap.
_BESIDE_HEAP_MB = 500
_LEAST_HEAP_MB = 256

_COUNT = "MATCH (n) WHERE NOT n:Attune RETURN count(n) AS nodes"


@dataclass(frozen=True, slots=True)
class Status:
    """What there is to know about the local server."""

    running: bool
    pid: int | None
    bolt: str | None
    browser: str | None
    version: str
    """The pinned version of Neo4j."""
    log: Path
    user: str
    password_file: Path


def fetch(report: Report) -> None:
    """Bring Neo4j's jars (and GraphiQL's) onto this machine; needs no network when they are there.

    Raises `ServerFailed` when they cannot be had.
    """
    java.executable()
    jars.fetch(report)


def up(home: Path, *, heap_mb: int = 1024, report: Report, java_options: Sequence[str] | None = None) -> Settings:
    """Start the local Neo4j, or adopt the one that runs already, and return how to reach it.

    A graph of an older schema is brought to the current one. `java_options` stand in for those that make a start
    quick. Raises `ServerFailed` when it does not come up, with the reason and the log.
    """
    with _alone(home):
        settings = _up(home, heap_mb, report, java_options)
        with Client(settings) as client:
            if 0 < schema.version(client) < schema.VERSION:
                report("Bringing the graph to the current schema")
                schema.migrate(client)
        return settings


def down(home: Path) -> bool:
    """Stop the local server cleanly; return whether one was running."""
    with _alone(home):
        record = local.running(home)
        if record is None:
            return False
        process.stop(record)
        local.forget(home)
        return True


def status(home: Path) -> Status:
    """Say whether the local server runs, and where."""
    record = local.running(home)
    return Status(
        running=record is not None,
        pid=record.pid if record else None,
        bolt=record.bolt if record else None,
        browser=record.browser if record else None,
        version=jars.neo4j_version(),
        log=local.log_file(home),
        user=local.USER,
        password_file=local.password_file(home),
    )


def import_csv(
    home: Path,
    nodes: Mapping[str, Sequence[Path]],
    relationships: Mapping[str, Sequence[Path]],
    report: Report,
    *,
    heap_mb: int = 1024,
) -> Settings:
    """Import CSV files into the empty local graph offline; return the running server, its schema up to date.

    `nodes` maps a label, and `relationships` a type, to its files: the first line of the first file is the header in
    neo4j-admin's notation (`id:ID(User)`, `:START_ID(User)`, `at:long`, ...); files may end in `.gz`. Raises
    `GraphError` when the graph is not empty, `ServerFailed` when the import fails; the graph is then as it was.
    """
    with _alone(home):
        with Client(_up(home, heap_mb, report)) as client:
            found = int(client.read(_COUNT)[0]["nodes"])
        if found:
            raise GraphError(f"The graph holds {found} nodes; an offline import needs an empty one.", "Load online.")
        record = local.running(home)
        if record is not None:
            process.stop(record)
            local.forget(home)
        started = time.monotonic()
        report("Importing into a fresh store")
        bulk.build_store(home, nodes, relationships, heap_mb)
        report(f"Imported in {time.monotonic() - started:.0f} s")
        settings = _up(home, heap_mb, report)
        report("Building constraints and indexes")
        with Client(settings) as client:
            schema.migrate(client)
        return settings


@contextmanager
def _alone(home: Path) -> Generator[None]:
    """Let one process at a time start or stop the server of this home."""
    folder = local.folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check_version(home: Path) -> None:
    file = local.folder(home) / "version"
    if not file.is_file():
        return
    written, pinned = file.read_text(encoding="utf-8").strip(), jars.neo4j_version()
    if _numbers(written) > _numbers(pinned):
        raise ServerFailed(
            f"The store was written by Neo4j {written}, this Attune has {pinned}.", process.REMEDIES["newer"]
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _check_space(home: Path, heap_mb: int) -> None:
    import psutil

    if heap_mb < _LEAST_HEAP_MB:
        raise ServerFailed(f"Neo4j does not run in a heap of {heap_mb} MB.", f"Give it {_LEAST_HEAP_MB} MB or more.")
    free_mb = psutil.virtual_memory().available // 2**20
    if free_mb < heap_mb + _BESIDE_HEAP_MB:
        raise ServerFailed(
            f"Neo4j needs about {heap_mb + _BESIDE_HEAP_MB} MB of memory; {free_mb} MB are free.",
            process.REMEDIES["memory"],
        )
    if shutil.disk_usage(home).free < 2**28:
        raise ServerFailed(f"{home} has less than 256 MB of free disk space.", process.REMEDIES["disk"])


def _password(home: Path, report: Report) -> str:
    """Return the password; on the first start, draw it and let Neo4j know."""
    folder = local.folder(home)
    initial = folder / "auth.ini"
    missing = [file for file in (local.password_file(home), initial) if not file.is_file()]
    if not missing:
        return local.password(home)
    if (folder / "data" / "databases").exists():
        raise local.lost(home, missing[0])
    report("Setting the first password")
    password = local.new_password(home)
    process.configure(home, 512, process.BOLT_PORT, process.HTTP_PORT)
    # A name that starts with a dash would be an option to the tool.
    java.admin(folder, ["dbms", "set-initial-password", "--", password], log=local.console_file(home))
    written = folder / "data" / "dbms" / "auth.ini"
    # A copy for the fresh store of an offline import.
    shutil.copy2(written, initial)
    initial.chmod(0o600)
    return password


def _up(home: Path, heap_mb: int, report: Report, java_options: Sequence[str] | None = None) -> Settings:
    bulk.settle(home)
    record = local.running(home)
    if record is not None:
        if not process.wait(home, record, local.settings(home, record).password):
            raise ServerFailed("The running Neo4j does not answer.", "Try `attune down`.", local.log_file(home))
        report(f"Neo4j is running at {record.bolt}")
        return local.settings(home, record)
    _check_version(home)
    _check_space(home, heap_mb)
    class_path = jars.ensure(jars.locked(jars.NEO4J), report)
    password = _password(home, report)
    for _ in range(3):
        record = process.start(home, heap_mb, class_path, report, java_options)
        if process.wait(home, record, password):
            (local.folder(home) / "version").write_text(jars.neo4j_version(), encoding="utf-8")
            return local.settings(home, record)
    raise ServerFailed("Neo4j found no free port in three tries.", log=local.log_file(home))
