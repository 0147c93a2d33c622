"""Events as clients send them."""

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.events import EventInput, UserErrorCode, check
from graph.record import NewEvent

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def event(**changes: Any) -> EventInput:
    fields: dict[str, Any] = {"user": "u", "item": "i", "type": "view", "at": NOON, **changes}
    return EventInput(**fields)


def codes(**changes: Any) -> list[tuple[str, UserErrorCode]]:
    return [(error.field[-1], error.code) for error in check(event(**changes), 3).errors]


def test_a_good_event_is_ready_for_the_graph() -> None:
    checked = check(event(event_id="e", quantity=2.0, amount=3.5, basket_id="b", context="web"), 0)
    assert checked.event == NewEvent("u", "i", "view", 1_714_564_800_000_000, "e", 2.0, 3.5, None, "b", "web")
    assert checked.errors == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"user": " "}, [("user", UserErrorCode.BLANK)]),
        ({"item": ""}, [("item", UserErrorCode.BLANK)]),
        ({"type": ""}, [("type", UserErrorCode.BLANK)]),
        ({"event_id": " "}, [("eventId", UserErrorCode.BLANK)]),
        ({"user": " 17"}, [("user", UserErrorCode.REFUSED)]),
        ({"user": "17\u3000", "item": "\ti"}, [("user", UserErrorCode.REFUSED), ("item", UserErrorCode.REFUSED)]),
        (
            {"event_id": "e ", "basket_id": "\u00a0b"},
            [("eventId", UserErrorCode.REFUSED), ("basketId", UserErrorCode.REFUSED)],
        ),
        ({"user": "u" * 513}, [("user", UserErrorCode.TOO_LONG)]),
        ({"item": "a\x00b"}, [("item", UserErrorCode.REFUSED)]),
        ({"item": "a\ud800b"}, [("item", UserErrorCode.REFUSED)]),
        ({"quantity": 0.0}, [("quantity", UserErrorCode.OUT_OF_RANGE)]),
        ({"quantity": -1.0}, [("quantity", UserErrorCode.OUT_OF_RANGE)]),
        ({"amount": -0.01}, [("amount", UserErrorCode.OUT_OF_RANGE)]),
        ({"amount": 1e300}, [("amount", UserErrorCode.OUT_OF_RANGE)]),
        ({"amount": float("inf")}, [("amount", UserErrorCode.OUT_OF_RANGE)]),
        ({"value": float("nan")}, [("value", UserErrorCode.OUT_OF_RANGE)]),
        ({"at": datetime(1969, 1, 1, tzinfo=UTC)}, [("at", UserErrorCode.OUT_OF_RANGE)]),
        ({"at": datetime.now(UTC) + timedelta(days=2)}, [("at", UserErrorCode.IN_FUTURE)]),
        ({"user": "", "item": ""}, [("user", UserErrorCode.BLANK), ("item", UserErrorCode.BLANK)]),
    ],
)
def test_a_bad_event_says_where_and_what(changes: dict[str, Any], expected: list[tuple[str, UserErrorCode]]) -> None:
    assert codes(**changes) == expected
    assert check(event(**changes), 3).event is None
    assert check(event(**changes), 3).errors[0].field[:3] == ["input", "events", "3"]


def test_a_time_at_the_end_of_all_times_lies_ahead_and_not_before_1970() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-14)))
    assert codes(at=last) == [("at", UserErrorCode.IN_FUTURE)]


def test_a_type_between_blanks_is_the_type() -> None:
    types = [found.type for text in (" view ", "VIEW ", " wish list ") if (found := check(event(type=text), 0).event)]
    assert types == ["view", "view", "wish list"]


def test_blanks_name_no_basket_and_no_context() -> None:
    for blank in ("", "  "):
        found = check(event(basket_id=blank, context=blank), 0).event
        assert found is not None
        assert (found.basket_id, found.context) == (None, None)


def test_what_a_quantity_may_be_is_told_the_same_whatever_it_was() -> None:
    told = {check(event(quantity=given), 0).errors[0].message for given in (-1.0, 0.0, 1e13)}
    assert len(told) == 1


def test_a_clock_that_is_an_hour_fast_is_accepted() -> None:
    assert codes(at=datetime.now(UTC) + timedelta(hours=1)) == []


def test_a_time_without_zone_is_utc_and_other_zones_are_converted() -> None:
    tokyo = timezone(timedelta(hours=9))
    moments = [check(event(at=at), 0).event for at in (NOON, NOON.replace(tzinfo=None), NOON.astimezone(tokyo))]
    assert len({moment.at for moment in moments if moment}) == 1


def test_without_time_it_is_now() -> None:
    before = time.time_ns() // 1000
    found = check(event(at=None), 0).event
    assert found is not None
    assert before <= found.at <= time.time_ns() // 1000


@given(st.text(min_size=1, max_size=40), st.floats(0.01, 1e6))
def test_a_derived_id_depends_on_every_field_and_on_nothing_else(user: str, amount: float) -> None:
    one = check(event(user=user, amount=amount), 0)
    assert one.event_id == check(event(user=user, amount=amount), 7).event_id
    assert one.event_id != check(event(user=user, amount=amount, item="other"), 0).event_id
    assert one.event_id != check(event(user=user, amount=amount, at=NOON + timedelta(microseconds=1)), 0).event_id
