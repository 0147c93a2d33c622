"""Offline import: a first load of millions of events as CSV files, straight into a fresh store.

The store is built beside the old one and takes its place by renaming: a crash leaves either, never half of one.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from graph import java, local
from graph.errors import GraphError


def build_store(
    home: Path, nodes: Mapping[str, Sequence[Path]], relationships: Mapping[str, Sequence[Path]], heap_mb: int
) -> None:
    """Import into a fresh store and put it in the old one's place; no server of this home may be running."""
    folder = local.folder(home)
    building, built = folder / "data.importing", folder / "data.imported"
    for old in (building, built):
        shutil.rmtree(old, ignore_errors=True)
    conf = folder / "conf.importing"
    conf.mkdir(exist_ok=True)
    text = (folder / "conf" / "neo4j.conf").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^server\.directories\.data=.*$", f"server.directories.data={building.name}", text)
    (conf / "neo4j.conf").write_text(text, encoding="utf-8")
    arguments = [
        "database",
        "import",
        "full",
        # The options' lists take every word after them: the database's name stands before.
        "neo4j",
        "--id-type=string",
        "--multiline-fields=true",
        "--ignore-empty-strings=false",
        f"--threads={max(1, os.cpu_count() or 1)}",
        "--max-off-heap-memory=2g",
        f"--report-file={folder / 'logs' / 'import.report'}",
        *(f"--nodes={label}={_files(paths)}" for label, paths in nodes.items()),
        *(f"--relationships={kind}={_files(paths)}" for kind, paths in relationships.items()),
    ]
    java.admin(folder, arguments, log=local.console_file(home), heap_mb=heap_mb, conf=conf)
    (building / "dbms").mkdir(exist_ok=True)
    shutil.copy2(folder / "auth.ini", building / "dbms" / "auth.ini")
    building.rename(built)
    (folder / "data").rename(folder / "data.replaced")
    built.rename(folder / "data")
    settle(home)


def settle(home: Path) -> None:
    """Finish or undo an import that was cut off: the store is then the old one or the whole new one."""
    folder = local.folder(home)
    if not (folder / "data").exists() and (folder / "data.imported").exists():
        (folder / "data.imported").rename(folder / "data")
    for left in ("data.importing", "data.imported", "data.replaced", "conf.importing"):
        shutil.rmtree(folder / left, ignore_errors=True)


def _files(paths: Sequence[Path]) -> str:
    if not paths:
        raise ValueError("an import needs at least one file for each label and type")
    for path in paths:
        if "," in str(path):
            raise GraphError(f"{path} holds a comma, which separates files here.", "Use another ATTUNE_HOME.")
    return ",".join(str(path) for path in paths)
