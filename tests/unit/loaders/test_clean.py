"""Values are cleaned the same whatever they were written with, and what cannot be read is null."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from loaders import clean

NEW_YEAR_US = 1_672_531_200_000_000
HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2023-01-01T00:00:00Z", NEW_YEAR_US),
        ("2023-01-01T00:00:00+00:00", NEW_YEAR_US),
        ("2023-01-01 02:30:00+02:30", NEW_YEAR_US),
        ("2022-12-31T19:00:00-0500", NEW_YEAR_US),
        ("2022-12-31T19-05", NEW_YEAR_US),
        ("2023-01-01", NEW_YEAR_US),
        ("20230101", NEW_YEAR_US),
        ("20230101T000000", NEW_YEAR_US),
        (" 2023-01-01T00:00 ", NEW_YEAR_US),
        ("2022-12-31T24:00", NEW_YEAR_US),
        ("2023-01-01T00:00:00.000001Z", NEW_YEAR_US + 1),
        ("2023-01-01T00:00:00,5", NEW_YEAR_US + 500_000),
        ("1672531200", NEW_YEAR_US),
        ("1672531200.5", NEW_YEAR_US + 500_000),
        ("1672531200000", NEW_YEAR_US),
        ("1672531200000001", NEW_YEAR_US + 1),
        ("1672531200000000000", NEW_YEAR_US),
        ("0", 0),
    ],
)
def test_a_moment_is_read_in_every_documented_form(written: str, expected: int) -> None:
    assert clean.moment(pl.Series([written]), "UTC").to_list() == [expected]


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "2023-13-01",
        "2023-02-30",
        "2023-01-01T25:00",
        "2023-01-01T10:61",
        "31.12.2023",
        "01/02/2023",
        "-5",
        "99999-01-01",
        "1969-12-31",
        "2101-01-01",
        "2023-1-1",
        "",
        "nan",
    ],
)
def test_what_is_no_moment_is_null(written: str) -> None:
    assert clean.moment(pl.Series([written, "2023-01-01"]), "UTC").to_list() == [None, NEW_YEAR_US]


def test_other_ways_of_writing_are_read_where_they_are_declared_and_before_any_guess() -> None:
    written = pl.Series(
        ["01.01.2023 01:00", "1.1.2023", "2023-01-01", "01/02/2023", "31.02.2023", None, "20230101000000"]
    )
    forms = ("%d.%m.%Y %H:%M", "%d.%m.%Y", "%Y%m%d%H%M%S")
    oslo = clean.moment(written, "Europe/Oslo", forms).to_list()
    assert oslo == [NEW_YEAR_US, NEW_YEAR_US - HOUR_US, NEW_YEAR_US - HOUR_US, None, None, None, NEW_YEAR_US - HOUR_US]
    assert clean.moment(pl.Series(["01.01.2023 02:00 +0200"]), "UTC", ("%d.%m.%Y %H:%M %z",)).item() == NEW_YEAR_US


def test_typed_moments_are_read_too() -> None:
    assert clean.moment(pl.Series([1_672_531_200]), "UTC").item() == NEW_YEAR_US
    assert clean.moment(pl.Series([1_672_531_200_000]), "UTC").item() == NEW_YEAR_US
    assert clean.moment(pl.Series([1_672_531_200.25]), "UTC").item() == NEW_YEAR_US + 250_000
    assert clean.moment(pl.Series([date(2023, 1, 1)]), "UTC").item() == NEW_YEAR_US
    assert clean.moment(pl.Series([datetime(2023, 1, 1, tzinfo=UTC)]), "Europe/Oslo").item() == NEW_YEAR_US
    assert clean.moment(pl.Series([datetime(2023, 1, 1, 1)]), "Europe/Oslo").item() == NEW_YEAR_US
    assert clean.moment(pl.Series([True]), "UTC").to_list() == [None]


def test_times_without_an_offset_are_in_the_declared_zone() -> None:
    written = pl.Series(["2023-01-01T01:00", "2023-07-01T02:00", "2023-01-01T00:00Z"])
    assert clean.moment(written, "Europe/Oslo").to_list() == [
        NEW_YEAR_US,
        int(datetime(2023, 7, 1, tzinfo=UTC).timestamp()) * 1_000_000,
        NEW_YEAR_US,
    ]


def test_the_hours_that_clocks_skip_or_repeat_have_one_meaning() -> None:
    skipped, repeated = clean.moment(pl.Series(["2023-03-26T02:30", "2023-10-29T02:30"]), "Europe/Oslo").to_list()
    oslo = ZoneInfo("Europe/Oslo")
    # As Python reads them (fold=0): before the clocks were changed.
    assert skipped == datetime(2023, 3, 26, 2, 30, tzinfo=oslo).timestamp() * 1_000_000
    assert repeated == datetime(2023, 10, 29, 2, 30, tzinfo=oslo).timestamp() * 1_000_000


@pytest.mark.parametrize(
    ("written", "decimal", "expected"),
    [
        ("3.99", ".", 3.99),
        (" -2 ", ".", -2.0),
        ("1e3", ".", 1000.0),
        ("€3.99", ".", 3.99),
        ("3.99 EUR", ".", 3.99),
        ("USD 3.99", ".", 3.99),
        ("1,234.50", ".", 1234.5),
        ("3,99", ",", 3.99),
        ("3.99", ",", 3.99),
        ("1.299", ",", None),
        ("1.299 €", ",", None),
        ("1.234,50 €", ",", 1234.5),
        ("1,234", ".", None),
        ("3,99", ".", None),
        ("nan", ".", None),
        ("inf", ".", None),
        ("free", ".", None),
        ("", ".", None),
    ],
)
def test_a_number_is_read_only_where_it_cannot_be_mistaken(written: str, decimal: str, expected: float | None) -> None:
    assert clean.number(pl.Series([written]), decimal).to_list() == [expected]


def test_typed_numbers_are_taken_as_they_are() -> None:
    assert clean.number(pl.Series([1, None])).to_list() == [1.0, None]
    assert clean.number(pl.Series([1.5, float("nan"), float("inf")])).to_list() == [1.5, None, None]
    assert clean.number(pl.Series([date(2023, 1, 1)])).to_list() == [None]


def test_yes_and_no_have_many_spellings() -> None:
    assert clean.flag(pl.Series(["True", "0", " YES ", "n", "maybe", None])).to_list() == [
        True,
        False,
        True,
        False,
        None,
        None,
    ]
    assert clean.flag(pl.Series([1, 0, 2])).to_list() == [True, False, None]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (" A >B> C", "A > B > C"),
        ("A > B > A", "A > B"),
        ("A > A > B", "A > B"),
        ("A > > B >", "A > B"),
        ("A", "A"),
        (" > ", None),
        (None, None),
    ],
)
def test_a_category_path_never_leads_back(written: str | None, expected: str | None) -> None:
    assert clean.category_paths(pl.Series([written], dtype=pl.String)).to_list() == [expected]


def test_text_loses_control_characters_and_margins_but_ids_only_margins() -> None:
    values = pl.Series([" a\x00b\nc ", "  ", None, "e\u0301"])
    assert clean.text(values).to_list() == ["a b c", None, None, "é"]
    assert clean.identifier(values).to_list() == ["a\x00b\nc", None, None, "e\u0301"]


def test_ids_that_a_file_holds_as_numbers_are_written_as_a_person_would() -> None:
    assert clean.identifier(pl.Series([1.0, 2.5, float("nan"), None])).to_list() == ["1", "2.5", None, None]
    assert clean.identifier(pl.Series([1, None])).to_list() == ["1", None]
