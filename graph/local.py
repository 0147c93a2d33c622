"""Which local Neo4j is running: the record of it, adoption of one whose starter died, its password.

Folders under `home/neo4j`: `data` (the store), `conf`, `logs` (Neo4j's own), `server.json` (the record), `password`.
"""

import json
import os
import secrets
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from graph.client import Settings
from graph.errors import ServerFailed

USER = "neo4j"
ENTRY_POINT = "org.neo4j.server.CommunityEntryPoint"

# The create time that the system reports for one process may differ in the last digits between two readings.
_SAME_CREATE_TIME_S = 1.0


@dataclass(frozen=True, slots=True)
class Record:
    """A server process and its doors."""

    pid: int
    created: float
    """The process's create time, seconds since 1970: tells it from a later process with the same id."""
    bolt_port: int
    http_port: int

    @property
    def bolt(self) -> str:
        """The address for drivers."""
        return f"bolt://127.0.0.1:{self.bolt_port}"

    @property
    def browser(self) -> str:
        """The address of Neo4j Browser."""
        return f"http://127.0.0.1:{self.http_port}/browser/"


def folder(home: Path) -> Path:
    """Return the folder of the local server."""
    return home / "neo4j"


def log_file(home: Path) -> Path:
    """Return the file to which Neo4j writes what it does."""
    return folder(home) / "logs" / "neo4j.log"


def console_file(home: Path) -> Path:
    """Return the file with what the Java process last started, or the administration tool, printed."""
    return folder(home) / "logs" / "console.log"


def password_file(home: Path) -> Path:
    """Return the file (mode 0600) that holds the password of the user `neo4j`."""
    return folder(home) / "password"


def running(home: Path) -> Record | None:
    """Return the running server of this home; removes the record of one that is gone.

    A server whose starter died before it could write the record is found by its command line.
    """
    file = folder(home) / "server.json"
    with suppress(FileNotFoundError, ValueError, TypeError):
        record = Record(**json.loads(file.read_text(encoding="utf-8")))
        if created_at(record.pid, record.created) is not None:
            return record
    file.unlink(missing_ok=True)
    found = _orphan(home)
    if found is not None:
        save(home, found)
    return found


def save(home: Path, record: Record) -> None:
    """Write the record, whole or not at all."""
    file = folder(home) / "server.json"
    torn = file.with_suffix(f".{os.getpid()}")
    torn.write_text(json.dumps(asdict(record)), encoding="utf-8")
    torn.replace(file)


def forget(home: Path) -> None:
    """Remove the record."""
    (folder(home) / "server.json").unlink(missing_ok=True)


def settings(home: Path, record: Record) -> Settings:
    """Return how to reach this server. Raises `ServerFailed` when its password is lost."""
    return Settings(uri=record.bolt, user=USER, password=password(home))


def password(home: Path) -> str:
    """Return the password that the first start drew. Raises `ServerFailed` when its file is gone."""
    try:
        return password_file(home).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise lost(home, password_file(home)) from error


def lost(home: Path, file: Path) -> ServerFailed:
    """Return what is said where a file of the password is not there, or not to be read."""
    return ServerFailed(
        f"The store in {folder(home)} has a password, but {file} is missing.",
        "Put the file back, or start with another ATTUNE_HOME.",
    )


def new_password(home: Path) -> str:
    """Draw the password and write it to a file that only the owner can read."""
    password = secrets.token_urlsafe(18)
    file = password_file(home)
    file.unlink(missing_ok=True)
    handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(password)
    return password


def created_at(pid: int, expected: float | None = None) -> float | None:
    """Return when the live process `pid` was created; None when there is none, or it is not the expected one."""
    import psutil

    try:
        process = psutil.Process(pid)
        created = process.create_time()
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
    except psutil.NoSuchProcess:
        return None
    if expected is not None and abs(created - expected) > _SAME_CREATE_TIME_S:
        return None
    return created


def listens(record: Record, port: int) -> bool:
    """Tell whether the server itself listens on a port: another program may have taken it in the meantime."""
    import psutil

    try:
        found = psutil.Process(record.pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)


def configured_ports(home: Path) -> tuple[int, int] | None:
    """Return the Bolt and HTTP port of the configuration last written."""
    found: dict[str, int] = {}
    with suppress(FileNotFoundError, ValueError):
        for line in (folder(home) / "conf" / "neo4j.conf").read_text(encoding="utf-8").splitlines():
            for name in ("bolt", "http"):
                if line.startswith(f"server.{name}.listen_address="):
                    found[name] = int(line.rsplit(":", 1)[1])
    return (found["bolt"], found["http"]) if len(found) == 2 else None


def _orphan(home: Path) -> Record | None:
    ports = configured_ports(home)
    if ports is None or sys.platform == "win32":
        return None
    import psutil

    ours = f"--home-dir={folder(home)}"
    for process in psutil.process_iter(["pid", "cmdline", "create_time", "status"]):
        command = process.info["cmdline"] or ()
        if ENTRY_POINT in command and ours in command and process.info["status"] != psutil.STATUS_ZOMBIE:
            return Record(process.info["pid"], process.info["create_time"], *ports)
    return None
