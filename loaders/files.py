"""The generic source: a folder with `events.*`; and optional `items.*`, `users.*`, `exposures.*`, `source.toml`."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import polars as pl

from loaders import declarations, readers
from loaders.declarations import Declarations
from loaders.errors import EmptyFile, LoadError, MissingColumn, UnreadableFile, nearest
from loaders.readers import Part
from loaders.records import CHUNK_ROWS, REQUIRED, RESERVED, TABLES

# events.csv, events-001.csv, events_2023.jsonl.gz, events.part2.parquet
_NAME = re.compile(
    r"^(?P<table>users|items|events|exposures)(?:[-_.].*)?\.(?P<format>parquet|csv|jsonl)(?P<gz>\.gz)?$", re.IGNORECASE
)
FORMATS = ".parquet, .csv, .csv.gz, .jsonl, .jsonl.gz"


class Folder:
    """A shop's own files. What is wrong with them as a whole is said at once, before anything is read."""

    def __init__(self, path: Path, *, chunk_rows: int = CHUNK_ROWS) -> None:
        """Raise the errors of `loaders.errors` for a folder that cannot be loaded."""
        self.path = path
        self._chunk_rows = chunk_rows
        self._notes: dict[str, None] = {}
        if not path.is_dir():
            raise UnreadableFile("there is no such folder.", file=str(path))
        self._parts = _parts(path)
        declared = path / "source.toml"
        self._declarations = declarations.read(declared) if declared.is_file() else Declarations()
        self._headers = {
            part: readers.header(part, self._declarations.separator) for parts in self._parts.values() for part in parts
        }
        self._check_headers()

    @property
    def name(self) -> str:
        """Return the folder's name."""
        return f"files {self.path.name}"

    @property
    def declarations(self) -> Declarations:
        """Return what `source.toml` says."""
        return self._declarations

    def identity(self) -> tuple[str, ...]:
        """Return the place, names, sizes and times of change of all files."""
        files = [part.path for parts in self._parts.values() for part in parts]
        told = [str(self.path.resolve()), str(self._chunk_rows)]
        for file in files:
            stat = file.stat()
            told += [file.name, str(stat.st_size), str(stat.st_mtime_ns)]
        return tuple(told)

    def notes(self) -> list[str]:
        """Return what was found on the way."""
        return list(self._notes)

    def rows(self, table: str) -> int | None:
        """Return the number of rows of Parquet files; other formats do not tell."""
        parts = self._parts[table]
        if any(part.format != "parquet" or part.path.stat().st_size == 0 for part in parts):
            return None
        return sum(pl.scan_parquet(part.path).select(pl.len()).collect().item() for part in parts)

    def users(self) -> Iterator[pl.DataFrame]:
        """Yield raw chunks of users; without a users table, none."""
        return self._read("users")

    def items(self) -> Iterator[pl.DataFrame]:
        """Yield raw chunks of items; without an items table, none."""
        return self._read("items")

    def events(self) -> Iterator[pl.DataFrame]:
        """Yield raw chunks of events; raises `EmptyFile` when there is not a single row."""
        found = False
        for chunk in self._read("events"):
            found = True
            yield chunk
        if not found:
            raise EmptyFile(
                "there are no events in it.",
                file=", ".join(part.name for part in self._parts["events"]),
                remedy="Export the events again.",
            )

    def exposures(self) -> Iterator[pl.DataFrame]:
        """Yield raw chunks of promotions; without an exposures table, none."""
        return self._read("exposures")

    def _read(self, table: str) -> Iterator[pl.DataFrame]:
        for part in self._parts[table]:
            empty = True
            renames = self._renames(table, self._headers[part])
            for chunk in readers.chunks(
                part, self._note, separator=self._declarations.separator, rows=self._chunk_rows
            ):
                empty = False
                yield _named(chunk, table, renames)
            if empty:
                self._note(f"{part.name}: no rows in it")

    def _note(self, text: str) -> None:
        self._notes[text] = None

    def _renames(self, table: str, names: list[str]) -> dict[str, str]:
        """Return theirs -> ours for the columns of one file."""
        declared: Mapping[str, str] = getattr(self._declarations.columns, table)
        found = {theirs: ours for ours, theirs in declared.items() if theirs in names}
        taken = set(found.values())
        for name in names:
            if name in found or name in declared:
                continue  # a declared column takes the place of one that happens to have its name
            ours = name if name in TABLES[table] else name.strip().lower()
            if ours in TABLES[table] and ours not in taken:
                found[name] = ours
                taken.add(ours)
            elif table == "users":
                found[name] = self._attribute(name, taken)
                taken.add(found[name])
        return found

    def _attribute(self, name: str, taken: set[str]) -> str:
        ours = attribute_name(name)
        if not ours or ours in taken:
            raise LoadError(
                f"the columns {name!r} and another one would both be the attribute {ours!r}.",
                file=str(self.path),
                column=name,
                remedy="Rename one in source.toml: [columns.users].",
            )
        return ours

    def _check_headers(self) -> None:
        for table, parts in self._parts.items():
            declared: Mapping[str, str] = getattr(self._declarations.columns, table)
            for part in parts:
                names = self._headers[part]
                if not names:
                    continue
                ours = set(self._renames(table, names).values())
                for needed in REQUIRED[table]:
                    if needed not in ours:
                        raise self._missing(table, part, declared.get(needed, needed), needed, names)
                for wanted in declared.values():
                    if not any(wanted in self._headers[other] for other in parts):
                        raise self._missing(table, part, wanted, None, names)
                ignored = [name for name in names if name not in self._renames(table, names)]
                if ignored and part.format != "jsonl":
                    self._note(f"{part.name}: columns that Attune does not know were left out: {', '.join(ignored)}")
        unknown = set(self._declarations.attributes) - self._attributes
        if unknown and self._parts["users"]:
            name = min(unknown)
            self._note(f"source.toml declares the attribute {name!r}, which no users file has")

    @cached_property
    def _attributes(self) -> set[str]:
        return {ours for part in self._parts["users"] for ours in self._renames("users", self._headers[part]).values()}

    def _missing(self, table: str, part: Part, wanted: str, needed: str | None, names: list[str]) -> MissingColumn:
        remedy = f"It has {', '.join(names)}. {nearest(wanted, [name.lower() for name in names])}".strip()
        if needed is not None:
            remedy += f' Name the column in source.toml: [columns.{table}] {needed} = "...".'
        return MissingColumn(f"the column {wanted!r} is missing.", file=part.name, column=wanted, remedy=remedy)


def attribute_name(name: str) -> str:
    """Return a column's name as an attribute's: lower case, letters, digits and underscores."""
    return re.sub(r"\W+", "_", name.strip()).strip("_").lower()


def _named(chunk: pl.DataFrame, table: str, renames: Mapping[str, str]) -> pl.DataFrame:
    """Return the chunk with our names, without what the table does not have."""
    if table == "users":
        # JSON lines may bring up an attribute late: its first rows were all the header there was.
        late = {name: attribute_name(name) for name in chunk.columns if name not in (*renames, *RESERVED)}
        known = set(renames.values())
        renames = {**{name: ours for name, ours in late.items() if ours not in known}, **renames}
    wanted = [pl.col(name).alias(renames[name]) for name in chunk.columns if name in renames]
    kept = [pl.col(name) for name in RESERVED if name in chunk.columns]
    named = chunk.select(*wanted, *kept)
    missing = [name for name in REQUIRED[table] if name not in named.columns]
    return named.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)


def _parts(path: Path) -> dict[str, list[Part]]:
    """Return the files of each table in natural order of their names: part 2 before part 10."""
    found: dict[str, list[Part]] = {table: [] for table in TABLES}
    others: list[str] = []
    for file in sorted(path.iterdir(), key=lambda file: _natural(file.name)):
        match = _NAME.match(file.name)
        if match is None or (match["gz"] and match["format"].lower() == "parquet"):
            if not file.name.startswith(".") and file.name != "source.toml":
                others.append(file.name)
        elif file.is_file():
            name = f"{path.name}/{file.name}"
            found[match["table"].lower()].append(Part(file, name, match["format"].lower()))
    if not found["events"]:
        has = f"It has {', '.join(others)}. " if others else "It is empty. " if not any(found.values()) else ""
        raise UnreadableFile(
            "the folder has no events file.",
            file=str(path),
            remedy=f"{has}Name it events with one of {FORMATS}, or parts events-001.csv, events-002.csv, ...",
        )
    return found


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name.lower()) if part)
