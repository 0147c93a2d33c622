"""What if: the list that is shown would truly come, and nothing is written to show it."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.integration.test_api_events import ERASE, event, record
from tests.served import Served

pytestmark = pytest.mark.integration

NODES = "rank score item { externalId price } explanation { score contributions { value } }"
COMPARE = """query ($user: String!, $change: WhatIfInput!, $first: Int, $budget: Float, $filter: ListFilter) {
  user(id: $user) { whatIf(change: $change, first: $first, budget: $budget, filter: $filter) {
    before { NODES } after { NODES }
    moved { item { externalId } rankBefore rankAfter scoreBefore scoreAfter
      contributions { kind before after sentence path { __typename ... on Item { externalId } } } } } } }""".replace(
    "NODES", NODES
)
LIST = """query ($user: String!, $first: Int, $budget: Float, $filter: ListFilter) {
  user(id: $user) { recommendations(first: $first, budget: $budget, filter: $filter) { nodes { NODES } } } }""".replace(
    "NODES", NODES
)
AT = "2023-07-01T10:00:00Z"


@pytest.fixture
def reader(api: Served) -> Iterator[str]:
    """A user of this test alone, who likes food."""
    record(api, *(event("thinker", f"i{n}", eventId=f"thinker-{n}", at=AT) for n in (0, 4, 9)))
    yield "thinker"
    api.ask(ERASE, id="thinker")


def compare(api: Served, user: str, change: dict[str, Any], **more: Any) -> dict[str, Any]:
    return api.ask(COMPARE, user=user, change=change, **more)["user"]["whatIf"]


def listed(api: Served, user: str, **more: Any) -> list[dict[str, Any]]:
    return api.ask(LIST, user=user, **more)["user"]["recommendations"]["nodes"]


def same(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    assert [node["score"] for node in one] == pytest.approx([node["score"] for node in other], abs=1e-9)
    return [node["item"] for node in one] == [node["item"] for node in other]


def counts(api: Served) -> int:
    return api.app.recommender.client.queries


def test_nothing_changed_is_the_same_list_twice(api: Served, reader: str) -> None:
    found = compare(api, reader, {}, first=10)
    assert found["before"] == found["after"] == listed(api, reader, first=10)
    assert found["moved"] == []


def test_the_list_with_an_event_comes_true_once_it_is_recorded_and_before_is_without_it(
    api: Served, reader: str
) -> None:
    told = compare(api, reader, {"events": [{"item": "i2", "type": "purchase", "at": AT}]}, first=10)
    assert same(told["before"], listed(api, reader, first=10))  # nothing has been written
    record(api, event(reader, "i2", "purchase", eventId="thinker-new", at=AT))
    assert same(told["after"], listed(api, reader, first=10))
    undone = compare(api, reader, {"withoutEvents": ["thinker-new"]}, first=10)
    assert same(undone["before"], told["after"])
    assert same(undone["after"], told["before"])
    whole = compare(api, reader, {"withoutItems": ["i2"]}, first=10)
    assert same(whole["after"], told["before"])


def test_of_two_equal_events_one_stays(api: Served, reader: str) -> None:
    record(api, event(reader, "i5", eventId="twin-1", at=AT), event(reader, "i5", eventId="twin-2", at=AT))
    one = compare(api, reader, {"withoutEvents": ["twin-1"]})["after"]
    other = compare(api, reader, {"withoutEvents": ["twin-2", "twin-2"]})["after"]
    neither = compare(api, reader, {"withoutEvents": ["twin-1", "twin-2"]})["after"]
    assert same(one, other)
    assert [node["score"] for node in one] != [node["score"] for node in neither]


def test_every_move_says_where_from_and_where_to_and_its_parts_sum_to_both_scores(api: Served) -> None:
    bought = ("i1", "i5", "i44")
    found = compare(api, "u0", {"events": [{"item": name, "type": "purchase"} for name in bought]}, first=10)
    ranks = [{node["item"]["externalId"]: node["rank"] for node in found[side]} for side in ("before", "after")]
    assert found["moved"]
    for move in found["moved"]:
        name = move["item"]["externalId"]
        for side, rank, of in zip(("Before", "After"), ranks, ("before", "after"), strict=True):
            if name in rank:
                assert move[f"rank{side}"] == rank[name]
            else:
                assert move[f"rank{side}"] > 10
            parts = sum(part[of] for part in move["contributions"])
            assert parts == pytest.approx(move[f"score{side}"], abs=1e-6)
        told = move["contributions"]
        assert 1 <= len(told) <= 6
        sizes = [abs(part["after"] - part["before"]) for part in told if part["kind"] != "OTHER"]
        assert sizes == sorted(sizes, reverse=True)
        for part in told:
            more = "more" if abs(part["after"]) > abs(part["before"]) else "less"
            if part["kind"] == "OTHER":
                continue
            if part["before"] == 0:
                assert part["sentence"].startswith("New: ")
            elif part["after"] == 0:
                assert part["sentence"].startswith("No longer: ")
            elif (part["before"] > 0) != (part["after"] > 0):
                assert part["sentence"].startswith("Turned round: ")
            else:
                side = "for" if part["after"] > 0 else "against"
                assert part["sentence"].startswith(f"Speaks {more} {side} it than before: ")
    through = [
        step["externalId"]
        for move in found["moved"]
        for part in move["contributions"]
        if part["kind"] == "ITEM" and part["before"] == 0
        for step in part["path"]
        if step["__typename"] == "Item"
    ]
    assert set(bought) & set(through)


def test_another_budget_and_none(api: Served, reader: str) -> None:
    found = compare(api, reader, {"budget": 6.0}, first=10, budget=12.0)
    assert same(found["before"], listed(api, reader, first=10, budget=12.0))
    assert same(found["after"], listed(api, reader, first=10, budget=6.0))
    lifted = compare(api, reader, {"budget": None}, first=10, budget=12.0)
    assert same(lifted["after"], listed(api, reader, first=10))
    gone = [move for move in found["moved"] if move["rankAfter"] is None]
    assert {move["item"]["externalId"] for move in gone} == {
        node["item"]["externalId"] for node in found["before"] if node["item"]["price"] > 6.0
    }


def test_of_an_item_that_others_alone_moved_no_reason_is_said_to_have_changed(api: Served, reader: str) -> None:
    nodes = [node["item"] for node in listed(api, reader, first=20)]
    dear, cheap = next((one, other) for one, other in pairwise(nodes) if one["price"] > other["price"])
    found = compare(api, reader, {"budget": dear["price"] - 0.01}, first=20)
    move = next(move for move in found["moved"] if move["item"]["externalId"] == cheap["externalId"])
    assert move["rankAfter"] < move["rankBefore"]
    assert [part["kind"] for part in move["contributions"]] == ["OTHER"]
    assert move["contributions"][0]["before"] == move["contributions"][0]["after"]
    assert "reasons are as they were" in move["contributions"][0]["sentence"]


def test_a_cheaper_item_comes_within_the_budget(api: Served, reader: str) -> None:
    first = next(node["item"] for node in listed(api, reader, first=40) if node["item"]["price"] > 10)
    name = first["externalId"]
    found = compare(api, reader, {"items": [{"item": name, "price": 3.0}]}, first=40, budget=8.0)
    assert name not in {node["item"]["externalId"] for node in found["before"]}
    after = {node["item"]["externalId"]: node for node in found["after"]}
    # The node is the item of the graph: a client that keeps objects by id must not mix two worlds.
    assert after[name]["item"]["price"] == first["price"]
    dear = compare(api, reader, {"items": [{"item": name, "price": 100.0}]}, first=40, budget=50.0)
    assert name not in {node["item"]["externalId"] for node in dear["after"]}


def test_another_income_band(api: Served, reader: str) -> None:
    for value in ("high", None):
        found = compare(api, "u0", {"attributes": [{"name": "income", "value": value}]}, first=10)
        assert len(found["after"]) == 10
        for node in found["after"]:
            parts = node["explanation"]["contributions"]
            assert sum(part["value"] for part in parts) == pytest.approx(node["score"], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "argument", "said"),
    [
        ({"withoutItems": ["i0", "typo"]}, "change.withoutItems[1]", "'typo'"),
        ({"withoutEvents": ["moon"]}, "change.withoutEvents", "has no event 'moon'"),
        ({"withoutEvents": ["p1-0"]}, "change.withoutEvents", "has no event 'p1-0'"),  # somebody else's
        ({"events": [{"item": "moon"}]}, "change.events[0].item", "does not know an item"),
        ({"events": [{"item": "i1", "quantity": 0}]}, "events", "more than 0"),
        ({"items": [{"item": "moon", "price": 1}]}, "change.items[0].item", "does not know an item"),
        ({"items": [{"item": "i1", "price": -1}]}, "change.items[0].price", "from 0 to 1,000"),
        ({"items": [{"item": "i1"}, {"item": "i1"}]}, "change.items", "twice"),
        ({"budget": -1}, "change.budget", "from 0 to 1,000"),
        ({"attributes": [{"name": "shoes", "value": "1"}]}, "change.attributes[0]", "age, city, income"),
        ({"attributes": [{"name": "income", "value": "vast"}]}, "change.attributes[0]", "low, high"),
        ({"attributes": [{"name": "age", "value": "old"}]}, "change.attributes[0]", "finite number"),
        ({"attributes": [{"name": "age", "value": "nan"}]}, "change.attributes[0]", "finite number"),
        ({"attributes": [{"name": "age", "value": n} for n in ("20", "70")]}, "change.attributes", "'age' twice"),
    ],
)
def test_what_cannot_be_taken_to_be_different_is_named(
    api: Served, reader: str, change: dict[str, Any], argument: str, said: str
) -> None:
    error = api.refused(COMPARE, user=reader, change=change)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["argument"] == argument
    assert said in error["message"]


def test_somebody_without_events_may_ask_as_well(api: Served, reader: str) -> None:
    found = compare(api, reader, {"withoutItems": ["i0", "i4", "i9"]}, first=5)
    nobody = api.ask("{ session(events: [], first: 5) { nodes { NODES } } }".replace("NODES", NODES))["session"]
    assert same(found["after"], nobody["nodes"])


def test_an_unknown_user_has_no_world(api: Served) -> None:
    assert api.ask(COMPARE, user="moon", change={})["user"] is None


def test_a_comparison_reads_little_and_explains_its_moves_together(api: Served) -> None:
    recommender = api.app.recommender
    before, explained = counts(api), _explanations(api)
    assert len(compare(api, "u0", {"events": [{"item": "i1", "type": "purchase"}]}, first=10)["moved"]) > 2
    assert recommender.client.queries - before <= 4
    assert _explanations(api) - explained == 4  # two lists, and the moves in both worlds


def _explanations(api: Served) -> float:
    found = api.app.recommender.metrics.registry.get_sample_value("attune_phase_seconds_count", {"phase": "explain"})
    return found or 0.0
