"""Cypher for people."""

import json

from hypothesis import given
from hypothesis import strategies as st

from graph import show


@given(st.text())
def test_any_text_stays_inside_its_string(text: str) -> None:
    told = show.literal(text)
    assert "\n" not in told
    assert json.loads(told) == text
    asked, _, rest = show.paths(text, "i", items=[text, "j"]).partition("} AS asked\n")
    assert rest == show.PATHS + ";"
    assert asked.splitlines() == [
        "WITH {",
        f"  user: {told},",
        '  item: "i",',
        f'  items: [{told}, "j"],',
        "  categories: [],",
        "  brands: []",
    ]


def test_the_statement_itself_is_constant() -> None:
    assert show.paths("a", "b", items=["c"]).endswith(show.PATHS + ";")
    assert show.paths("a'}) DETACH DELETE u //", "b").endswith(show.PATHS + ";")


def test_the_statements_hold_nothing_that_an_address_would_change() -> None:
    # The page writes these as escapes into the address that opens Neo4j Browser; only strings may have escapes.
    assert not set("&#%+") & set(show.PATHS + show.SESSION)
