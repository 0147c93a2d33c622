"""Lists for the moment: an anonymous session, a basket, a list that the caller brings."""

from typing import Any

import pytest

from graph import write
from graph.client import Client
from tests.served import Served

pytestmark = pytest.mark.integration

NODES = """pageInfo { hasNextPage endCursor } nodes { rank score item { externalId price category { externalId } }
  explanation { sentence score cypher contributions { kind value path { __typename } } neighbors { shoppers } } }"""
SESSION = """query ($events: [SessionEventInput!]!, $first: Int, $after: String, $filter: ListFilter) {
  session(events: $events, first: $first, after: $after, filter: $filter) { NODES } }""".replace("NODES", NODES)
BASKET = """query ($items: [BasketLineInput!]!, $budget: Float, $user: String, $first: Int, $after: String,
    $filter: ListFilter) { basket(items: $items, budget: $budget, user: $user) {
  lines { item { externalId } quantity price } unknown total unpriced moneyLeft
  completions(first: $first, after: $after, filter: $filter) { NODES } } }""".replace("NODES", NODES)
RERANK = """query ($items: [String!]!, $user: String, $first: Int, $after: String, $filter: ListFilter) {
  rerank(items: $items, user: $user, first: $first, after: $after, filter: $filter) { unknown modelVersion
    pageInfo { hasNextPage endCursor } nodes { rank score item { externalId } explanation { score sentence } } } }"""


def names(nodes: list[dict[str, Any]]) -> list[str]:
    return [node["item"]["externalId"] for node in nodes]


def looked(*items: str, kind: str = "view") -> list[dict[str, Any]]:
    return [{"item": item, "type": kind} for item in items]


def session(api: Served, events: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return api.ask(SESSION, events=events, **more)["session"]


def basket(api: Served, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return api.ask(BASKET, items=list(items), **more)["basket"]


def rerank(api: Served, items: list[str], **more: Any) -> dict[str, Any]:
    return api.ask(RERANK, items=items, **more)["rerank"]


def is_home(name: str) -> bool:
    return int(name[1:]) % 4 >= 2


def test_a_session_sees_what_goes_with_what_it_looked_at(api: Served) -> None:
    home = names(session(api, looked("i2", "i3", "i6"), first=8)["nodes"])
    food = names(session(api, looked("i0", "i1", "i5"), first=8)["nodes"])
    assert sum(map(is_home, home)) > 6
    assert sum(map(is_home, food)) < 2
    assert len(session(api, [], first=5)["nodes"]) == 5  # of nobody nothing is known: what is popular


def test_nothing_of_a_session_is_written_and_no_user_is_read(api: Served) -> None:
    client = api.app.recommender.client
    before = client.queries
    nodes = session(api, looked("i2", "i3"), first=5)["nodes"]
    assert client.queries - before <= 4  # items, categories, brands; and the neighbours that this test asks for
    users = api.ask("{ users(first: 100) { nodes { externalId } } }")["users"]["nodes"]
    assert not {"", "session"} & {user["externalId"] for user in users}
    for node in nodes:
        told = node["explanation"]
        assert sum(part["value"] for part in told["contributions"]) == pytest.approx(node["score"], abs=1e-6)
        assert told["neighbors"] == {"shoppers": None}
        assert all(step["__typename"] != "User" for part in told["contributions"] for step in part["path"])
        assert "User" not in told["cypher"]


def test_the_cypher_of_a_session_draws_its_paths(api: Served) -> None:
    from tests.integration.test_api_queries import _run

    node = session(api, looked("i2", "i3"), first=1)["nodes"][0]
    row = _run(api, node["explanation"]["cypher"])[0]
    assert row["i"]["id"] == node["item"]["externalId"]
    assert row["seen"]


def test_a_session_is_filtered_and_paged_like_any_list(api: Served) -> None:
    events = looked("i0", "i4", "i9")
    asked = {"price": {"max": 15}, "perCategory": 4}
    whole = session(api, events, first=50, filter=asked)["nodes"]
    assert all(node["item"]["price"] <= 15 for node in whole)
    first = session(api, events, first=6, filter=asked)
    second = session(api, events, first=50, filter=asked, after=first["pageInfo"]["endCursor"])
    assert names(first["nodes"]) + names(second["nodes"]) == names(whole)
    other = looked("i0", "i4")
    error = api.refused(SESSION, events=other, first=6, filter=asked, after=first["pageInfo"]["endCursor"])
    assert error["extensions"]["code"] == "INVALID_CURSOR"


def test_a_bad_event_of_a_session_is_named(api: Served) -> None:
    for bad in ({"item": ""}, {"item": "i1", "quantity": -1.0}, {"item": "i1", "at": "2999-01-01T00:00:00Z"}):
        error = api.refused(SESSION, events=[{"item": "i1"}, bad])
        assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "events"}
        assert "events[1]" in error["message"]
    error = api.refused(SESSION, events=looked(*["i1"] * 1_001))
    assert error["extensions"]["argument"] == "events"
    assert len(session(api, looked("unknown", "i1"), first=3)["nodes"]) == 3


def test_a_basket_is_added_up_and_completed_by_what_the_money_left_pays(api: Served) -> None:
    found = basket(
        api,
        {"item": "i2", "quantity": 2},
        {"item": "i6", "price": 4.0},
        {"item": "no such thing"},
        budget=20.0,
        first=30,
    )
    assert found["lines"] == [
        {"item": {"externalId": "i2"}, "quantity": 2, "price": 3.0},
        {"item": {"externalId": "i6"}, "quantity": 1, "price": 4.0},
    ]
    assert (found["unknown"], found["total"], found["unpriced"], found["moneyLeft"]) == (["no such thing"], 10, 1, 10)
    nodes = found["completions"]["nodes"]
    assert nodes
    assert all(node["item"]["price"] <= 10 for node in nodes)
    assert {"i2", "i6"}.isdisjoint(names(nodes))
    assert sum(map(is_home, names(nodes)[:5])) >= 4
    for node in nodes:
        parts = node["explanation"]["contributions"]
        assert sum(part["value"] for part in parts) == pytest.approx(node["score"], abs=1e-6)


def test_without_a_budget_nothing_is_too_dear_and_without_money_left_nothing_fits(api: Served) -> None:
    free = basket(api, {"item": "i2"}, first=50)
    assert free["moneyLeft"] is None
    assert max(node["item"]["price"] for node in free["completions"]["nodes"]) > 20
    spent = basket(api, {"item": "i40"}, budget=5.0)
    assert (spent["moneyLeft"], spent["completions"]["nodes"]) == (0, [])
    narrow = basket(api, {"item": "i2"}, budget=20.0, filter={"budget": 5.0}, first=50)
    assert all(node["item"]["price"] <= 5 for node in narrow["completions"]["nodes"])


def test_a_known_user_brings_its_history_to_the_basket(api: Served) -> None:
    nobody = basket(api, {"item": "i2"}, first=10)["completions"]
    somebody = basket(api, {"item": "i2"}, user="u0", first=10)["completions"]
    assert names(nobody["nodes"]) != names(somebody["nodes"])
    assert names(basket(api, {"item": "i2"}, user="unknown", first=10)["completions"]["nodes"]) == names(
        nobody["nodes"]
    )
    rest = basket(api, {"item": "i2"}, user="u0", first=40, after=somebody["pageInfo"]["endCursor"])["completions"]
    assert not set(names(rest["nodes"])) & set(names(somebody["nodes"]))
    assert "put it in your cart" not in somebody["nodes"][0]["explanation"]["sentence"]


@pytest.mark.parametrize(
    "bad",
    [
        [{"item": ""}],
        [{"item": "i1", "quantity": 0}],
        [{"item": "i1", "price": -1}],
        [{"item": "i1"}] * 201,
        [{"item": "i1", "quantity": 1e308}],
    ],
)
def test_a_basket_that_is_none_is_refused(api: Served, bad: list[dict[str, Any]]) -> None:
    assert api.refused(BASKET, items=bad)["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_given_list_keeps_exactly_its_items(api: Served, session_client: Client) -> None:
    write.items(session_client, [{"id": "fresh", "title": "Fresh in the shop"}])
    # Without a moment at which it came, it waits for the next training.
    session_client.write("MATCH (i:Item {id: 'fresh'}) REMOVE i.created_at")
    given = ["i3", "fresh", "i47", "i0", "nothing", "i8", "i3"]
    found = rerank(api, given, user="u0")
    assert sorted(names(found["nodes"])) == sorted(["i3", "fresh", "i47", "i0", "i8"])
    assert found["unknown"] == ["nothing"]
    assert [node["rank"] for node in found["nodes"]] == [1, 2, 3, 4, 5]
    scores = [node["score"] for node in found["nodes"]]
    assert scores[-1] is None
    assert scores[:-1] == sorted(scores[:-1], reverse=True)
    assert found["nodes"][-1]["item"]["externalId"] == "fresh"
    assert found["nodes"][-1]["explanation"] is None
    for node in found["nodes"][:-1]:
        assert node["explanation"]["score"] == pytest.approx(node["score"], abs=1e-9)


def test_a_given_list_is_put_in_the_order_of_the_users_taste(api: Served) -> None:
    given = [f"i{n}" for n in range(20)]
    for user, home in (("u0", False), ("u1", True)):
        first = names(rerank(api, given, user=user, first=6)["nodes"])
        assert sum(is_home(name) == home for name in first) >= 5
    assert len(rerank(api, given)["nodes"]) == 20


def test_a_given_list_is_paged_and_filtered(api: Served) -> None:
    given = [f"i{n}" for n in range(30)]
    whole = names(rerank(api, given, user="u0", first=100)["nodes"])
    first = rerank(api, given, user="u0", first=11)
    rest = rerank(api, given, user="u0", first=100, after=first["pageInfo"]["endCursor"])
    assert names(first["nodes"]) + names(rest["nodes"]) == whole
    assert [node["rank"] for node in rest["nodes"]] == list(range(12, 31))
    cheap = rerank(api, [*given, "i47"], user="u0", filter={"price": {"max": 6}}, first=100)
    assert sorted(names(cheap["nodes"])) == sorted(f"i{n}" for n in range(9))
    assert api.refused(RERANK, items=given[:5], user="u0", after=first["pageInfo"]["endCursor"])
    error = api.refused(RERANK, items=["x"] * 1_001)
    assert error["extensions"]["argument"] == "items"
