"""Refused rows are summed up by column and reason, with a value as it was and what would let such rows in."""

import polars as pl
import pytest

from loaders import refusals, validate
from loaders.declarations import Attribute, Declarations
from loaders.records import typed


def first(column: str, value: str, declarations: Declarations | None = None) -> tuple[refusals.Refusal, str]:
    declared = declarations or Declarations()
    event = {"user_id": "u1", "item_id": "i1", "type": "view", "at": "2024-01-01", column: value}
    found = refusals.of(validate.events(typed(pl.DataFrame([event]), "shop/events.csv"), declared).rejected)
    assert len(found) == 1
    return found[0], refusals.remedy(found[0], declared)


def test_rows_are_counted_by_column_and_reason_and_the_first_is_shown() -> None:
    frame = pl.DataFrame(
        {"item_id": ["a", "b", "c", None], "price": ["x" * 99, "y", "-1", "2"], "title": ["A", "B", "C", "D"]}
    )
    chunk = refusals.of(validate.items(typed(frame, "shop/items.csv"), Declarations()).rejected)
    assert [(one.column, one.reason, one.rows, one.row) for one in chunk] == [
        ("price", "not a number", 2, 1),
        ("price", "negative price", 1, 3),
        ("item_id", "missing", 1, 4),
    ]
    assert (chunk[0].file, chunk[0].value, chunk[2].value) == ("shop/items.csv", "x" * refusals.LONGEST, "")
    together = refusals.together([chunk[1:], chunk])
    assert [(one.column, one.reason, one.rows, one.row) for one in together] == [
        ("price", "negative price", 2, 3),
        ("item_id", "missing", 2, 4),
        ("price", "not a number", 2, 1),
    ]


@pytest.mark.parametrize(
    ("column", "value", "declarations", "remedy"),
    [
        ("amount", "14,07", Declarations(), 'decimal = ","'),
        ("amount", "€ 1.299,00", Declarations(), 'decimal = ","'),
        ("amount", "1,299", Declarations(), "thousands"),
        ("amount", "1.299", Declarations(decimal=","), "thousands"),
        ("amount", "1,299.00", Declarations(decimal=","), "Leave"),
        ("at", "31.12.2023 18:05", Declarations(), "time_formats"),
        ("at", "12/31/23", Declarations(), "time_formats"),
        ("at", "whenever", Declarations(), ""),
        ("at", "1900-01-01", Declarations(), "1970 to 2100"),
        ("at", "2200-01-01 00:00", Declarations(), "1970 to 2100"),
        ("amount", "free", Declarations(), ""),
    ],
)
def test_the_remedy_is_a_line_of_source_toml(column: str, value: str, declarations: Declarations, remedy: str) -> None:
    refusal, said = first(column, value, declarations)
    assert (refusal.column, refusal.value) == (column, value)
    assert (remedy in said) if remedy else not said


def test_an_order_that_lacks_a_value_is_told() -> None:
    declared = Declarations(attributes={"income": Attribute(kind="ordinal", order=("low", "high"))})
    frame = typed(pl.DataFrame({"user_id": ["u1"], "income": ["middle"]}), "shop/users.csv")
    (refusal,) = refusals.of(validate.users(frame, declared).rejected)
    assert refusals.remedy(refusal, declared) == "declared are low, high."
