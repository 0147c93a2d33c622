"""Attributes are inferred to be numbers or names, never an order, and what is not worth keeping is left out."""

import polars as pl

from loaders import attributes
from loaders.attributes import Inferred
from loaders.declarations import Attribute, Declarations


def read(
    columns: dict[str, list[str | None]], declarations: Declarations | None = None
) -> tuple[pl.DataFrame, dict[str, Inferred]]:
    size = len(next(iter(columns.values())))
    users = pl.DataFrame({"user_id": [f"u{n}" for n in range(size)], **columns})
    frame, told = attributes.read(users, declarations or Declarations())
    return frame, {row.name: row for row in told}


def test_all_numbers_are_numeric_and_missing_values_stay_unknown() -> None:
    frame, told = read({"age": ["31", None, "40.5"]})
    assert told["age"].kind == "numeric"
    assert frame["age"].to_list() == [31.0, None, 40.5]
    assert (told["age"].known, told["age"].distinct, told["age"].declared) == (2, 2, False)


def test_a_single_word_among_numbers_makes_names_of_all() -> None:
    frame, told = read({"size": ["1", "2", "5+", "1"]})
    assert told["size"].kind == "categorical"
    assert frame["size"].to_list() == ["1", "2", "5+", "1"]


def test_words_that_look_ordered_are_not_inferred_to_be() -> None:
    _, told = read({"income": ["low", "high", "low"]})
    assert told["income"].kind == "categorical"


def test_names_that_nobody_shares_are_ignored() -> None:
    frame, told = read({"email": [f"{n}@example.org" for n in range(30)], "empty": [None] * 30})
    assert told["email"].kind == told["empty"].kind == "ignore"
    assert frame.columns == ["user_id"]


def test_many_distinct_names_are_ignored_but_many_users_may_share_many() -> None:
    _, told = read(
        {"street": [f"street {n % 25}" for n in range(40)], "city": [f"city {n % 25}" for n in range(20)] * 2}
    )
    assert told["street"].kind == "ignore"
    assert told["city"].kind == "categorical"


def test_what_is_declared_is_so() -> None:
    declared = Declarations(
        attributes={
            "zip": Attribute(kind="categorical"),
            "income": Attribute(kind="ordinal", order=("low", "high")),
            "age": Attribute(kind="ignore"),
        }
    )
    frame, told = read({"zip": ["0150", "0151"], "income": ["low", None], "age": ["1", "2"]}, declared)
    assert frame.to_dict(as_series=False) == {
        "user_id": ["u0", "u1"],
        "income": ["low", None],
        "zip": ["0150", "0151"],
    }
    assert told["income"].why == "declared"
