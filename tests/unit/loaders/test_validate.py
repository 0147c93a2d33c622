"""Every kind of bad row is refused with its column and reason, and spoils no other row."""

from collections.abc import Mapping, Sequence

import polars as pl
import pytest

from loaders import validate
from loaders.declarations import Attribute, Declarations
from loaders.records import EVENTS, ITEMS, REJECT, typed
from loaders.validate import CONTENT_HASH, ID_HASH, Checked

NEW_YEAR_US = 1_672_531_200_000_000
GOOD = {"event_id": "e", "user_id": "u", "item_id": "i", "type": "view", "at": "2023-01-01"}


def check(table: str, rows: Sequence[Mapping[str, object]], declarations: Declarations | None = None) -> Checked:
    names = {name: None for row in rows for name in row}
    frame = pl.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)
    return validate.CHECKS[table](typed(frame, "t.csv"), declarations or Declarations())


def verdicts(checked: Checked) -> list[tuple[str, str]]:
    return list(zip(checked.rejected.column, checked.rejected.reason, strict=True))


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"user_id": ""}, "user_id", "missing"),
        ({"item_id": None}, "item_id", "missing"),
        ({"type": " "}, "type", "missing"),
        ({"at": ""}, "at", "missing"),
        ({"at": "yesterday"}, "at", "not a time"),
        ({"quantity": "two"}, "quantity", "not a number"),
        ({"quantity": "0"}, "quantity", "quantity not positive"),
        ({"quantity": "-1"}, "quantity", "quantity not positive"),
        ({"amount": "-0.01"}, "amount", "negative amount"),
        ({"amount": "1,5"}, "amount", "not a number"),
        ({"value": "good"}, "value", "not a number"),
        ({"user_id": "u\x00v"}, "user_id", "control character in an id"),
        ({"item_id": "x" * 1001}, "item_id", "longer than 1000 bytes"),
    ],
)
def test_a_bad_event_is_refused_with_column_and_reason(change: dict[str, object], column: str, reason: str) -> None:
    checked = check("events", [{**GOOD, "event_id": "a"}, {**GOOD, **change}, {**GOOD, "event_id": "b"}])
    assert verdicts(checked) == [(column, reason)]
    assert checked.rejected.rows["_row"].to_list() == [2]
    assert checked.records["event_id"].to_list() == ["a", "b"]


def test_records_have_exactly_the_types_of_the_contract() -> None:
    events = check("events", [{**GOOD, "quantity": "2", "amount": "3.5", "value": "4", "basket_id": 7, "context": ""}])
    assert {name: events.records.schema[name] for name in EVENTS} == dict(EVENTS)
    row = events.records.select(EVENTS.names()).to_dicts()[0]
    assert row == {
        **GOOD,
        "at": NEW_YEAR_US,
        "quantity": 2.0,
        "amount": 3.5,
        "value": 4.0,
        "basket_id": "7",
        "context": None,
    }
    items = check("items", [{"item_id": 5}])
    assert {name: items.records.schema[name] for name in ITEMS} == dict(ITEMS)


def test_a_source_may_refuse_a_row_itself() -> None:
    checked = check("events", [GOOD, {**GOOD, "event_id": "x", REJECT: "pseudo-item"}])
    assert verdicts(checked) == [("", "pseudo-item")]
    assert checked.records.height == 1


def test_a_return_may_be_booked_with_a_minus() -> None:
    checked = check("events", [{**GOOD, "type": "return", "quantity": "-2", "amount": "-3"}])
    assert checked.records.select("quantity", "amount").rows() == [(2.0, 3.0)]


def test_types_are_mapped_known_ones_in_any_case_and_own_ones_stay() -> None:
    declared = Declarations(types={"buy": "purchase", "ping": ""})
    types = ["buy", "View", "Wish", "ping", "DISMISS", "Not_Interested"]
    rows = [{**GOOD, "event_id": str(n), "type": type_} for n, type_ in enumerate(types)]
    checked = check("events", rows, declared)
    assert checked.records["type"].to_list() == ["purchase", "view", "Wish", "dismiss", "not_interested"]
    assert (checked.dropped, len(checked.rejected)) == (1, 0)


def test_an_event_without_an_id_gets_one_from_its_fields_alone() -> None:
    bare = {name: value for name, value in GOOD.items() if name != "event_id"}
    first = check("events", [bare, {**bare, "at": "2023-01-02"}, bare]).records
    again = check("events", [{**bare, "at": "2023-01-01T00:00:00Z", "event_id": ""}]).records
    assert first["event_id"][0] == first["event_id"][2] == again["event_id"][0]
    assert first["event_id"].n_unique() == 2
    # The id must not change between versions: events of earlier loads would be written twice.
    assert first["event_id"][0] == "ba2d6900c81a2ca1bde98e4f"


def test_hashes_tell_same_from_other_content_and_the_graph_s_kinds_of_events() -> None:
    rows = [GOOD, {**GOOD, "at": "2023-01-01T00:00"}, {**GOOD, "amount": "1"}, {**GOOD, "type": "cart"}]
    found = check("events", rows).records
    ids, contents = found[ID_HASH], found[CONTENT_HASH]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert contents[0] == contents[1] != contents[2]
    own = check("events", [{**GOOD, "type": "wish"}, {**GOOD, "type": "share"}]).records
    assert own[ID_HASH].n_unique() == 1, "both are INTERACTED, in which an id is unique"


def test_times_without_an_offset_are_read_in_the_declared_zone() -> None:
    checked = check("events", [{**GOOD, "at": "2023-01-01T01:00"}], Declarations(time_zone="Europe/Oslo"))
    assert checked.records["at"].to_list() == [NEW_YEAR_US]


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"item_id": " "}, "item_id", "missing"),
        ({"price": "-1"}, "price", "negative price"),
        ({"price": "cheap"}, "price", "not a number"),
        ({"price": "1", "currency": "Euro"}, "currency", "not a currency code"),
        ({"available": "perhaps"}, "available", "neither yes nor no"),
        ({"category": "A" * 1001}, "category", "longer than 1000 bytes"),
    ],
)
def test_a_bad_item_is_refused_with_column_and_reason(change: dict[str, object], column: str, reason: str) -> None:
    checked = check("items", [{"item_id": "a"}, {"item_id": "b", **change}])
    assert verdicts(checked) == [(column, reason)]
    assert checked.records["item_id"].to_list() == ["a"]


def test_items_are_normalised() -> None:
    row = {
        "item_id": " 7 ",
        "title": " Kaffe\n1 kg ",
        "category": "Food>Coffee > Food",
        "price": "3.50 EUR",
        "currency": "eur",
        "available": "no",
        "brand": "",
    }
    checked = check("items", [row, {"item_id": "8", "price": "2"}, {"item_id": "9"}], Declarations(currency="NOK"))
    assert checked.records.select(ITEMS.names()).rows() == [
        ("7", "Kaffe 1 kg", None, "Food > Coffee", None, 3.5, "EUR", None, False),
        ("8", None, None, None, None, 2.0, "NOK", None, None),
        ("9", None, None, None, None, None, None, None, None),
    ]
    assert sum(checked.notes.values()) == 1


def test_users_keep_attributes_as_text_and_declared_ones_must_fit() -> None:
    declared = Declarations(
        attributes={
            "income": Attribute(kind="ordinal", order=("low", "high")),
            "age": Attribute(kind="numeric"),
            "note": Attribute(kind="ignore"),
        }
    )
    rows: list[dict[str, object]] = [
        {"user_id": "a", "income": "low", "age": "31", "note": "x"},
        {"user_id": "b", "income": "middle", "age": "31", "note": None},
        {"user_id": "c", "income": "", "age": "old", "note": None},
        {"user_id": None, "income": "low", "age": "", "note": None},
    ]
    checked = check("users", rows, declared)
    assert verdicts(checked) == [
        ("income", "not in the declared order"),
        ("age", "not a number"),
        ("user_id", "missing"),
    ]
    assert checked.records.select("user_id", "income", "age").rows() == [("a", "low", "31")]


def test_the_content_of_a_user_is_what_is_known_whatever_columns_the_part_has() -> None:
    narrow = check("users", [{"user_id": "a", "age": "31"}]).records
    wide = check("users", [{"user_id": "a", "city": None, "age": "31"}]).records
    assert narrow[CONTENT_HASH].to_list() == wide[CONTENT_HASH].to_list()


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"until": "2023-01-01"}, "until", "ends before it begins"),
        ({"until": None}, "until", "missing"),
        ({"at": "x"}, "at", "not a time"),
        ({"share": "1.5"}, "share", "share outside 0 to 1"),
        ({"share": "all"}, "share", "not a number"),
    ],
)
def test_a_bad_exposure_is_refused(change: dict[str, object], column: str, reason: str) -> None:
    good: dict[str, object] = {"item_id": "a", "at": "2023-01-01", "until": "2023-01-08"}
    checked = check("exposures", [good, {**good, **change}])
    assert verdicts(checked) == [(column, reason)]
    assert checked.records["share"].to_list() == [1.0]
