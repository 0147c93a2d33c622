"""Explanations and lists where something is missing: events, a category, an item that left, a neighbour."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.shoppers import disputed
from gnn import output
from gnn.registry import Registry
from graph import disputes, snapshot, write
from graph.client import Client, Settings
from tests import served
from tests import shop as shops
from tests.served import Served

pytestmark = pytest.mark.integration

EXPLAIN = """query ($user: String!, $item: String!) { user(id: $user) { explain(item: $item) {
  sentence score cypher neighbors { shoppers sentence }
  contributions { kind value sentence path { __typename id ... on Item { title category { name } } } } } } }"""
LIST = """query ($user: String!, $first: Int) { user(id: $user) { recommendations(first: $first) { nodes {
  score item { externalId category { name } } explanation { score sentence contributions { value } } } } } }"""
AUDIENCE = """query ($item: String!, $first: Int) { item(id: $item) { audience(first: $first) {
  nodes { user { externalId } score } } } }"""
WHAT_IF = """query ($change: WhatIfInput!) { user(id: "u0") { whatIf(change: $change) { after { rank } } } }"""
DISPUTE = "mutation ($input: DisputeInput!) { disputeReason(input: $input) { disputed } }"
WITHDRAW = "mutation ($input: DisputeInput!) { withdrawDispute(input: $input) { changed } }"
ERASE = "mutation ($id: String!) { eraseUser(id: $id) { erasedEvents } }"
RECORD = "mutation ($input: RecordEventsInput!) { recordEvents(input: $input) { recorded rejected } }"


@dataclass(frozen=True, slots=True)
class Odd:
    """A shop with odd things in it, whose graph went on after the model was trained."""

    api: Served
    client: Client
    models: Path


@pytest.fixture(scope="module")
def odd(neo4j: Settings, session_client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Odd]:
    shop = shops.make()
    served.load_shop(session_client, shop)
    write.users(session_client, [{"id": "idle"}])
    # Neither category nor brand nor price nor title.
    write.items(session_client, [{"id": "bare"}])
    at = shops.START_US + 20 * 7 * shops.DAY_US
    write.events(
        session_client,
        [
            {"event_id": f"bare-{n}", "user_id": f"u{n}", "item_id": "bare", "type": "purchase", "at": at}
            for n in range(0, 40, 2)
        ],
    )
    models = tmp_path_factory.mktemp("odd")
    served.first_model(session_client, models)
    with served.serving(served.settings(neo4j, models)) as api:
        yield Odd(api, session_client, models)


def explained(odd: Odd, user: str, item: str) -> dict[str, Any]:
    told = odd.api.ask(EXPLAIN, user=user, item=item)["user"]["explain"]
    assert sum(part["value"] for part in told["contributions"]) == pytest.approx(told["score"], abs=1e-5)
    return told


def test_unknown_users_and_items_are_null_and_no_error(odd: Odd) -> None:
    assert odd.api.ask(EXPLAIN, user="nobody", item="i0")["user"] is None
    for item in ("nothing", "", "i0\u0000", "x" * 5_000, "<script>"):
        assert odd.api.ask(EXPLAIN, user="u0", item=item)["user"]["explain"] is None


def test_of_a_user_without_events_nothing_is_claimed(odd: Odd) -> None:
    nodes = odd.api.ask(LIST, user="idle", first=10)["user"]["recommendations"]["nodes"]
    assert len(nodes) == 10
    for item in ("bare", "i0", nodes[0]["item"]["externalId"]):
        told = explained(odd, "idle", item)
        assert {part["kind"] for part in told["contributions"]} <= {
            "POPULARITY",
            "PROMOTION",
            "PURCHASE_POWER",
            "OTHER",
        }
        said = " ".join([told["sentence"], *(part["sentence"] for part in told["contributions"])])
        assert "you " not in said
        assert "your " not in said
        assert told["neighbors"] == {"shoppers": None, "sentence": None}


def test_an_item_without_category_price_or_title_is_explained_by_what_there_is(odd: Odd) -> None:
    told = explained(odd, "u0", "bare")
    kinds = {part["kind"] for part in told["contributions"]}
    assert "OWN_HISTORY" in kinds or "ITEM" in kinds
    assert not kinds & {"CATEGORY", "BRAND", "PRICE_FIT"}
    assert not any("price" in part["sentence"] for part in told["contributions"])
    ways = [step for part in told["contributions"] for step in part["path"] if step["__typename"] == "Item"]
    assert any(step["title"] == "bare" and step["category"] is None for step in ways)
    nodes = odd.api.ask(LIST, user="u0", first=100)["user"]["recommendations"]["nodes"]
    assert [node["item"]["category"] for node in nodes if node["item"]["externalId"] == "bare"] == [None]


def test_more_than_there_is_gives_all_there_is(odd: Odd) -> None:
    nodes = odd.api.ask(LIST, user="u0", first=100)["user"]["recommendations"]["nodes"]
    names = [node["item"]["externalId"] for node in nodes]
    assert 30 < len(names) == len(set(names)) < 50
    many = odd.api.ask('{ user(id: "u0") { neighbors(first: 100) { sharedItems } } }')["user"]["neighbors"]
    assert len(many) <= 60
    everyone = odd.api.ask(AUDIENCE, item="i0", first=100)["item"]["audience"]["nodes"]
    assert len({node["user"]["externalId"] for node in everyone}) == len(everyone) <= 61
    lists = output.lists(Registry(odd.models).load(), snapshot.read(odd.client), k=100_000)
    assert lists.rank.max() == len({*lists.item_id})


@pytest.mark.parametrize("price", [1e300, 1e13, -1.0])
def test_a_price_that_nothing_has_is_refused_by_its_argument(odd: Odd, price: float) -> None:
    error = odd.api.refused(WHAT_IF, change={"items": [{"item": "i0", "price": price}]})
    assert error["message"] == "`change.items[0].price` must be an amount of money from 0 to 1,000,000,000,000."
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    for change in ({"budget": price}, {"events": [{"item": "i0", "type": "purchase", "amount": price}]}):
        assert odd.api.refused(WHAT_IF, change=change)["extensions"]["code"] == "BAD_USER_INPUT"


def test_whoever_dismissed_an_item_is_no_audience_of_it_and_no_list_of_everybody_has_it(odd: Odd) -> None:
    before = [
        node["user"]["externalId"] for node in odd.api.ask(AUDIENCE, item="i4", first=100)["item"]["audience"]["nodes"]
    ]
    user = before[0]
    at = (datetime.fromtimestamp(shops.START_US / 1e6, UTC) + timedelta(weeks=shops.WEEKS)).isoformat()
    said = [{"user": user, "item": "i4", "type": "dismiss", "at": at}]
    assert odd.api.ask(RECORD, input={"events": said})["recordEvents"] == {"recorded": 1, "rejected": 0}
    after = [
        node["user"]["externalId"] for node in odd.api.ask(AUDIENCE, item="i4", first=100)["item"]["audience"]["nodes"]
    ]
    assert sorted(after) == sorted(set(before) - {user})
    lists = output.lists(Registry(odd.models).load(), snapshot.read(odd.client), k=100)
    with_it = {name for name, item in zip(lists.user_id, lists.item_id, strict=True) if item == "i4"}
    assert with_it
    assert user not in with_it


def test_a_reason_that_is_disputed_counts_in_no_audience_and_no_list_of_everybody(odd: Odd) -> None:
    before = {
        node["user"]["externalId"]: node["score"]
        for node in odd.api.ask(AUDIENCE, item="i4", first=100)["item"]["audience"]["nodes"]
    }
    user = next(name for name in before if name != "u0")
    parts = explained(odd, user, "i4")["contributions"]
    part = max((part for part in parts if part["kind"] != "OTHER"), key=lambda part: abs(part["value"]))
    said = {"user": user, "kind": part["kind"], "path": [step["id"] for step in part["path"]]}
    artefact = Registry(odd.models).load()

    def of_everybody() -> dict[str, float]:
        now = snapshot.read(odd.client)
        with_disputes = {name: disputed(rows) for name, rows in disputes.everybody(odd.client).items()}
        lists = output.lists(artefact, now, k=100, disputes=with_disputes)
        rows = zip(lists.user_id, lists.item_id, lists.score.tolist(), strict=True)
        return {name: score for name, item, score in rows if item == "i4"}

    listed = of_everybody()
    assert odd.api.ask(DISPUTE, input=said)["disputeReason"]["disputed"]
    after = {
        node["user"]["externalId"]: node["score"]
        for node in odd.api.ask(AUDIENCE, item="i4", first=100)["item"]["audience"]["nodes"]
    }
    assert after[user] == pytest.approx(before[user] - part["value"], abs=1e-6)
    assert {name: score for name, score in after.items() if name != user} == pytest.approx(
        {name: score for name, score in before.items() if name != user}, abs=1e-6
    )
    assert of_everybody() == pytest.approx({**listed, user: listed[user] - part["value"]}, abs=1e-6)
    assert odd.api.ask(WITHDRAW, input=said)["withdrawDispute"]["changed"]


def test_what_left_the_shop_after_the_training_is_neither_listed_nor_explained_but_told_in_paths(odd: Odd) -> None:
    nodes = odd.api.ask(LIST, user="u4", first=5)["user"]["recommendations"]["nodes"]
    gone = nodes[0]["item"]["externalId"]
    odd.client.write("MATCH (i:Item {id: $id}) DETACH DELETE i", id=gone)
    assert odd.api.ask(EXPLAIN, user="u4", item=gone)["user"]["explain"] is None
    after = odd.api.ask(LIST, user="u4", first=100)["user"]["recommendations"]["nodes"]
    assert gone not in {node["item"]["externalId"] for node in after}
    for node in after:
        told = node["explanation"]
        assert sum(part["value"] for part in told["contributions"]) == pytest.approx(told["score"], abs=1e-5)
    lists = output.lists(Registry(odd.models).load(), snapshot.read(odd.client), k=100)
    assert gone not in lists.item_id


def test_events_that_were_erased_since_the_training_are_no_reasons_any_more(odd: Odd) -> None:
    top = odd.api.ask(LIST, user="u6", first=1)["user"]["recommendations"]["nodes"][0]["item"]["externalId"]
    was = explained(odd, "u6", top)
    assert "you bought" in " ".join(part["sentence"] for part in was["contributions"])
    odd.client.write("MATCH (:User {id: 'u6'})-[r]->(:Item) DELETE r")
    now = explained(odd, "u6", top)
    assert {part["kind"] for part in now["contributions"]} <= {"POPULARITY", "PROMOTION", "PURCHASE_POWER", "OTHER"}
    assert "bought" not in " ".join(part["sentence"] for part in now["contributions"])


def test_a_neighbour_that_was_erased_is_counted_no_more_and_breaks_nothing(odd: Odd) -> None:
    top = odd.api.ask(LIST, user="u8", first=1)["user"]["recommendations"]["nodes"][0]["item"]["externalId"]
    before = explained(odd, "u8", top)
    for n in range(12, 60):
        odd.api.ask(ERASE, id=f"u{n}")
    after = explained(odd, "u8", top)
    assert after["score"] == pytest.approx(before["score"], abs=1e-9)
    assert (after["neighbors"]["shoppers"] or 0) < (before["neighbors"]["shoppers"] or 99)
    assert len(odd.api.ask(LIST, user="u8", first=20)["user"]["recommendations"]["nodes"]) == 20
