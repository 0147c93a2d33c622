"""What the tests of loading share: a source written out as a folder, and a loader that is killed at a chosen moment."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl

from graph import snapshot
from graph.client import Client, Settings
from graph.client import settings as client_settings
from loaders.records import REJECT, RESERVED, TABLES, Source, chunks

# The process ends itself, so that the moment is exact; SIGKILL leaves it no time to tidy up, like any other kill -9.
_KILLED = """
import os, signal, sys, threading
from pathlib import Path
from graph.client import settings
from loaders import load, online
from loaders.files import Folder

folder, home, way, phase, step, batch = sys.argv[1:]
home = Path(home)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class Killer:
    name, steps = "", 0
    def phase(self, name, total=None):
        self.name, self.steps = name, 0
        if name.startswith(phase) and float(step) < 1:
            threading.Timer(float(step), die).start()
    def advance(self, n):
        self.steps += 1
        if self.name == phase and self.steps == int(step):
            die()

online.BATCH = int(batch)
if phase == "journal":
    save, count = online._save, [0]
    def before_entry(stage, journal):
        count[0] += 1
        if count[0] == int(step):
            die()
        save(stage, journal)
    online._save = before_entry
source = Folder(Path(folder), chunk_rows=int(batch))
load.load(source, home=home, client_settings=settings(home), online=way == "online", progress=Killer())
"""


_UP = """
import sys
from pathlib import Path
from graph import server
server.up(Path(sys.argv[1]), heap_mb=512, report=print)
"""


def export(source: Source, folder: Path) -> Path:
    """Write the rows of a source that it does not refuse itself as a folder of the generic format."""
    folder.mkdir(parents=True)
    for table in TABLES:
        for number, chunk in enumerate(chunks(source, table)):
            kept = chunk.filter(pl.col(REJECT).is_null()) if REJECT in chunk.columns else chunk
            kept.drop(RESERVED, strict=False).write_parquet(folder / f"{table}-{number}.parquet")
    lines = ["[attributes]"]
    for name, found in source.declarations.attributes.items():
        order = f", order = {list(found.order)}" if found.order else ""
        lines.append(f'{name} = {{ kind = "{found.kind}"{order} }}')
    (folder / "source.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder


def killed_load(
    folder: Path, home: Path, settings: Settings | None, *, phase: str, step: float, batch: int = 400
) -> None:
    """Load a folder in another process, online when `settings` are given, and kill it at step `step` of a phase.

    A phase `journal` kills it between writing a batch and entering it. A step below 1 is seconds after the beginning.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_")}
    if settings is not None:
        environment |= {"NEO4J_URI": settings.uri, "NEO4J_USER": settings.user, "NEO4J_PASSWORD": settings.password}
    way = "online" if settings is not None else "bulk"
    arguments = [str(folder), str(home), way, phase, str(step), str(batch)]
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, *arguments], env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, f"the loader was not killed in {phase}:\n{done.stdout}{done.stderr}"


def start_server(home: Path) -> Settings:
    """Start the local server of `home` from a process that ends, as `attune up` does, and return how to reach it."""
    subprocess.run([sys.executable, "-c", _UP, str(home)], check=True)
    return client_settings(home)


def snapshot_id(client: Client) -> str:
    """Return the id of all that the graph holds."""
    return snapshot.read(client).id
