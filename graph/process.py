"""The process of the local Neo4j: its configuration, its start, what its log says when it fails, its end."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import LiteralString

from graph import classdata, jars, java, local
from graph.client import Client, Settings
from graph.errors import AuthFailed, GraphError, ServerFailed, Unavailable

Report = Callable[[str], None]

BOLT_PORT = 7687
HTTP_PORT = 7474

_START_TIMEOUT_S = 180.0
_STOP_TIMEOUT_S = 60.0
_PAGE_CACHE_MB = 256
_DATABASES: LiteralString = """
SHOW DATABASES YIELD name, statusMessage WHERE name <> 'system' AND statusMessage <> '' RETURN statusMessage AS message
"""
# The first words of each start in Neo4j's log.
_STARTS = "INFO  Starting..."

# Folders are relative to the home on the command line: Neo4j reads this file as Latin-1, and would make folders of
# other names out of a home that is not plain ASCII.
_CONF = """\
# Written by Attune at each start.
server.directories.data=data
server.directories.logs=logs
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{bolt}
server.bolt.advertised_address=127.0.0.1:{bolt}
server.http.listen_address=127.0.0.1:{http}
server.http.advertised_address=127.0.0.1:{http}
server.https.enabled=false
server.memory.pagecache.size={page_cache_mb}m
db.transaction.timeout=120s
db.memory.transaction.max={transaction_mb}m
dbms.memory.transaction.total.max={total_mb}m
db.tx_log.rotation.retention_policy=1 files
dbms.usage_report.enabled=false
client.allow_telemetry=false
# A server that hangs is noticed by its clients after keep_alive * probes.
server.bolt.connection_keep_alive=5s
server.bolt.connection_keep_alive_for_requests=ALL
server.bolt.connection_keep_alive_probes=2
# At a stop Bolt has ended its connections and waits twice so many seconds whether one more comes: 5 unless told.
internal.dbms.bolt.netty_server_shutdown_quiet_period=0
"""

# What Neo4j writes when it will not start, and what to do about it.
_CAUSES = (
    (("Could not reserve enough space", "insufficient memory", "OutOfMemoryError", "Cannot allocate memory"), "memory"),
    (("Address already in use", "BindException"), "port"),
    (("newer version", "downgrade", "Unknown store version", "not possible to open", "UnknownStoreVersion"), "newer"),
    (("FileLockException", "already in use by another process", "Lock file has been locked"), "locked"),
    (("No space left on device",), "disk"),
)
REMEDIES = {
    "memory": "There is too little memory: close other programs, or start with a smaller heap (`--heap-mb 512`).",
    "port": "Another program took the port in the meantime: try again.",
    "newer": "The store was written by a newer Neo4j: update Attune, or start with another ATTUNE_HOME.",
    "locked": "Another Neo4j uses this store: stop it first.",
    "disk": "The disk is full.",
}

# Servers that this process started: kept, so that their end can be collected.
_children: dict[int, subprocess.Popen[bytes]] = {}


def configure(home: Path, heap_mb: int, bolt: int, http: int) -> None:
    """Write `conf/neo4j.conf` for these ports and this heap."""
    folder = local.folder(home)
    (folder / "conf").mkdir(parents=True, exist_ok=True)
    text = _CONF.format(
        bolt=bolt,
        http=http,
        page_cache_mb=_PAGE_CACHE_MB,
        transaction_mb=heap_mb // 2,
        total_mb=heap_mb * 7 // 10,
    )
    (folder / "conf" / "neo4j.conf").write_text(text, encoding="utf-8")


def start(
    home: Path, heap_mb: int, class_path: Sequence[Path], report: Report, java_options: Sequence[str] | None = None
) -> local.Record:
    """Start the process and record it; it is not up yet. It uses what class data there is, unless told otherwise."""
    options = classdata.options() if java_options is None else java_options
    before = local.configured_ports(home) or (BOLT_PORT, HTTP_PORT)
    bolt, http = _port(BOLT_PORT, before[0], report), _port(HTTP_PORT, before[1], report)
    configure(home, heap_mb, bolt, http)
    folder, console = local.folder(home), local.console_file(home)
    console.parent.mkdir(parents=True, exist_ok=True)
    report(f"Starting Neo4j {jars.neo4j_version()} (about 10 s)")
    with console.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603
            java.server_command(folder, local.ENTRY_POINT, heap_mb, options),
            env=java.environment(folder, class_path),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _collect()
    _children[process.pid] = process
    record = local.Record(process.pid, local.created_at(process.pid) or time.time(), bolt, http)
    local.save(home, record)
    return record


def _port(wanted: int, before: int, report: Report) -> int:
    """Return the port of the last start where it is free: services that run on find the database there again."""
    if before != wanted and _bound(before) is not None:
        report(f"Using port {before}, as before")
        return before
    return _free_port(wanted, report)


def _free_port(wanted: int, report: Report) -> int:
    for port in (wanted, 0):
        found = _bound(port)
        if found is None:
            continue
        if found != wanted:
            report(f"Port {wanted} is taken; using {found}")
        return found
    raise ServerFailed("This machine has no free port on 127.0.0.1.")


def _bound(port: int) -> int | None:
    """Return the port if it can be had; for 0, one that can; None if it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def wait(home: Path, record: local.Record, password: str) -> bool:
    """Wait until the server answers; False when its port was taken from under it."""
    log = local.log_file(home)
    deadline = time.monotonic() + _START_TIMEOUT_S
    settings = Settings(record.bolt, local.USER, password)
    while time.monotonic() < deadline:
        _collect()
        if local.created_at(record.pid, record.created) is None:
            local.forget(home)
            cause = _cause(local.console_file(home), log)
            if cause == "port":
                return False
            raise ServerFailed("Neo4j ended while it started.", REMEDIES.get(cause, _last_words(home)), log)
        if (
            local.listens(record, record.bolt_port)
            and _answers(home, settings, record)
            and local.listens(record, record.http_port)
        ):
            return True
        time.sleep(0.1)
    stop(record)
    local.forget(home)
    raise ServerFailed(f"Neo4j did not come up within {_START_TIMEOUT_S:.0f} s.", "Its log may say why.", log)


def _answers(home: Path, settings: Settings, record: local.Record) -> bool:
    with Client(settings, retry_s=0.0) as client:
        try:
            client.read("RETURN 1 AS one", timeout_s=10.0)
        except AuthFailed as error:
            raise AuthFailed(
                error.message, f"The password in {local.password_file(home)} is not the one that the store was given."
            ) from error
        except Unavailable as error:
            # Bolt listens before the database is there; a store that cannot be opened never is.
            cause = _cause(local.log_file(home), local.folder(home) / "logs" / "debug.log")
            trouble = _store_trouble(settings)
            if cause in ("newer", "locked", "disk", "memory") or trouble:
                stop(record)
                local.forget(home)
                remedy = REMEDIES.get(cause, "Load the data anew with another ATTUNE_HOME, or restore a copy.")
                raise ServerFailed(
                    f"Neo4j could not open its store. {trouble}", remedy, local.log_file(home)
                ) from error
            return False
        except GraphError:
            return False
    return True


def _store_trouble(settings: Settings) -> str:
    """Return why the database cannot be opened, as the system database tells it; "" while it may still open."""
    with Client(replace(settings, database="system"), retry_s=0.0) as client:
        try:
            rows = client.read(_DATABASES, timeout_s=10.0)
        except GraphError:
            return ""
    return " ".join(row["message"] for row in rows)


def _last_words(home: Path) -> str:
    """Return the last line with an error that the process left behind."""
    for log in (local.console_file(home), local.log_file(home)):
        if log.is_file():
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            lines = [line.strip() for line in lines if "ERROR" in line or "Error" in line or "Exception" in line]
            if lines:
                return f"It said: {lines[-1][:500]}"
    return "Its log may say why."


def _cause(*logs: Path) -> str:
    """Name the reason that the end of the logs gives, "" when they give none that is known."""
    for log in logs:
        if not log.is_file():
            continue
        tail = log.read_bytes()[-20_000:].decode(errors="replace")
        # Only what this start wrote: older starts may have failed for other reasons.
        tail = tail[max(0, tail.rfind(_STARTS)) :]
        for signs, cause in _CAUSES:
            if any(sign in tail for sign in signs):
                return cause
    return ""


def stop(record: local.Record) -> None:
    """End the server: cleanly, and by force when it does not obey."""
    import psutil

    if local.created_at(record.pid, record.created) is None:
        _collect()
        return
    process = psutil.Process(record.pid)
    try:
        # A stopped process cannot end itself.
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(_STOP_TIMEOUT_S)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(_STOP_TIMEOUT_S)
    except psutil.NoSuchProcess:
        return
    finally:
        _collect()


def _collect() -> None:
    """Take note of the servers that this process started and that have ended."""
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]
