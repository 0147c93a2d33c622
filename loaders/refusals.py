"""Refused rows, summed up for a person: which column, why, one value as it was, and what to do about it."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from loaders.records import FILE, ROW

if TYPE_CHECKING:
    from loaders.declarations import Declarations
    from loaders.validate import Rejected

LONGEST = 60
"""Letters of a value that are shown."""


@dataclass(frozen=True)
class Refusal:
    """Rows of one table that were refused for one reason in one column."""

    column: str
    """Empty where the whole line is at fault."""
    reason: str
    rows: int
    file: str
    """Of the first such row."""
    row: int
    """Number of the first such row in its file."""
    value: str
    """What its column held; empty where it held nothing."""


def of(rejected: "Rejected") -> list[Refusal]:
    """Return what was refused in a chunk, each column and reason once."""
    keys = list(zip(rejected.column, rejected.reason, strict=True))
    return [_refusal(rejected, keys.index(key), rows) for key, rows in Counter(keys).items()]


def _refusal(rejected: "Rejected", first: int, rows: int) -> Refusal:
    row = rejected.rows.row(first, named=True)
    column = rejected.column[first]
    value = row.get(column)
    return Refusal(
        column=column,
        reason=rejected.reason[first],
        rows=rows,
        file=str(row[FILE]),
        row=int(row[ROW]),
        value="" if value is None else str(value)[:LONGEST],
    )


def together(chunks: "list[list[Refusal]]") -> list[Refusal]:
    """Return the refusals of a table's chunks as one list, the most frequent first."""
    first: dict[tuple[str, str], Refusal] = {}
    rows: Counter[tuple[str, str]] = Counter()
    for refusal in (one for chunk in chunks for one in chunk):
        key = refusal.column, refusal.reason
        first.setdefault(key, refusal)
        rows[key] += refusal.rows
    return [replace(first[key], rows=count) for key, count in rows.most_common()]


def remedy(refusal: Refusal, declarations: "Declarations") -> str:
    """Return what would let such rows in, or the empty string where the row itself has to be corrected."""
    if refusal.reason == "not a number" and _like(refusal.value, r"^\D*\d{1,3}([.,]\d{3})+\D*$"):
        return "its mark may be of decimals or of thousands: export numbers without marks of thousands."
    if refusal.reason == "not a number" and declarations.decimal == "." and _like(refusal.value, r"\d,\d"):
        return 'is its decimal mark a comma? Say decimal = "," in source.toml.'
    if refusal.reason == "not a number" and declarations.decimal == "," and _like(refusal.value, r"\d\.\d"):
        return 'is its decimal mark a point? Leave decimal = "," out of source.toml.'
    if refusal.reason == "not a time" and _like(refusal.value, r"^(?!19[7-9]|20)\d{4}-\d\d-\d\d"):
        return "times are taken from 1970 to 2100."
    if refusal.reason == "not a time" and _like(refusal.value, r"\d\D+\d|\d{5}"):
        return 'say how it is written in source.toml, such as time_formats = ["%d.%m.%Y %H:%M"].'
    if refusal.reason == "not in the declared order" and refusal.column in declarations.attributes:
        return f"declared are {', '.join(declarations.attributes[refusal.column].order)}."
    return ""


def _like(value: str, pattern: str) -> bool:
    return re.search(pattern, value) is not None
