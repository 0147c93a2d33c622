"""Cypher for people."""

import json

from hypothesis import given
from hypothesis import strategies as st

from graph import show


@given(st.text())
def test_any_text_stays_inside_its_string(text: str) -> None:
    line = show.param("user", text)
    assert "\n" not in line
    assert line.startswith(":param user => ")
    assert json.loads(line.removeprefix(":param user => ").removesuffix(";")) == text


def test_the_statement_itself_is_constant() -> None:
    assert show.paths("a", "b", items=["c"]).endswith(show.PATHS + ";")
    assert show.paths("a'}) DETACH DELETE u //", "b").endswith(show.PATHS + ";")
