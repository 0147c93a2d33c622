"""What `attune load` prints of refused rows: how many, where the first is, what it held, and what to do."""

from attune.data import refused
from loaders.report import Example


def test_a_line_names_the_column_the_place_the_value_and_the_remedy() -> None:
    example = Example(
        column="price",
        reason="not a number",
        rows=1804,
        file="shop/items.csv",
        row=1,
        value="14,07",
        remedy='is its decimal mark a comma? Say decimal = "," in source.toml.',
    )
    assert refused("items", example) == (
        "rejected: 1,804 items, not a number in price (first shop/items.csv row 1: '14,07'): "
        'is its decimal mark a comma? Say decimal = "," in source.toml.'
    )


def test_a_damaged_line_has_neither_column_nor_value() -> None:
    example = Example("", "more fields than the header", 1, "shop/events.csv", 7, "", "")
    assert refused("events", example) == (
        "rejected: 1 events, more fields than the header (first shop/events.csv row 7)"
    )
