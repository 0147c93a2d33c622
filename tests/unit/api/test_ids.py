"""Global ids and cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import Refused
from api.ids import Cursor, global_id, list_name, parse_global_id

TEXT = st.text(min_size=1).filter(lambda text: not any(0xD800 <= ord(sign) <= 0xDFFF for sign in text))


@given(TEXT)
def test_a_global_id_leads_back_to_the_external_id(external_id: str) -> None:
    assert parse_global_id(global_id("Item", external_id)) == ("Item", external_id)


@given(st.text())
def test_any_other_text_is_no_global_id_and_no_error(text: str) -> None:
    parse_global_id(text)


@pytest.mark.parametrize("text", ["", "u1", "VXNlcg==", "####", "OnUx", "VXNlcjo="])
def test_a_broken_global_id_is_none(text: str) -> None:
    assert parse_global_id(text) is None


@given(st.integers(0, 10**9))
def test_a_cursor_is_read_back_by_its_own_list(position: int) -> None:
    cursor = Cursor("list", position, "v1")
    assert Cursor.parse(str(cursor), source="list", version="v1") == cursor


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=4))
def test_a_cursor_keeps_what_its_list_was_made_from(anchor: list[int]) -> None:
    cursor = Cursor("list", 3, "v1", tuple(anchor))
    assert Cursor.parse(str(cursor), source="list", version="v1", anchors=len(anchor)) == cursor
    with pytest.raises(Refused):
        Cursor.parse(str(cursor), source="list", version="v1")


@pytest.mark.parametrize("odd", [-1, 10**30])
def test_numbers_that_no_list_has_are_refused(odd: int) -> None:
    for cursor in (Cursor("list", odd), Cursor("list", 1, "", (odd,))):
        with pytest.raises(Refused):
            Cursor.parse(str(cursor), source="list", anchors=len(cursor.anchor))


@given(st.text())
def test_any_other_text_is_refused_as_a_cursor(text: str) -> None:
    with pytest.raises(Refused) as refused:
        Cursor.parse(text, source="list")
    assert refused.value.extensions == {"code": "INVALID_CURSOR", "argument": "after"}


def test_a_cursor_of_another_list_is_refused_with_the_reason() -> None:
    with pytest.raises(Refused, match="another list"):
        Cursor.parse(str(Cursor("one", 3, "v1")), source="two", version="v1")


def test_a_cursor_of_another_model_is_refused_with_the_version_that_serves() -> None:
    with pytest.raises(Refused, match="another model") as refused:
        Cursor.parse(str(Cursor("one", 3, "v1")), source="one", version="v2")
    assert refused.value.extensions is not None
    assert refused.value.extensions["modelVersion"] == "v2"


def test_lists_of_other_arguments_have_other_names() -> None:
    assert list_name("u1", None, "a") == list_name("u1", None, "a")
    assert list_name("u1", None, "a") != list_name("u1", "None", "a")
    assert list_name("a", "bc") != list_name("ab", "c")
