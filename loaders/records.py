"""The four tables that every source gives: the contract between a shop's data and the graph.

A source yields *raw* chunks: frames of bounded size whose columns have these names and any type (text included).
`loaders.validate` turns them into *records*: frames of exactly these types, in which every row can be written.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

import polars as pl

if TYPE_CHECKING:
    from loaders.declarations import Declarations

USERS = pl.Schema({"user_id": pl.String})
"""Every other column of a users table is an attribute (text until `loaders.attributes` has seen the whole table)."""

ITEMS = pl.Schema(
    {
        "item_id": pl.String,
        "title": pl.String,
        "description": pl.String,
        "category": pl.String,  # path: "A > B > C"
        "brand": pl.String,
        "price": pl.Float64,
        "currency": pl.String,
        "image": pl.String,
        "available": pl.Boolean,
    }
)

EVENTS = pl.Schema(
    {
        "event_id": pl.String,
        "user_id": pl.String,
        "item_id": pl.String,
        "type": pl.String,
        "at": pl.Int64,  # microseconds UTC
        "quantity": pl.Float64,
        "amount": pl.Float64,  # paid for the whole line
        "value": pl.Float64,  # rating, dwell
        "basket_id": pl.String,
        "context": pl.String,  # channel, device, campaign
    }
)

EXPOSURES = pl.Schema(
    {
        "item_id": pl.String,
        "at": pl.Int64,
        "until": pl.Int64,
        "channel": pl.String,
        "share": pl.Float64,  # of the shop's reach, 0-1
    }
)

TABLES: Mapping[str, pl.Schema] = {"users": USERS, "items": ITEMS, "events": EVENTS, "exposures": EXPOSURES}

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "users": ("user_id",),
    "items": ("item_id",),
    "events": ("user_id", "item_id", "type", "at"),
    "exposures": ("item_id", "at", "until"),
}

FILE = "_file"
"""Reserved column of a raw chunk: where the row comes from (text)."""
ROW = "_row"
"""Reserved column of a raw chunk: the row's number there, from 1 (Int64)."""
REJECT = "_reject"
"""Reserved, optional column of a raw chunk: the source's own reason to refuse the row, else null."""
RESERVED = (FILE, ROW, REJECT)

CHUNK_ROWS = 200_000
"""Rows of a chunk: about 100 MB while a chunk of events is being validated."""


class Source(Protocol):
    """A shop's data. Each iterator starts anew and gives the same chunks in the same order every time."""

    @property
    def name(self) -> str:
        """Return the name in reports and progress."""
        ...

    @property
    def declarations(self) -> "Declarations":
        """Return what the shop says of its columns."""
        ...

    def identity(self) -> tuple[str, ...]:
        """Return what tells this data from any other: file names, sizes, times of change, options."""
        ...

    def notes(self) -> list[str]:
        """Return what a reader of the report should know; complete once every table has been read."""
        ...

    def rows(self, table: str) -> int | None:
        """Return how many rows the table has when that is cheap to know, for the time left; else None."""
        ...

    def users(self) -> Iterator[pl.DataFrame]:
        """Yield raw chunks of users."""
        ...

    def items(self) -> Iterator[pl.DataFrame]:
        """Yield raw chunks of items."""
        ...

    def events(self) -> Iterator[pl.DataFrame]:
        """Yield raw chunks of events."""
        ...

    def exposures(self) -> Iterator[pl.DataFrame]:
        """Yield raw chunks of the shop's promotions: what was shown to everybody, not to one user."""
        ...


def chunks(source: Source, table: str) -> Iterator[pl.DataFrame]:
    """Yield the raw chunks of one table of a source."""
    tables = {
        "users": source.users,
        "items": source.items,
        "events": source.events,
        "exposures": source.exposures,
    }
    return tables[table]()


def typed(frame: pl.DataFrame, file: str, first_row: int = 1) -> pl.DataFrame:
    """Return a source's frame as a raw chunk whose rows are numbered from `first_row`."""
    return frame.with_columns(pl.lit(file).alias(FILE), (pl.int_range(pl.len(), dtype=pl.Int64) + first_row).alias(ROW))
