"""The one filter of all lists, and pages that stay of one list while the shop goes on."""

from collections.abc import Iterator
from typing import Any

import pytest

from graph import write
from graph.client import Client
from tests.integration.test_api_events import ERASE, event, record
from tests.served import Served, statements

pytestmark = pytest.mark.integration

LIST = """query ($user: String!, $first: Int, $after: String, $filter: ListFilter, $mode: Mode, $budget: Float,
    $categories: [String!], $exclude: [String!], $diversity: Float) {
  user(id: $user) { recommendations(first: $first, after: $after, filter: $filter, mode: $mode, budget: $budget,
      categories: $categories, exclude: $exclude, diversity: $diversity) {
    asOf pageInfo { hasNextPage hasPreviousPage endCursor }
    nodes { rank score pinned item { externalId price priceLevel available brand { externalId }
        category { externalId } }
      explanation { sentence score contributions { kind value sentence } } } } } }"""


def page(api: Served, user: str = "u0", **wish: Any) -> dict[str, Any]:
    return api.ask(LIST, user=user, **wish)["user"]["recommendations"]


def nodes(api: Served, user: str = "u0", first: int = 100, **asked: Any) -> list[dict[str, Any]]:
    return page(api, user, first=first, filter=asked)["nodes"]


def names(found: list[dict[str, Any]]) -> list[str]:
    return [node["item"]["externalId"] for node in found]


@pytest.fixture
def reader(api: Served) -> Iterator[str]:
    """A user of this test alone, with a little history."""
    record(api, *(event("reader", f"i{n}", eventId=f"reader-{n}") for n in (0, 4, 9)))
    yield "reader"
    api.ask(ERASE, id="reader")


def test_everything_that_is_asked_holds(api: Served) -> None:
    found = nodes(
        api,
        price={"min": 5, "max": 20},
        priceLevel={"max": 0.8},
        brands=["Basalt", "Cirrus", "unknown"],
        excludeCategories=["Food > Tea"],
        exclude=["i2"],
    )
    assert found
    for node in found:
        item = node["item"]
        assert 5 <= item["price"] <= 20
        assert item["priceLevel"] <= 0.8
        assert item["brand"]["externalId"] in ("Basalt", "Cirrus")
        assert item["category"]["externalId"] != "Food > Tea"
        assert item["externalId"] != "i2"
    assert nodes(api, brands=["unknown"]) == []


def test_the_filter_and_the_fields_own_arguments_say_the_same(api: Served) -> None:
    beside = page(api, first=30, mode="DISCOVER", budget=15.0, categories=["Food"], diversity=0.5)
    inside = nodes(api, first=30, mode="DISCOVER", budget=15.0, categories=["Food"], diversity=0.5)
    assert beside["nodes"] == inside
    both = page(api, first=30, mode="DISCOVER", filter={"mode": "DISCOVER", "exclude": ["i1"]}, exclude=["i5"])
    assert {"i1", "i5"}.isdisjoint(names(both["nodes"]))
    error = api.refused(LIST, user="u0", budget=5.0, filter={"budget": 6.0})
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "budget"}


@pytest.mark.parametrize(
    ("beside", "inside", "argument"),
    [
        ({"mode": "ALL"}, {"mode": "DISCOVER"}, "mode"),
        ({"mode": "DISCOVER"}, {"mode": "ALL"}, "mode"),
        ({"diversity": 0.0}, {"diversity": 0.5}, "diversity"),
        ({"diversity": 0.5}, {"diversity": 0.0}, "diversity"),
    ],
)
def test_what_is_said_twice_is_refused_though_one_is_the_default(
    api: Served, beside: dict[str, Any], inside: dict[str, Any], argument: str
) -> None:
    error = api.refused(LIST, user="u0", filter=inside, **beside)
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    # Left out, null, or a default of the schema or of the operation: nobody said it.
    kind = {"mode": "Mode = ALL", "diversity": "Float = 0"}[argument]
    defaulted = f"""query ($filter: ListFilter, $it: {kind}) {{
      user(id: "u0") {{ recommendations(first: 9, {argument}: $it, filter: $filter) {{ nodes {{ score }} }} }} }}"""
    plain = api.ask(defaulted, filter=inside)
    assert plain == api.ask(defaulted, filter=inside, it=inside[argument])
    assert plain == api.ask(defaulted, filter=inside, it=None)


def test_a_default_of_the_operation_holds(api: Served) -> None:
    asked = """query ($mode: Mode = REBUY) {
      user(id: "u0") { recommendations(first: 9, mode: $mode) { nodes { item { externalId } } } } }"""
    listed = [node["item"] for node in api.ask(asked)["user"]["recommendations"]["nodes"]]
    assert listed == [{"externalId": name} for name in names(page(api, first=9, mode="REBUY")["nodes"])]


def test_a_boost_is_a_contribution_of_its_own_and_the_sum_stays_exact(api: Served) -> None:
    found = nodes(api, boosts=[{"factor": 50, "categories": ["Home"]}, {"factor": 0.5, "brands": ["Arbor"]}])
    assert found[0]["item"]["category"]["externalId"].startswith("Home")
    for node in found:
        told = node["explanation"]
        kinds = {part["kind"]: part for part in told["contributions"]}
        home, arbor = node["item"]["category"]["externalId"] > "Home", node["item"]["brand"]["externalId"] == "Arbor"
        assert ("BOOST" in kinds) == (home or arbor)
        assert sum(part["value"] for part in told["contributions"]) == pytest.approx(node["score"], abs=1e-6)
        assert told["score"] == pytest.approx(node["score"], abs=1e-9)
    assert any("the shop puts it forward" in node["explanation"]["sentence"] for node in found)


def test_nearness_to_the_users_price_level_is_told(api: Served) -> None:
    found = nodes(api, priceFit=1.0, first=10)
    for node in found:
        parts = node["explanation"]["contributions"]
        assert sum(part["value"] for part in parts) == pytest.approx(node["score"], abs=1e-6)
    assert any(part["kind"] == "PRICE_LEVEL" for node in found for part in node["explanation"]["contributions"])


def test_pins_caps_and_diversity_shape_the_list(api: Served) -> None:
    found = nodes(api, pins=["i46", "unknown", "i3"], perCategory=3, diversity=1)
    assert names(found)[:2] == ["i46", "i3"]
    assert [node["pinned"] for node in found] == [True, True] + [False] * (len(found) - 2)
    shelves = [node["item"]["category"]["externalId"] for node in found]
    assert len(found) == 12
    assert {shelves.count(shelf) for shelf in shelves} == {3}
    assert len(set(shelves[:4])) == 4
    assert [node["rank"] for node in found] == list(range(1, 13))


def test_what_is_sold_out_leaves_the_list_at_once_and_its_place_is_taken(api: Served, session_client: Client) -> None:
    first = names(nodes(api, first=10))
    write.items(session_client, [{"id": first[0], "available": False}, {"id": first[3], "available": False}])
    try:
        now = names(nodes(api, first=10))
        assert [name for name in first if name in now] == [name for name in first if name not in (first[0], first[3])]
        assert len(now) == 10
        assert names(nodes(api, first=10, available=False)) == first
        ranks = [node["rank"] for node in nodes(api, first=10)]
        assert ranks == list(range(1, 11))
    finally:
        write.items(session_client, [{"id": name, "available": True} for name in first])


def test_a_list_of_which_almost_everything_is_sold_out_is_still_full(api: Served, session_client: Client) -> None:
    everything = names(nodes(api))
    write.items(session_client, [{"id": name, "available": False} for name in everything[:-3]])
    try:
        found = page(api, first=2)
        assert names(found["nodes"]) == everything[-3:-1]
        assert found["pageInfo"]["hasNextPage"]
        rest = page(api, first=2, after=found["pageInfo"]["endCursor"])
        assert names(rest["nodes"]) == everything[-1:]
        assert not rest["pageInfo"]["hasNextPage"]
    finally:
        write.items(session_client, [{"id": name, "available": True} for name in everything])


def test_what_has_become_too_dear_is_not_shown_within_a_budget(api: Served, session_client: Client) -> None:
    cheap = nodes(api, budget=9)[0]["item"]
    write.items(session_client, [{"id": cheap["externalId"], "price": 99.0}])
    try:
        assert cheap["externalId"] not in names(nodes(api, budget=9))
    finally:
        write.items(session_client, [{"id": cheap["externalId"], "price": cheap["price"]}])


@pytest.mark.parametrize("asked", [{}, {"mode": "DISCOVER"}, {"diversity": 0.6, "perCategory": 8}, {"pins": ["i40"]}])
def test_pages_are_of_one_list_while_events_arrive(api: Served, reader: str, asked: dict[str, Any]) -> None:
    whole = names(nodes(api, reader, **asked))
    pages: list[str] = []
    after, moments = None, set[str]()
    for turn in range(20):
        found = page(api, reader, first=5, after=after, filter=asked)
        pages += names(found["nodes"])
        assert [node["rank"] for node in found["nodes"]] == list(range(5 * turn + 1, len(pages) + 1))
        moments.add(found["asOf"])
        after = found["pageInfo"]["endCursor"]
        # Late news of long ago, and of now, on what stands ahead and behind.
        record(api, event(reader, whole[-1 - turn], eventId=f"late-{turn}"), event(reader, whole[turn], "view"))
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert pages == whole
    assert len(moments) == 1
    assert names(nodes(api, reader, **asked)) != whole


def test_a_later_page_costs_no_more_statements_than_the_first(api: Served) -> None:
    cursor = page(api, first=5)["pageInfo"]["endCursor"]
    assert statements(api, lambda: page(api, first=5, after=cursor)) <= 5


def test_a_cursor_of_another_filter_is_refused(api: Served) -> None:
    cursor = page(api, first=2, filter={"brands": ["Arbor", "Basalt"]})["pageInfo"]["endCursor"]
    assert page(api, first=2, after=cursor, filter={"brands": ["Basalt", "Arbor"]})["nodes"]
    for other in ({"brands": ["Arbor"]}, {}, {"brands": ["Arbor", "Basalt"], "available": False}):
        error = api.refused(LIST, user="u0", after=cursor, filter=other)
        assert error["extensions"]["code"] == "INVALID_CURSOR"


@pytest.mark.parametrize(
    ("asked", "argument"),
    [
        ({"price": {"min": -1}}, "price"),
        ({"price": {"min": 5, "max": 4}}, "price"),
        ({"priceLevel": {"max": 1.5}}, "priceLevel"),
        ({"perCategory": 0}, "perCategory"),
        ({"perCategory": 101}, "perCategory"),
        ({"diversity": 2}, "diversity"),
        ({"priceFit": -1}, "priceFit"),
        ({"boosts": [{"factor": 0}]}, "boosts"),
        ({"boosts": [{"factor": 101}]}, "boosts"),
        ({"boosts": [{"factor": 2}] * 21}, "boosts"),
        ({"pins": [f"i{n}" for n in range(21)]}, "pins"),
        ({"brands": ["x"] * 1_001}, "brands"),
        ({"excludeCategories": ["x"] * 1_001}, "excludeCategories"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(api: Served, asked: dict[str, Any], argument: str) -> None:
    error = api.refused(LIST, user="u0", filter=asked)
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
