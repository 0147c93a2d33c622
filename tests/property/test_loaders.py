"""Whatever a file holds, reading it back gives what was written, and cleaning twice changes nothing more."""

import csv
import math
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders import clean, readers, validate
from loaders.declarations import Declarations
from loaders.readers import Part
from loaders.records import FILE, ROW, typed
from loaders.seen import Fate, Seen

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\x00"), max_size=12)
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30))
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(MOMENTS, OFFSETS, st.sampled_from(["T", " "]))
def test_every_iso_moment_is_read_exactly(moment: datetime, offset: timezone, sign: str) -> None:
    aware = moment.replace(tzinfo=offset)
    expected = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    found = clean.moment(pl.Series([aware.isoformat(sep=sign)]), "UTC").item()
    assert found == (expected if clean.EPOCH_RANGE_US[0] <= expected <= clean.EPOCH_RANGE_US[1] else None)


@given(st.integers(10**8, 4 * 10**9))
def test_counts_in_every_unit_are_the_same_moment(seconds: int) -> None:
    units = [str(seconds), f"{seconds}000", f"{seconds}000000", f"{seconds}000000000", f"{seconds}.0"]
    assert set(clean.moment(pl.Series(units), "UTC").to_list()) <= {seconds * 1_000_000}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_in_full_is_read_exactly(value: float) -> None:
    assert clean.number(pl.Series([repr(value)])).item() == value


@given(st.text(st.sampled_from("AB >"), max_size=20))
def test_a_category_path_is_clean_after_one_cleaning(path: str) -> None:
    once = clean.category_paths(pl.Series([path])).item()
    if once is not None:
        names = once.split(" > ")
        assert len(names) == len(set(names))
        assert all(name == name.strip() != "" for name in names)
        assert clean.category_paths(pl.Series([once])).item() == once


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=20), st.booleans())
def test_csv_that_python_writes_is_read_back(rows: list[tuple[str, str]], quoted: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
            writer.writerow(("a", "b"))
            writer.writerows(rows)
        chunks = list(readers.chunks(Part(path, "t.csv", "csv"), print, rows=7))
    found = [(a or "", b or "") for chunk in chunks for a, b in chunk.select("a", "b").rows()]
    assert found == rows
    assert [row for chunk in chunks for row in chunk[ROW]] == list(range(1, len(rows) + 1))


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=8), max_size=6),
)
def test_seen_judges_like_a_dictionary(calls: list[list[tuple[int, int]]]) -> None:
    seen, known = Seen(), dict[int, int]()
    for rows in calls:
        ids = np.array([row[0] for row in rows], np.uint64)
        contents = np.array([row[1] for row in rows], np.uint64)
        expected: list[Fate] = []
        for id_, content in rows:
            if id_ not in known:
                expected.append(Fate.NEW)
                known[id_] = content
            else:
                expected.append(Fate.DUPLICATE if known[id_] == content else Fate.CONFLICT)
        assert seen.judge(ids, contents).tolist() == expected


CELL = st.one_of(st.none(), TEXT, st.sampled_from(["1", "-1", "0", "nan", "2023-01-01", "view", "purchase", "u1"]))


@settings(deadline=None)
@given(st.lists(st.tuples(*[CELL] * 7), min_size=1, max_size=8))
def test_no_row_of_events_breaks_validation_or_gets_lost(rows: list[tuple[str | None, ...]]) -> None:
    names = ("event_id", "user_id", "item_id", "type", "at", "quantity", "amount")
    raw = typed(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row"), "t.csv")
    checked = validate.events(raw, Declarations())
    assert checked.records.height + len(checked.rejected) == len(rows)
    for row in checked.records.iter_rows(named=True):
        assert row["user_id"]
        assert row["item_id"]
        assert row["event_id"]
        assert row["at"] is not None
        assert row["quantity"] is None or row["quantity"] > 0
        assert row["amount"] is None or (row["amount"] >= 0 and math.isfinite(row["amount"]))
        assert row[FILE] == "t.csv"
