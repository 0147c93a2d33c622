"""The staging area: checked records on disk, part by part, so that a load goes on where it was cut off.

`loads/<load id>/` holds `manifest.json` (what is done), `stage/` (Parquet parts; removed when the load is done),
`quarantine.jsonl` (refused rows), `report.json` and `sample.parquet`. Whatever the manifest does not name is not there:
each part is written beside its place, renamed, and only then entered.
"""

import fcntl
import hashlib
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from pydantic import BaseModel

from graph.disk import sync
from loaders.errors import LoadError
from loaders.records import FILE, RESERVED, ROW, Source
from loaders.refusals import Refusal
from loaders.validate import CONTENT_HASH, ID_HASH, Rejected

LOADS = "loads"
"""Folder of a home, with a folder of its own for each load."""

SAMPLE = "sample.parquet"
"""Some events of a load, by which it is recognised in the graph."""

# The meaning of what is staged: raise it when records, hashes or derived ids change.
_FORMAT = 1


class Part(BaseModel):
    """One staged chunk and what became of its rows."""

    name: str
    read: int
    rows: int
    duplicates: int = 0
    dropped: int = 0
    rejected: dict[str, int] = {}
    """Reason -> rows."""
    refusals: list[Refusal] = []
    """The same by column, each with an example."""
    types: dict[str, int] = {}
    """Event type -> rows, of events."""


class Table(BaseModel):
    """The staged parts of one table."""

    parts: list[Part] = []
    complete: bool = False


class Manifest(BaseModel):
    """What is done; the single source of truth after a crash."""

    load_id: str
    source: str
    tables: dict[str, Table] = {}
    notes: dict[str, int] = {}
    """Text -> rows it is about; 0 when it is not about rows."""
    encoded: bool = False
    """Users, items, categories, brands and promotions are staged as the graph wants them."""
    found: dict[str, Any] = {}
    """What encoding found, for the report."""
    mode: str | None = None
    """`bulk` or `online`, once decided."""
    fresh: bool = False
    """The graph was empty when this load began to write."""
    counts: dict[str, int] = {}
    """Users, items and events of the graph when the load was done."""
    done: bool = False
    seconds: dict[str, float] = {}
    """Phase -> seconds, summed over interrupted runs."""


def load_id(source: Source) -> str:
    """Return the id of loading exactly this data under these declarations."""
    digest = hashlib.blake2b(digest_size=8)
    # The hashes of ids and contents are polars' own and may change with its version.
    declared = source.declarations
    # Who declares no formats keeps the ids of loads from before there were any.
    declarations = declared.model_dump_json(exclude=None if declared.time_formats else {"time_formats"})
    told = (str(_FORMAT), pl.__version__, source.name, declarations, *source.identity())
    for text in told:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()


class Stage:
    """The folder of one load."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.parts = folder / "stage"
        self.quarantine = folder / "quarantine.jsonl"
        self.manifest = manifest

    def save(self) -> None:
        """Enter what is done; a reader sees the old manifest or the new one."""
        write_atomically(self.folder / "manifest.json", self.manifest.model_dump_json(indent=1).encode())

    def write(self, name: str, frame: pl.DataFrame) -> Path:
        """Write a frame under a name, whole or not at all."""
        path = self.parts / f"{name}.parquet"
        temporary = path.with_suffix(".tmp")
        frame.write_parquet(temporary, compression="lz4", statistics=False)
        sync(temporary)
        temporary.rename(path)
        return path

    def read(self, name: str) -> pl.DataFrame:
        """Return a frame written earlier."""
        return pl.read_parquet(self.parts / f"{name}.parquet")

    def table(self, name: str) -> Table:
        """Return the entry of a table in the manifest."""
        return self.manifest.tables.setdefault(name, Table())

    def scan(self, table: str) -> pl.LazyFrame | None:
        """Return all staged rows of a table, unread; None when it has no part."""
        parts = [self.parts / f"{part.name}.parquet" for part in self.table(table).parts]
        return pl.scan_parquet(parts, missing_columns="insert", extra_columns="ignore") if parts else None

    def hashes(self, table: str) -> Generator[pl.DataFrame]:
        """Yield the id and content hashes of each staged part."""
        for part in self.table(table).parts:
            yield pl.read_parquet(self.parts / f"{part.name}.parquet", columns=[ID_HASH, CONTENT_HASH])

    def write_rejected(self, name: str, rejected: Rejected) -> None:
        """Write the refused rows of a chunk; they join the quarantine file when the stage is complete."""
        path = self.parts / f"{name}.rejected"
        if len(rejected):
            raw = rejected.rows.drop(RESERVED, strict=False)
            lines = (
                orjson.dumps(
                    {"file": file, "row": row, "column": column or None, "reason": reason, "raw": values},
                    option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS,
                    default=str,
                )
                for file, row, column, reason, values in zip(
                    rejected.rows[FILE],
                    rejected.rows[ROW],
                    rejected.column,
                    rejected.reason,
                    raw.iter_rows(named=True),
                    strict=True,
                )
            )
            write_atomically(path, b"".join(lines))

    def gather_quarantine(self) -> None:
        """Write the quarantine file from the rejects of all parts; none is written when nothing was refused."""
        files = [
            path
            for table in self.manifest.tables.values()
            for part in table.parts
            if (path := self.parts / f"{part.name}.rejected").is_file()
        ]
        if not files:
            self.quarantine.unlink(missing_ok=True)
            return
        temporary = self.quarantine.with_suffix(".tmp")
        with temporary.open("wb") as out:
            temporary.chmod(0o600)
            for file in files:
                with file.open("rb") as part:
                    shutil.copyfileobj(part, out)
        temporary.rename(self.quarantine)

    def clear(self) -> None:
        """Remove the staged parts; manifest, quarantine and report stay."""
        shutil.rmtree(self.parts, ignore_errors=True)

    def restart(self) -> None:
        """Forget what was done and stage anew."""
        self.clear()
        self.manifest = Manifest(load_id=self.manifest.load_id, source=self.manifest.source)
        self.parts.mkdir(parents=True)
        self.save()


@contextmanager
def opened(home: Path, source: Source) -> Generator[Stage]:
    """Open the stage of a load, new or left by an earlier run, for this process alone.

    Raises `LoadError` while another process loads the same data, or empties the graph.
    """
    identity = load_id(source)
    folder = home / LOADS / identity
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        _locked(home / LOADS, fcntl.LOCK_SH, "another process is emptying the graph."),
        _locked(folder, fcntl.LOCK_EX, f"another process is loading {source.name} already."),
    ):
        path = folder / "manifest.json"
        if path.is_file():
            manifest = Manifest.model_validate_json(path.read_bytes())
        else:
            manifest = Manifest(load_id=identity, source=source.name)
        stage = Stage(folder, manifest)
        stage.parts.mkdir(exist_ok=True)
        yield stage


@contextmanager
def nobody_loads(home: Path) -> Generator[None]:
    """Keep loads of this home from beginning. Raises `LoadError` while one runs."""
    folder = home / LOADS
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder, fcntl.LOCK_EX, "another process is loading into the graph."):
        yield


@contextmanager
def _locked(folder: Path, how: int, otherwise: str) -> Generator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LoadError(otherwise, remedy="Wait for it to end, or stop it.") from None
        yield


def sources(home: Path) -> frozenset[str]:
    """Return the names of the sources whose loads were begun from this home."""
    manifests = (home / LOADS).glob("*/manifest.json")
    return frozenset(Manifest.model_validate_json(path.read_bytes()).source for path in manifests)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is either the old one or the new one, after a power cut too."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    temporary.chmod(0o600)
    sync(temporary)
    temporary.rename(path)


def as_json(data: Any) -> bytes:  # noqa: ANN401 - whatever orjson takes
    """Return indented JSON."""
    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def columns_of(names: Iterable[str]) -> list[str]:
    """Return the columns that are the shop's, without those that staging adds."""
    return [name for name in names if name not in (ID_HASH, CONTENT_HASH, *RESERVED)]
