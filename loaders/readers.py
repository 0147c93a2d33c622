"""One file -> raw chunks of bounded size: CSV, JSON lines, Parquet. Nothing is judged here but the file itself.

Text formats give text columns. A line that cannot be taken apart keeps its row number and gets a reason to be refused.
"""

import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import polars as pl

from loaders.errors import UnreadableFile
from loaders.records import CHUNK_ROWS, FILE, REJECT, ROW
from loaders.text import TextFile

SEPARATORS = (",", ";", "\t", "|")

TOO_MANY_FIELDS = "more fields than the header"
NOT_AN_OBJECT = "not a JSON object"

# A field of more than this is an unclosed quote: without a limit it would swallow the rest of the file.
_LONGEST_FIELD = 1 << 20
_BLOCK_CHARS = 12_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a table."""

    path: Path
    name: str
    """As shown to the user."""
    format: str
    """`csv`, `jsonl` or `parquet`."""


Note = Callable[[str], None]


def header(part: Part, separator: str | None = None) -> list[str]:
    """Return the column names of a file; none when it is empty.

    JSON lines have no header: theirs are the keys of the first rows. Raises `UnreadableFile`.
    """
    if part.path.stat().st_size == 0:
        return []
    with _readable(part):
        if part.format == "parquet":
            return list(pl.read_parquet_schema(part.path))
        if part.format == "csv":
            with TextFile(part.path) as text:
                return _csv_header(text.readline(), separator)[1]
        with TextFile(part.path) as text:
            names: dict[str, None] = {}
            for _, line in zip(range(1000), text, strict=False):
                row = _object(line)
                names.update(dict.fromkeys(row or ()))
            return list(names)


def chunks(part: Part, note: Note, *, separator: str | None = None, rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
    """Yield the file's rows in order, `rows` at a time, with `FILE`, `ROW` and, where a row is damaged, `REJECT`.

    Raises `UnreadableFile` when the file breaks off or is not what its name says.
    """
    if part.path.stat().st_size == 0:
        return
    reader = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}[part.format]
    yield from reader(part, note, separator, rows)


def _csv(part: Part, note: Note, separator: str | None, rows: int) -> Iterator[pl.DataFrame]:
    csv.field_size_limit(_LONGEST_FIELD)
    opened = TextFile(part.path)
    with _readable(part), opened as text:
        found, names = _csv_header(text.readline(), separator)
        _refuse_repeats(part, names)
        first = 1
        while block := text.read(_BLOCK_CHARS):
            block += text.readline()
            frame = _plain_block(block, found, names)
            damaged: dict[int, str] = {}
            if frame is None:
                frame = _quoted_block(block, text, found, names, damaged, first)
            for start in range(0, frame.height, rows):
                piece = frame[start : start + rows]
                inside = {row - start: why for row, why in damaged.items() if start <= row < start + rows}
                yield _numbered(piece, part, first + start, inside)
            first += frame.height
    _note_encoding(part, opened, note)


def _plain_block(block: str, separator: str, names: Sequence[str]) -> pl.DataFrame | None:
    """Return whole lines as a frame, or None when a quotation mark or a line of other width needs the careful way."""
    if '"' in block:
        return None
    block = block.replace("\r\n", "\n")
    if not block.endswith("\n"):
        block += "\n"
    lines = block.count("\n")
    if "\r" in block or "\n\n" in block or block[0] == "\n" or "\0" in block:
        return None
    if block.count(separator) != lines * (len(names) - 1):
        return None
    try:
        frame = pl.read_csv(
            block.encode(),
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            separator=separator,
            quote_char=None,
            truncate_ragged_lines=False,
        )
    except pl.exceptions.PolarsError:
        return None  # one line is too long and another too short
    return frame if frame.height == lines else None


def _quoted_block(
    block: str, rest: Iterator[str], separator: str, names: Sequence[str], damaged: dict[int, str], first: int
) -> pl.DataFrame:
    """Return the records that begin in `block`, reading on in `rest` where the last one is longer.

    `first` is the number of the first of them in the file. Raises `csv.Error` when the file ends within quotes.
    """
    lines = list(io.StringIO(block, newline=""))
    width = len(names)
    records: list[list[str]] = []

    def end() -> Iterator[str]:
        # Asked for more lines than there are only within quotes, where it would take all of them for one field.
        raise csv.Error(f"the file ends within the quotation mark of row {first + len(records)}")
        yield

    reader = csv.reader(itertools.chain(lines, rest, end()), delimiter=separator)
    # The reader counts lines, not records: at the end of the block's lines it stands between two records.
    while reader.line_num < len(lines):
        fields = next(reader, None)
        if not fields:
            continue  # an empty line is no row
        if len(fields) > width:
            damaged[len(records)] = TOO_MANY_FIELDS
            # What was there stays readable in the quarantine file.
            fields = [*fields[: width - 1], separator.join(fields[width - 1 :])]
        elif len(fields) < width:
            fields = fields + [""] * (width - len(fields))
        records.append(fields)
    columns = zip(*records, strict=True) if records else [()] * width
    return pl.DataFrame([pl.Series(name, column, pl.String) for name, column in zip(names, columns, strict=True)])


def _csv_header(line: str, separator: str | None) -> tuple[str, list[str]]:
    if not line.strip():
        return separator or ",", []
    if separator is None:
        separator = max(SEPARATORS, key=lambda sign: len(next(csv.reader([line], delimiter=sign))))
    names = [name.strip() for name in next(csv.reader([line], delimiter=separator))]
    return separator, names


def _jsonl(part: Part, note: Note, separator: str | None, rows: int) -> Iterator[pl.DataFrame]:
    del separator
    opened = TextFile(part.path)
    with _readable(part), opened as text:
        first = 1
        lines = iter(text)
        while True:
            block: list[dict[str, str | None]] = []
            damaged: dict[int, str] = {}
            for line in lines:
                if not line.strip():
                    continue
                row = _object(line)
                if row is None:
                    damaged[len(block)] = NOT_AN_OBJECT
                    row = {}
                block.append({name: _as_text(value) for name, value in row.items()})
                if len(block) == rows:
                    break
            if not block:
                break
            names = dict.fromkeys(name for row in block for name in row)
            frame = pl.DataFrame(
                {name: pl.Series(name, [row.get(name) for row in block], pl.String) for name in names},
                height=len(block),
            )
            yield _numbered(frame, part, first, damaged)
            first += len(block)
    _note_encoding(part, opened, note)


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return cast(dict[str, Any], found) if isinstance(found, dict) else None


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in cast(list[object], value)):
        return " > ".join(cast(list[str], value))  # a category path as a list
    return orjson.dumps(value).decode()


def _parquet(part: Part, note: Note, separator: str | None, rows: int) -> Iterator[pl.DataFrame]:
    del note, separator
    with _readable(part):
        first = 1
        held: list[pl.DataFrame] = []
        count = 0
        for batch in pl.scan_parquet(part.path).collect_batches(chunk_size=rows, maintain_order=True):
            held.append(batch)
            count += batch.height
            # Batches follow the file's row groups; chunks must not depend on the reader's mood.
            while count >= rows:
                whole = pl.concat(held, rechunk=False)
                yield _numbered(_plain(whole[:rows]), part, first, {})
                first += rows
                count -= rows
                held = [whole[rows:]] if count else []
        if count:
            yield _numbered(_plain(pl.concat(held)), part, first, {})


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame without the types that only columns of files have."""
    casts: list[pl.Expr] = []
    for name, dtype in frame.schema.items():
        if isinstance(dtype, pl.Categorical | pl.Enum):
            casts.append(pl.col(name).cast(pl.String))
        elif isinstance(dtype, pl.Decimal):
            casts.append(pl.col(name).cast(pl.Float64))
        elif isinstance(dtype, pl.List | pl.Array):
            casts.append(pl.col(name).cast(pl.List(pl.String)).list.join(" > "))
        elif isinstance(dtype, pl.Struct):
            casts.append(pl.col(name).struct.json_encode())
        elif dtype == pl.Binary:
            casts.append(pl.col(name).cast(pl.String, strict=False))
    return frame.with_columns(casts)


def _numbered(frame: pl.DataFrame, part: Part, first: int, damaged: dict[int, str]) -> pl.DataFrame:
    reasons: list[str | None] = [None] * frame.height if damaged else []
    for row, reason in damaged.items():
        reasons[row] = reason
    return frame.with_columns(
        pl.lit(part.name).alias(FILE),
        pl.int_range(first, first + frame.height, dtype=pl.Int64).alias(ROW),
        *((pl.Series(REJECT, reasons, pl.String),) if damaged else ()),
    )


def _refuse_repeats(part: Part, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UnreadableFile(
                f"the header names {name!r} twice.", file=part.name, column=name, remedy="Rename one of them."
            )
        seen.add(name)


def _note_encoding(part: Part, opened: TextFile, note: Note) -> None:
    if opened.fallbacks:
        note(f"{part.name}: {opened.fallbacks} bytes were not UTF-8 and were read as Windows-1252")


class _readable:  # noqa: N801 - used like a function
    """Translate what readers raise on damaged files."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, csv.Error):
            raise UnreadableFile(
                f"not CSV ({error}).", file=self._part.name, remedy="Look for a quotation mark that is never closed."
            ) from error
        if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
            raise UnreadableFile(
                f"the gzip file is damaged or breaks off ({error}).",
                file=self._part.name,
                remedy="Copy the file again.",
            ) from error
        if isinstance(error, pl.exceptions.PolarsError | io.UnsupportedOperation):
            raise UnreadableFile(f"not a Parquet file ({str(error).splitlines()[0]}).", file=self._part.name) from error
        if isinstance(error, OSError):
            raise UnreadableFile(f"cannot be read ({error.strerror or error}).", file=self._part.name) from error
