"""Events recorded through the API, and what they change."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.served import Served

pytestmark = pytest.mark.integration

RECORD = """mutation ($input: RecordEventsInput!) { recordEvents(input: $input) {
  recorded existing rejected clientMutationId results { eventId status } userErrors { field code message } } }"""
DISCOVER = """query ($user: String!) { user(id: $user) { recommendations(first: 100, mode: DISCOVER) {
  edges { node { item { externalId } } } } } }"""
ERASE = "mutation ($id: String!) { eraseUser(id: $id) { erasedEvents userErrors { field code } } }"


def record(api: Served, *events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return api.ask(RECORD, input={"events": list(events), **more})["recordEvents"]


def discover(api: Served, user: str) -> list[str]:
    edges = api.ask(DISCOVER, user=user)["user"]["recommendations"]["edges"]
    return [edge["node"]["item"]["externalId"] for edge in edges]


@pytest.fixture
def newcomer(api: Served) -> Iterator[str]:
    """A user of this test alone."""
    yield "newcomer"
    api.ask(ERASE, id="newcomer")


def event(user: str, item: str, kind: str = "purchase", **more: Any) -> dict[str, Any]:
    return {"user": user, "item": item, "type": kind, "at": "2024-05-01T12:00:00Z", **more}


def test_a_bought_item_leaves_the_discover_list_at_once(api: Served, newcomer: str) -> None:
    record(api, event(newcomer, "i0", eventId="first"))
    best = discover(api, newcomer)[0]
    answer = record(api, event(newcomer, best, eventId="second"))
    assert (answer["recorded"], answer["userErrors"]) == (1, [])
    assert best not in discover(api, newcomer)


def test_new_events_move_the_list_towards_them(api: Served, newcomer: str) -> None:
    record(api, *(event(newcomer, f"i{n}", eventId=f"tools-{n}") for n in (3, 7, 11, 15)))
    tools = discover(api, newcomer)[:8]
    assert sum(int(item[1:]) % 4 >= 2 for item in tools) > 4


def test_the_same_event_twice_is_recorded_once(api: Served, newcomer: str) -> None:
    once = event(newcomer, "i5", eventId="once")
    assert record(api, once)["results"] == [{"eventId": "once", "status": "CREATED"}]
    again = record(api, once, clientMutationId="m1")
    assert again["results"] == [{"eventId": "once", "status": "EXISTING"}]
    assert (again["recorded"], again["existing"], again["clientMutationId"]) == (0, 1, "m1")
    assert record(api, event(newcomer, "i5"))["recorded"] == 1
    assert record(api, event(newcomer, "i5"))["existing"] == 1  # derived from the fields


def test_an_event_without_time_can_be_sent_again(api: Served, newcomer: str) -> None:
    now = {"user": newcomer, "item": "i5", "type": "view", "eventId": "now"}
    assert record(api, now)["recorded"] == 1
    again = record(api, now)
    assert (again["existing"], again["userErrors"]) == (1, [])


def test_an_id_of_another_event_is_a_conflict_that_changes_nothing(api: Served, newcomer: str) -> None:
    record(api, event(newcomer, "i5", eventId="mine"))
    answer = record(api, event(newcomer, "i6", eventId="mine"))
    assert answer["rejected"] == 1
    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [
        ("CONFLICT", ["input", "events", "0", "eventId"])
    ]
    assert "i6" in discover(api, newcomer)


@pytest.mark.parametrize("other", [{"item": "i6"}, {"user": "another"}, {"quantity": 2.0}, {"context": "app"}])
def test_without_a_time_an_id_of_another_event_is_a_conflict_as_well(
    api: Served, newcomer: str, other: dict[str, Any]
) -> None:
    now: dict[str, Any] = {"user": newcomer, "item": "i5", "type": "view", "eventId": "mine"}
    assert record(api, now)["recorded"] == 1
    answer = record(api, now | other)
    assert [error["code"] for error in answer["userErrors"]] == ["CONFLICT"]
    assert answer["results"] == [{"eventId": "mine", "status": "REJECTED"}]


def test_the_time_of_an_event_is_part_of_it_where_it_is_given(api: Served, newcomer: str) -> None:
    record(api, event(newcomer, "i5", eventId="mine"))
    answer = record(api, event(newcomer, "i5", eventId="mine", at="2023-01-01T00:00:00Z"))
    assert [error["code"] for error in answer["userErrors"]] == ["CONFLICT"]


def test_a_known_type_in_capitals_is_known(api: Served, newcomer: str) -> None:
    seen = event(newcomer, "i5", "PURCHASE")
    assert record(api, seen)["recorded"] == 1
    assert record(api, seen | {"type": "purchase"})["existing"] == 1
    assert "i5" not in discover(api, newcomer)
    record(api, event(newcomer, "i6", "Not_Interested"))
    assert "i6" not in discover(api, newcomer)


def test_one_bad_event_does_not_lose_the_others(api: Served, newcomer: str) -> None:
    answer = record(
        api,
        event(newcomer, "i1", eventId="good"),
        event(newcomer, "", eventId="bad"),
        event(newcomer, "i2", eventId="good"),
        event(newcomer, "i1", eventId="good"),
        event(newcomer, "i3", quantity=-1.0, amount=-2.0, eventId="worse"),
    )
    assert [result["status"] for result in answer["results"]] == [
        "CREATED",
        "REJECTED",
        "REJECTED",
        "EXISTING",
        "REJECTED",
    ]
    assert (answer["recorded"], answer["existing"], answer["rejected"]) == (1, 1, 3)
    assert sorted((error["field"][2], error["field"][3], error["code"]) for error in answer["userErrors"]) == [
        ("1", "item", "BLANK"),
        ("2", "eventId", "CONFLICT"),
        ("4", "amount", "OUT_OF_RANGE"),
        ("4", "quantity", "OUT_OF_RANGE"),
    ]


def test_unknown_users_and_items_are_created(api: Served, newcomer: str) -> None:
    answer = record(api, event(newcomer, "brand new item", "gift", value=2.0))
    assert answer["recorded"] == 1
    found = api.ask(
        """{ user(id: "newcomer") { purchasePower { known purchases }
          recommendations(first: 3) { edges { node { rank } } } }
        item(id: "brand new item") { title price category { name } } }"""
    )
    assert found["user"]["purchasePower"] == {"known": "UNKNOWN", "purchases": 0}
    assert len(found["user"]["recommendations"]["edges"]) == 3
    assert found["item"] == {"title": "brand new item", "price": None, "category": None}
    assert api.ask('{ user(id: "newcomer") { explain(item: "brand new item") { score } } }')["user"]["explain"] is None


def test_an_empty_batch_is_nothing_and_a_huge_one_is_refused(api: Served) -> None:
    assert record(api) == {
        "recorded": 0,
        "existing": 0,
        "rejected": 0,
        "clientMutationId": None,
        "results": [],
        "userErrors": [],
    }
    thousand = [event("crowd", f"i{n % 40}", "view", eventId=f"crowd-{n}") for n in range(1_000)]
    assert record(api, *thousand)["recorded"] == 1_000
    error = api.refused(RECORD, input={"events": [*thousand, event("crowd", "i0")]})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert api.ask(ERASE, id="crowd")["eraseUser"]["erasedEvents"] == 1_000


def test_a_wrong_type_is_refused_before_anything_is_written(api: Served) -> None:
    for bad in ({"at": "yesterday"}, {"quantity": "two"}, {"user": None}, {"colour": "red"}):
        error = api.refused(RECORD, input={"events": [{**event("u0", "i0", eventId="typed"), **bad}]})
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_an_erased_user_is_gone_and_can_begin_again(api: Served) -> None:
    record(api, event("leaver", "i0"), event("leaver", "i1"))
    assert api.ask(ERASE, id="leaver")["eraseUser"] == {"erasedEvents": 2, "userErrors": []}
    assert api.ask('{ user(id: "leaver") { id } }')["user"] is None
    assert api.ask(ERASE, id="leaver")["eraseUser"] == {
        "erasedEvents": 0,
        "userErrors": [{"field": ["id"], "code": "UNKNOWN_USER"}],
    }
    assert record(api, event("leaver", "i0"))["recorded"] == 1
    api.ask(ERASE, id="leaver")


def test_mutations_of_one_document_see_each_other(api: Served, newcomer: str) -> None:
    query = """mutation ($a: RecordEventsInput!, $b: String!) {
      one: recordEvents(input: $a) { recorded } two: eraseUser(id: $b) { erasedEvents } }"""
    found = api.ask(query, a={"events": [event(newcomer, "i9")]}, b=newcomer)
    assert (found["one"]["recorded"], found["two"]["erasedEvents"]) == (1, 1)
