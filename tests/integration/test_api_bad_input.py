"""What no app should send and somebody will: each is refused by name or answered with nothing, and never breaks."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gnn.registry import Registry
from graph.client import Client, Settings
from tests import served
from tests.served import Served

pytestmark = pytest.mark.integration

RECORD = """mutation ($input: RecordEventsInput!) { recordEvents(input: $input) {
  recorded existing rejected results { eventId status } userErrors { field code message } } }"""
ERASE = "mutation ($id: String!) { eraseUser(id: $id) { erasedEvents userErrors { field code message } } }"
EVERYWHERE = """query ($id: String!, $search: String!) {
  user(id: $id) { id } item(id: $id) { id } category(id: $id) { id }
  rerank(user: $id, items: [$id], first: 1) { unknown nodes { rank } }
  basket(user: $id, items: [{ item: $id }]) { unknown total completions(first: 1) { nodes { rank } } }
  items(first: 1, search: $search) { nodes { id } }
  popular(first: 1, filter: { categories: [$id], brands: [$id], exclude: [$id] }) { nodes { rank } }
}"""

ODD = [
    "nobody",
    "null",
    "\u0000",
    "\u0007\u001b[31m",
    "\u202ereversed",
    "e\u0301 is not \u00e9",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\ufeff\uffff\U0010ffff",
    "' OR 1=1 //",
    '"}) DETACH DELETE n //',
    "+title:* AND [a TO z] \\ ~ ^2",
    "$id {id} `x`",
    "x" * 512,
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: ascii(odd)[:24])
def test_an_odd_id_is_unknown_everywhere_and_breaks_nothing(api: Served, odd: str) -> None:
    answer = api.ask(EVERYWHERE, id=odd, search=odd[:200])
    assert (answer["user"], answer["item"], answer["category"]) == (None, None, None)
    assert answer["rerank"] == {"unknown": [odd], "nodes": []}
    assert (answer["basket"]["unknown"], answer["basket"]["total"]) == ([odd], 0)
    assert answer["popular"]["nodes"] == []


@pytest.mark.parametrize(
    "body", [b'{"query": "{ item(id: \\"\\\\ud800\\") { id } }"}', b'{"query": "\\ud800"}', b"\xff\xfe"]
)
def test_half_a_character_is_a_bad_request(api: Served, body: bytes) -> None:
    answer = api.http.post(
        "/graphql",
        content=body,
        headers={"content-type": "application/json", "accept": "application/graphql-response+json"},
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] in {"BAD_REQUEST", "GRAPHQL_PARSE_FAILED"}


def test_a_mutation_says_of_an_unknown_id_and_of_control_characters_what_to_change(
    api: Served, session_client: Client
) -> None:
    erased = api.ask(ERASE, id="nobody")["eraseUser"]
    assert erased["erasedEvents"] == 0
    assert [(error["field"], error["code"]) for error in erased["userErrors"]] == [(["id"], "UNKNOWN_USER")]
    events = [{"user": "odd", "item": text, "type": "view", "eventId": f"odd-{n}"} for n, text in enumerate(ODD)]
    told = api.ask(RECORD, input={"events": events})["recordEvents"]
    refused = {n for n, text in enumerate(ODD) if any(ord(sign) < 32 for sign in text)}
    assert {int(error["field"][2]) for error in told["userErrors"]} == refused
    assert {error["code"] for error in told["userErrors"]} == {"REFUSED"}
    assert told["recorded"] == len(ODD) - len(refused)
    # What was recorded is found under exactly the text that was sent.
    rows = session_client.read("MATCH (:User {id: 'odd'})-[:VIEWED]->(i:Item) RETURN i.id AS id")
    assert {row["id"] for row in rows} == {text for n, text in enumerate(ODD) if n not in refused}
    assert api.ask(ERASE, id="odd")["eraseUser"]["erasedEvents"] == told["recorded"]


HUGE = 2_147_483_647
LISTS = [
    'user(id: "u0") { recommendations(first: N) { nodes { rank } } }',
    'user(id: "u0") { recentlyViewed(first: N) { nodes { times } } }',
    'user(id: "u0") { buyAgain(first: N) { nodes { times } } }',
    'user(id: "u0") { neighbors(first: N) { similarity } }',
    'user(id: "u0") { pseudonymousNeighbors(first: N) { similarity } }',
    'user(id: "u0") { whatIf(first: N, change: {}) { after { rank } } }',
    'item(id: "i0") { similar(first: N) { nodes { weight } } }',
    'item(id: "i0") { boughtTogether(first: N) { nodes { lift } } }',
    'item(id: "i0") { audience(first: N) { nodes { rank } } }',
    'category(id: "Food") { audience(first: N) { nodes { rank } } }',
    "items(first: N) { nodes { id } }",
    "users(first: N) { nodes { id } }",
    "popular(first: N) { nodes { rank } }",
    "trending(first: N) { nodes { rank } }",
    'session(events: [{ item: "i0", type: "view" }], first: N) { nodes { rank } }',
    'rerank(items: ["i0"], first: N) { nodes { rank } }',
    'basket(items: [{ item: "i0" }]) { completions(first: N) { nodes { rank } } }',
]


@pytest.mark.parametrize(
    "field", LISTS, ids=lambda field: field.split("first: N")[0].strip("({ ,").split(" ")[-1].strip("(")
)
def test_no_list_takes_a_negative_or_huge_length(api: Served, field: str) -> None:
    for n in (-1, -HUGE - 1, 101, HUGE):
        error = api.refused("{ " + field.replace("first: N", f"first: {n}") + " }")
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "`first`" in error["message"]
    for n in (HUGE + 1, 10**30):
        error = api.refused("{ " + field.replace("first: N", f"first: {n}") + " }")
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("number", ["1e400", "-1e400"])
def test_a_number_that_no_float_holds_is_refused(api: Served, number: str) -> None:
    query = f'{{ user(id: "u0") {{ recommendations(first: 1, budget: {number}) {{ nodes {{ rank }} }} }} }}'
    assert api.refused(query)["extensions"]["code"] in {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}


def _event(at: datetime, **more: Any) -> dict[str, Any]:
    return {"user": "clock", "item": "i5", "type": "view", "at": at.isoformat(), **more}


def test_a_clock_that_is_ahead_is_borne_for_a_day_and_upsets_no_list(api: Served) -> None:
    now = datetime.now(UTC)
    events = [
        _event(now + timedelta(hours=23), eventId="clock-ahead"),
        _event(now + timedelta(hours=25), eventId="clock-future"),
        _event(datetime(9999, 12, 31, 23, tzinfo=UTC), eventId="clock-end"),
        _event(datetime(1969, 12, 31, tzinfo=UTC), eventId="clock-before"),
    ]
    told = api.ask(RECORD, input={"events": events})["recordEvents"]
    assert [row["status"] for row in told["results"]] == ["CREATED", "REJECTED", "REJECTED", "REJECTED"]
    codes = [(error["field"], error["code"]) for error in told["userErrors"]]
    assert codes == [
        (["input", "events", "1", "at"], "IN_FUTURE"),
        (["input", "events", "2", "at"], "IN_FUTURE"),
        (["input", "events", "3", "at"], "OUT_OF_RANGE"),
    ]
    user = api.ask("""{ user(id: "clock") {
      recommendations(first: 5) { nodes { score explanation { score contributions { value } } } }
      recentlyViewed(first: 1) { nodes { at item { externalId } } } buyAgain(first: 1) { nodes { times } } } }""")[
        "user"
    ]
    for node in user["recommendations"]["nodes"]:
        parts = node["explanation"]["contributions"]
        assert abs(sum(part["value"] for part in parts) - node["score"]) < 1e-5
    assert user["recentlyViewed"]["nodes"][0]["item"]["externalId"] == "i5"


def test_a_batch_of_one_event_a_thousand_times_is_one_event(api: Served, session_client: Client) -> None:
    once = _event(datetime(2024, 1, 1, tzinfo=UTC), user="twin", eventId="twin-1")
    told = api.ask(RECORD, input={"events": [once] * 1_000})["recordEvents"]
    assert (told["recorded"], told["existing"], told["rejected"]) == (1, 999, 0)
    unnamed = {name: value for name, value in once.items() if name != "eventId"}
    told = api.ask(RECORD, input={"events": [unnamed, unnamed]})["recordEvents"]
    assert (told["recorded"], told["existing"]) == (1, 1)
    rows = session_client.read("MATCH (:User {id: 'twin'})-[r:VIEWED]->() RETURN count(r) AS n")
    assert rows[0]["n"] == 2


PAGE = """query ($after: String) {
  user(id: "u0") { recommendations(first: 2, after: $after) { pageInfo { endCursor } modelVersion } } }"""
SIMILAR = 'query ($after: String) { item(id: "i0") { similar(first: 1, after: $after) { pageInfo { endCursor } } } }'


def test_a_cursor_of_another_model_says_which_one_is_served(
    neo4j: Settings, models: Path, session_client: Client
) -> None:
    with served.serving(served.settings(neo4j, models)) as api:
        first = api.ask(PAGE)["user"]["recommendations"]
        cursor, similar = first["pageInfo"]["endCursor"], api.ask(SIMILAR)["item"]["similar"]["pageInfo"]["endCursor"]
        newer = served.first_model(session_client, models)
        assert newer != first["modelVersion"]
        served.until(lambda: api.ask("{ model { version } }")["model"]["version"] == newer)
        for query, after in ((PAGE, cursor), (SIMILAR, similar)):
            error = api.refused(query, after=after)
            assert error["extensions"]["code"] == "INVALID_CURSOR"
            assert error["extensions"]["modelVersion"] == newer
        assert api.ask(PAGE)["user"]["recommendations"]["modelVersion"] == newer
        Registry(models).promote(first["modelVersion"])


def test_deep_json_is_no_way_in(api: Served) -> None:
    deep = "[" * 5_000 + "]" * 5_000
    for body in (f'{{"query": "{{ __typename }}", "variables": {{"x": {deep}}}}}', deep, json.dumps({"query": deep})):
        answer = api.http.post("/graphql", content=body, headers={"content-type": "application/json"})
        assert answer.status_code < 500
    assert api.ask("{ __typename }") == {"__typename": "Query"}
