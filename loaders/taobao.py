"""Taobao view / cart / buy (the MB-CGCN split): many kinds of attention, no time, no prices, no categories.

Only `train.parquet` is loaded: `test.parquet` holds the purchases to be predicted and must stay out of the graph.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from loaders import readers
from loaders.declarations import Declarations
from loaders.errors import MissingColumn, UnreadableFile
from loaders.records import CHUNK_ROWS

TYPES = {"view": "view", "cart": "cart", "buy": "purchase"}

AT = 0
"""The moment of every event: the data does not say when."""

_COLUMNS = ("user", "item", "behaviour")


class Taobao:
    """The training pairs of a folder with `train.parquet` (columns `user`, `item`, `behaviour`)."""

    def __init__(self, path: Path, *, chunk_rows: int = CHUNK_ROWS) -> None:
        """Raise `UnreadableFile` or `MissingColumn` when the folder is not of this kind."""
        self._part = readers.Part(path / "train.parquet", f"{path.name}/train.parquet", "parquet")
        self._chunk_rows = chunk_rows
        if not self._part.path.is_file():
            raise UnreadableFile("the folder has no train.parquet.", file=str(path))
        names = readers.header(self._part)
        for name in _COLUMNS:
            if name not in names:
                raise MissingColumn(
                    f"the column {name!r} is missing.",
                    file=self._part.name,
                    column=name,
                    remedy=f"It has {', '.join(names)}.",
                )

    @property
    def name(self) -> str:
        """Return the name of the data set."""
        return "taobao"

    @property
    def declarations(self) -> Declarations:
        """Return the meaning of the behaviours."""
        return Declarations(types=TYPES)

    def identity(self) -> tuple[str, ...]:
        """Return the place, size and time of change of the file."""
        stat = self._part.path.stat()
        return str(self._part.path.resolve()), str(stat.st_size), str(stat.st_mtime_ns), str(self._chunk_rows)

    def notes(self) -> list[str]:
        """Return what a reader of any figure about this data must know."""
        return [
            "no event has a time: all are at 1970-01-01, and nothing can be learnt from their order",
            "the published split leaks: 82% of the test purchases were viewed by the same user in train",
        ]

    def rows(self, table: str) -> int | None:
        """Return the number of events."""
        return pl.scan_parquet(self._part.path).select(pl.len()).collect().item() if table == "events" else 0

    def users(self) -> Iterator[pl.DataFrame]:
        """Yield nothing: all that is known of a user are the events."""
        return iter(())

    def items(self) -> Iterator[pl.DataFrame]:
        """Yield nothing: all that is known of an item are the events."""
        return iter(())

    def events(self) -> Iterator[pl.DataFrame]:
        """Yield the pairs as events."""
        for chunk in readers.chunks(self._part, lambda _: None, rows=self._chunk_rows):
            # A pair comes once for each behaviour, so the three together are its id.
            yield chunk.rename({"user": "user_id", "item": "item_id", "behaviour": "type"}).with_columns(
                pl.format("{}-{}-{}", "user_id", "item_id", "type").alias("event_id"),
                pl.lit(AT, pl.Int64).alias("at"),
            )

    def exposures(self) -> Iterator[pl.DataFrame]:
        """Yield nothing."""
        return iter(())
