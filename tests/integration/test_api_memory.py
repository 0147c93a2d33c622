"""What a process keeps between requests is never taken for true: what changes in the graph changes the next answer."""

from typing import Any, LiteralString

import pytest

from gnn import ranking
from graph import write
from graph.client import Client
from tests.served import Served

pytestmark = pytest.mark.integration

LIST = """query ($user: String!) { user(id: $user) {
  recommendations(first: 20) { edges { node { score item { externalId title } explanation { sentence } } } } } }"""
ERASE = "mutation ($id: String!) { eraseUser(id: $id) { erasedEvents } }"


def listed(api: Served, user: str) -> list[dict[str, Any]]:
    return [edge["node"] for edge in api.ask(LIST, user=user)["user"]["recommendations"]["edges"]]


def event(user: str, item: str, at: int, name: str, kind: str = "purchase") -> dict[str, Any]:
    return {"user_id": user, "item_id": item, "type": kind, "at": at, "event_id": name}


def test_a_user_whose_events_are_the_same_is_scored_once(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[object] = []
    forward = ranking.forward

    def counted(*given: Any, **named: Any) -> ranking.Pass:
        passes.append(given)
        return forward(*given, **named)

    monkeypatch.setattr(ranking, "forward", counted)
    first = listed(api, "u3")
    assert len(passes) == 1
    assert listed(api, "u3") == first
    assert api.ask('{ user(id: "u3") { explain(item: "i5") { score } } }')["user"]["explain"]["score"]
    assert len(passes) == 1


def test_what_a_list_showed_last_is_read_beside_the_user(
    api: Served, session_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = listed(api, "u6")
    recommender, order = api.app.recommender, list[str]()
    read = recommender.graph.read

    async def noted(query: LiteralString, *given: Any, **named: Any) -> list[dict[str, Any]]:
        if "created_at" in query:  # whether there are new items is looked at once a second, whoever asks for what
            return await read(query, *given, **named)
        order.append("asked")
        try:
            return await read(query, *given, **named)
        finally:
            order.append("told")

    monkeypatch.setattr(recommender.graph, "read", noted)
    # As in a shop that is written to all the time: where it is not, the state of the graph is asked for first.
    monkeypatch.setattr(recommender.answers, "_luck", 0.0)
    recommender.answers.forget()
    assert listed(api, "u6") == first
    assert order == ["asked", "told"]  # one statement: which events the user has, and the rows
    order.clear()
    recommender.answers.forget()
    item = first[0]["item"]["externalId"]
    at = max(row["at"] for row in session_client.read("MATCH (:User {id: 'u6'})-[r]->(:Item) RETURN r.at AS at"))
    write.events(session_client, [event("u6", item, at, "beside-6")])
    assert listed(api, "u6") != first
    assert order[:4] == ["asked", "told"] * 2  # other events than those known are read after it
    session_client.write("MATCH (:User {id: 'u6'})-[r {event_id: 'beside-6'}]->(:Item) DELETE r")
    assert listed(api, "u6") == first
    order.clear()
    assert api.ask('{ user(id: "u6") { externalId } }')["user"]  # shows no list: nothing is read for one
    assert order == ["asked", "told"]


def test_an_event_that_another_process_writes_changes_the_next_answer(api: Served, session_client: Client) -> None:
    before = listed(api, "u5")
    best = before[0]["item"]["externalId"]
    at = max(row["at"] for row in session_client.read("MATCH (:User {id: 'u5'})-[r]->(:Item) RETURN r.at AS at"))
    write.events(session_client, [event("u5", best, at, "beside-1")])
    after = listed(api, "u5")
    assert [node["score"] for node in after] != [node["score"] for node in before]
    # Sent again it is the same event, and the list stays.
    write.events(session_client, [event("u5", best, at, "beside-1")])
    assert listed(api, "u5") == after
    session_client.write("MATCH (:User {id: 'u5'})-[r {event_id: 'beside-1'}]->(:Item) DELETE r")
    assert listed(api, "u5") == before


def test_as_many_other_events_are_other_events(api: Served, session_client: Client) -> None:
    at = 1_700_000_000_000_000
    write.events(session_client, [event("u7", "i1", at, "swap-1")])
    before = listed(api, "u7")
    session_client.write("MATCH (:User {id: 'u7'})-[r {event_id: 'swap-1'}]->(:Item) DELETE r")
    write.events(session_client, [event("u7", "i9", at, "swap-2")])
    assert listed(api, "u7") != before


def test_what_the_shop_says_of_items_and_users_is_read_anew(api: Served, session_client: Client) -> None:
    first = listed(api, "u9")[0]
    name = first["item"]["externalId"]
    session_client.write("MATCH (i:Item {id: $id}) SET i.title = 'Another name'", id=name)
    assert listed(api, "u9")[0]["item"]["title"] == "Another name"
    session_client.write("MATCH (i:Item {id: $id}) SET i.available = false", id=name)
    assert name not in [node["item"]["externalId"] for node in listed(api, "u9")]
    session_client.write(
        "MATCH (i:Item {id: $id}) SET i.available = true, i.title = $title", id=name, title=first["item"]["title"]
    )
    assert listed(api, "u9")[0] == first


def test_an_erased_user_who_comes_again_is_somebody_new(api: Served) -> None:
    record = """mutation ($id: String!, $item: String!) { recordEvents(input: {events: [
      {eventId: $id, user: "gone", item: $item, type: "purchase", at: "2024-05-01T10:00:00Z"}]}) {
      results { status } } }"""
    api.ask(record, id="gone-1", item="i1")
    before = listed(api, "gone")
    assert api.app.recommender.shoppers.known("gone")
    assert api.ask(ERASE, id="gone")["eraseUser"]["erasedEvents"] == 1
    assert api.app.recommender.shoppers.known("gone") is None
    assert api.ask(LIST, user="gone")["user"] is None
    api.ask(record, id="gone-2", item="i2")
    assert listed(api, "gone") != before


def repeated(api: Served) -> float:
    text = api.http.get("/metrics").text
    return float(text.split("\nattune_repeated_answers_total ")[1].split("\n")[0])


def test_an_answer_is_given_again_until_what_it_was_made_from_changes(api: Served, session_client: Client) -> None:
    listed(api, "u11")  # from here on the graph's state is known
    first, before = listed(api, "u11"), repeated(api)
    assert listed(api, "u11") == first
    assert repeated(api) == before + 1
    # Somebody else's event, and a property that no answer shows.
    write.events(session_client, [event("u1", "i1", 1_700_000_000_000_000, "elsewhere-1")])
    session_client.write("MATCH (c:Category) SET c.looked_at = 1")
    assert listed(api, "u11") == first
    assert listed(api, "u11") == first
    assert repeated(api) == before + 3
    # A name that a sentence tells.
    why = '{ user(id: "u11") { recommendations { nodes { explanation { contributions { sentence } } } } } }'
    told, before = api.ask(why), repeated(api)
    session_client.write("MATCH (i:Item) SET i.named = i.title, i.title = 'Another ' + i.id")
    renamed = api.ask(why)
    session_client.write("MATCH (i:Item) SET i.title = i.named REMOVE i.named")
    assert "Another " in str(renamed)
    assert api.ask(why) == told
    assert repeated(api) == before
    # Another question, another answer: who asks, for what, and in which form.
    other = api.http.post("/graphql", json={"query": LIST, "variables": {"user": "u13"}}).json()
    assert other["data"]["user"]["recommendations"] != first
    named = api.http.post(
        "/graphql",
        json={"query": LIST, "variables": {"user": "u11"}},
        headers={"accept": "application/graphql-response+json"},
    )
    assert named.headers["content-type"].startswith("application/graphql-response+json")
    assert repeated(api) == before


def test_an_answer_from_more_than_rows_is_given_again_until_anything_is_written(
    api: Served, session_client: Client
) -> None:
    query = '{ user(id: "u17") { neighbors { similarity } } }'
    api.ask(query)
    first, before = api.ask(query), repeated(api)
    assert api.ask(query) == first
    assert repeated(api) == before + 1
    session_client.write("MATCH (c:Category) SET c.looked_at = 2")
    assert api.ask(query) == first
    assert repeated(api) == before + 1


def test_mutations_and_errors_are_never_answered_from_before(api: Served) -> None:
    before = repeated(api)
    record = """mutation { recordEvents(input: {events: [{eventId: "again-1", user: "u15", item: "i1", type: "view",
      at: "2024-05-01T10:00:00Z"}]}) { recorded existing } }"""
    assert api.ask(record)["recordEvents"]["recorded"] == 1
    assert api.ask(record)["recordEvents"]["existing"] == 1
    for _ in range(3):
        assert api.refused('{ user(id: "u15") { recommendations(first: -1) { asOf } } }')
    assert repeated(api) == before
