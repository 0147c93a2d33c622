"""What passing over does: dismissed items, items of no interest, impressions without a click; and who is new."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.test_api_events import ERASE, event, record
from tests.integration.test_api_stream import items, receive, socket_of, subscribe
from tests.served import Served

pytestmark = pytest.mark.integration

LIST = """query ($user: String!) { user(id: $user) { recommendations(first: 100) { nodes { score item { externalId }
  explanation { score contributions { kind value sentence } } } } } }"""
EXPLAIN = """query ($user: String!, $item: String!) { user(id: $user) { explain(item: $item) { score
  contributions { kind value } } } }"""


@pytest.fixture
def reader(api: Served) -> Iterator[str]:
    """A user of this test alone, who likes food."""
    record(api, *(event("passer", f"i{n}", eventId=f"passer-{n}") for n in (0, 4, 9)))
    yield "passer"
    api.ask(ERASE, id="passer")


def listed(api: Served, user: str) -> dict[str, dict[str, Any]]:
    nodes = api.ask(LIST, user=user)["user"]["recommendations"]["nodes"]
    for node in nodes:
        parts = node["explanation"]["contributions"]
        assert sum(part["value"] for part in parts) == pytest.approx(node["score"], abs=1e-6)
    return {node["item"]["externalId"]: node for node in nodes}


def feedback(node: dict[str, Any]) -> float:
    return sum(part["value"] for part in node["explanation"]["contributions"] if part["kind"] == "FEEDBACK")


def now(**back: float) -> str:
    return (datetime.now(UTC) - timedelta(**back)).isoformat()


def test_a_dismissed_item_leaves_the_list_until_something_is_done_with_it(api: Served, reader: str) -> None:
    before = listed(api, reader)
    first = next(iter(before))
    record(api, event(reader, first, "dismiss", at=now(hours=2)))
    after = listed(api, reader)
    assert list(after) == list(before)[1:]
    assert all(feedback(node) == 0 for node in after.values())
    assert {name: node["score"] for name, node in after.items()} == pytest.approx(
        {name: before[name]["score"] for name in after}, abs=1e-6
    )
    record(api, event(reader, first, "click", at=now(hours=1)))
    assert first in listed(api, reader)


def test_what_is_like_an_item_of_no_interest_sinks(api: Served, reader: str) -> None:
    before = listed(api, reader)
    first = next(iter(before))
    query = "query ($id: String!) { item(id: $id) { similar(first: 100) { nodes { weight item { externalId } } } } }"
    similar = api.ask(query, id=first)["item"]["similar"]["nodes"]
    record(api, event(reader, first, "not_interested", at=now(hours=2)))
    after = listed(api, reader)
    assert first not in after
    for node in similar[:20]:
        name = node["item"]["externalId"]
        if name in after:
            lost = -node["weight"] / similar[0]["weight"]
            assert feedback(after[name]) == pytest.approx(lost, abs=1e-6)
            assert after[name]["score"] == pytest.approx(before[name]["score"] + lost, abs=1e-6)
    told = after[similar[0]["item"]["externalId"]]["explanation"]["contributions"]
    assert "What you passed over speaks against it." in [part["sentence"] for part in told]


def test_each_impression_without_a_click_costs_a_tenth_and_a_click_takes_it_back(api: Served, reader: str) -> None:
    first = next(iter(listed(api, reader)))
    old = event(reader, first, "exposure", at=now(days=20))
    record(api, old, *(event(reader, first, "exposure", at=now(hours=n + 1)) for n in range(3)))
    node = listed(api, reader)[first]
    assert feedback(node) == pytest.approx(-0.3)
    found = api.ask(EXPLAIN, user=reader, item=first)["user"]["explain"]
    assert found["score"] == pytest.approx(node["score"], abs=1e-6)
    assert sum(part["value"] for part in found["contributions"]) == pytest.approx(found["score"], abs=1e-6)
    record(api, *(event(reader, first, "exposure", at=now(minutes=n + 1)) for n in range(20)))
    assert feedback(listed(api, reader)[first]) == pytest.approx(-1.0)
    record(api, event(reader, first, "click", at=now()))
    assert feedback(listed(api, reader)[first]) == 0


def test_a_session_passes_over_as_well(api: Served) -> None:
    query = """query ($events: [SessionEventInput!]!) { session(events: $events, first: 100) {
      nodes { item { externalId } } } }"""
    looked = [{"item": "i0"}, {"item": "i4"}]
    first = api.ask(query, events=looked)["session"]["nodes"][0]["item"]["externalId"]
    nodes = api.ask(query, events=[*looked, {"item": first, "type": "dismiss"}])["session"]["nodes"]
    assert first not in [node["item"]["externalId"] for node in nodes]


POWER = """query ($user: String!) { user(id: $user) { purchasePower {
  income spendPerWeek basketValue priceLevel purchases known
  certainty { income spendPerWeek basketValue priceLevel discountShare } } } }"""


def test_purchase_power_says_of_each_figure_how_sure_it_is(api: Served) -> None:
    found = api.ask(POWER, user="u0")["user"]["purchasePower"]
    assert found["known"] == "KNOWN"
    assert found["certainty"] == {
        "income": "KNOWN",
        "spendPerWeek": "INFERRED",
        "basketValue": "INFERRED",
        "priceLevel": "INFERRED",
        "discountShare": "INFERRED",
    }


def test_the_purchase_power_of_somebody_new_is_inferred_from_the_first_purchases(api: Served) -> None:
    unknown = dict.fromkeys(("income", "spendPerWeek", "basketValue", "priceLevel", "discountShare"), "UNKNOWN")
    try:
        record(api, event("new-here", "i1", "view"))
        found = api.ask(POWER, user="new-here")["user"]["purchasePower"]
        assert (found["known"], found["certainty"], found["priceLevel"]) == ("UNKNOWN", unknown, None)
        record(
            api,
            event("new-here", "i40", quantity=1.0, amount=22.0, basketId="a", at=now(days=7)),
            event("new-here", "i44", quantity=1.0, amount=24.0, basketId="b", at=now()),
        )
        found = api.ask(POWER, user="new-here")["user"]["purchasePower"]
        assert (found["known"], found["purchases"], found["basketValue"]) == ("INFERRED", 2, 23.0)
        assert found["priceLevel"] > 0.8
        assert found["certainty"]["priceLevel"] == "INFERRED"
        assert found["certainty"]["income"] == "UNKNOWN"
    finally:
        api.ask(ERASE, id="new-here")


def test_somebody_new_gets_what_is_popular_and_then_what_goes_with_the_first_events(api: Served) -> None:
    try:
        record(api, event("first-day", "never seen before", "view"))
        cold = list(listed(api, "first-day"))
        assert len(cold) > 40
        record(api, *(event("first-day", f"i{n}", "view", at=now(minutes=n)) for n in (2, 3, 6)))
        warm = list(listed(api, "first-day"))[:10]
        assert sum(int(name[1:]) % 4 >= 2 for name in warm) >= 8
        assert warm != cold[:10]
    finally:
        api.ask(ERASE, id="first-day")


def test_a_subscription_takes_the_same_filter(api: Served, reader: str) -> None:
    query = """subscription ($user: String!, $filter: ListFilter) { recommendations(user: $user, filter: $filter) {
      edges { node { item { externalId } } } } }"""
    with socket_of(api) as ws:
        subscribe(ws, "1", query, user=reader, filter={"categories": ["Home"], "perCategory": 3})
        before = items(receive(ws))
        assert len(before) == 6
        assert all(int(name[1:]) % 4 >= 2 for name in before)
        record(api, event(reader, before[0], "dismiss", at=now()))
        assert before[0] not in items(receive(ws))
