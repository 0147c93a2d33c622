"""Rehearses a start of Neo4j once: Java keeps what every start would read and check anew (`graph.classdata`)."""

import fcntl
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

from graph import classdata, jars, schema, server, snapshot, write
from graph.client import Client
from graph.errors import GraphError

Report = Callable[[str], None]

_HEAP_MB = 512


def make(report: Report) -> bool:
    """Make the archives of class data unless Java takes those that are there; tell whether it takes them now.

    Starts a server in a home of its own, asks what every shop asks, and stops it. Without the archives nothing but time
    is lost: what goes wrong is reported, and not raised.
    """
    try:
        class_path = jars.ensure(jars.locked(jars.NEO4J), report)
        classdata.folder().mkdir(parents=True, exist_ok=True)
        with (classdata.folder() / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if classdata.usable(class_path):
                return True
            report("Rehearsing a start of Neo4j, so that each later one takes half as long (once, about 30 s)")
            if classdata.lay_base():
                _record()
            made = classdata.usable(class_path)
            if not made:
                classdata.kept_file().unlink(missing_ok=True)
    except (GraphError, OSError) as error:
        report(f"  Neo4j will start as slowly as ever: {error}")
        return False
    report("  done" if made else "  this Java keeps no class data: Neo4j will start as slowly as ever")
    return made


def _record() -> None:
    """Write the archive of Neo4j's classes; on the same disk until it is whole."""
    with tempfile.TemporaryDirectory(dir=classdata.folder()) as folder:
        home, torn = Path(folder), Path(folder) / "neo4j.jsa"
        try:
            found = server.up(home, heap_mb=_HEAP_MB, report=_silent, java_options=classdata.recording(torn))
            with Client(found) as client:
                _ask(client)
            browser = server.status(home).browser
            if browser:
                with urllib.request.urlopen(browser, timeout=30) as page:  # noqa: S310 - http on this machine
                    page.read()
        finally:
            server.down(home)
        if torn.is_file():
            torn.replace(classdata.kept_file())


def _ask(client: Client) -> None:
    """Run statements of every kind: the planner and what runs them are most of the classes."""
    schema.migrate(client)
    write.attributes(client, {"income": {"kind": "ordinal", "order": ["low", "high"]}})
    write.categories(client, [{"id": "c"}, {"id": "c > d"}])
    write.brands(client, [{"id": "b"}])
    write.items(client, [{"id": "i", "title": "Tea", "category": "c > d", "brand": "b", "price": 1.0}])
    write.users(client, [{"id": "u", "attr_income": "low"}])
    write.events(client, [{"event_id": "e", "user_id": "u", "item_id": "i", "type": "view", "at": 1}])
    snapshot.read(client)
    write.wipe(client)


def _silent(_: str) -> None: ...
