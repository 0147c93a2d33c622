"""Items that came after the training: on lists, explained, gone again, and the same on every page and replica."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from api import newcomers
from api.knowledge import Knowledge
from attune.newcomers import taken_in
from gnn import output
from gnn.filters import Mode, Query
from gnn.registry import Registry
from graph import snapshot, write
from graph.client import AsyncClient, Client, Settings
from tests import served
from tests.served import Served

pytestmark = pytest.mark.integration

# u0, u2, u4 and u6 love food, u1 loves home.
LIST = """query ($user: String!, $first: Int = 60, $after: String, $filter: ListFilter, $asOf: AsOfInput) {
  user(id: $user) {
    recommendations(first: $first, after: $after, mode: DISCOVER, filter: $filter, asOf: $asOf) {
      modelVersion asOf pageInfo { endCursor hasNextPage }
      nodes { rank score estimated item { externalId }
        explanation { score estimated sentence contributions { kind value sentence } } } } } }"""
SEEN = "mutation ($events: [EventInput!]!) { recordEvents(input: { events: $events }) { recorded } }"


def shown(api: Served, user: str = "u0", **variables: Any) -> dict[str, Any]:
    return api.ask(LIST, user=user, **variables)["user"]["recommendations"]


def names(answer: dict[str, Any]) -> list[str]:
    return [node["item"]["externalId"] for node in answer["nodes"]]


def estimated(answer: dict[str, Any]) -> list[str]:
    found = [node for node in answer["nodes"] if node["estimated"]]
    assert [node["explanation"]["estimated"] for node in found] == [True] * len(found)
    assert sum(node["explanation"]["estimated"] for node in answer["nodes"]) == len(found)
    return sorted(node["item"]["externalId"] for node in found)


def test_what_is_new_in_a_loved_category_is_discovered_explained_and_gone_when_it_is_deleted(
    api: Served, session_client: Client
) -> None:
    before = shown(api)
    write.items(session_client, [{"id": "fresh", "title": "Fresh", "category": "Food > Coffee", "price": 4.0}])
    served.until(lambda: "fresh" in names(shown(api)))
    assert "fresh" in names(shown(api, "u6", first=20))
    assert "fresh" not in names(shown(api, "u1", first=20))
    assert names(shown(api, "u0")).index("fresh") < names(shown(api, "u1")).index("fresh")
    assert names(shown(api, filter={"categories": ["Food > Coffee"]}, first=9)).count("fresh") == 1
    assert estimated(before) == []
    assert estimated(shown(api)) == ["fresh"]
    node = next(node for node in shown(api, "u6")["nodes"] if node["item"]["externalId"] == "fresh")
    told = node["explanation"]
    assert sum(part["value"] for part in told["contributions"]) == pytest.approx(node["score"], abs=1e-5)
    said = {part["kind"]: part["sentence"] for part in told["contributions"]}
    assert "ITEM" not in said
    assert said["POPULARITY"].startswith("It is new, and how popular items usually are speaks")
    assert said["CATEGORY"] in ("Coffee is in your history.", "Food is in your history.")
    again = {node["item"]["externalId"]: node["score"] for node in shown(api)["nodes"]}
    assert {n: again[n] for n in names(before)} == {n["item"]["externalId"]: n["score"] for n in before["nodes"]}

    session_client.write("MATCH (i:Item {id: 'fresh'}) DETACH DELETE i")
    assert "fresh" not in names(shown(api))


def test_pages_that_were_begun_and_lists_of_before_stay_without_it_and_replicas_agree(
    api: Served, models: Path, neo4j: Settings, session_client: Client
) -> None:
    first = shown(api, first=5)
    whole = names(shown(api))
    write.items(session_client, [{"id": "later", "category": "Food > Tea", "brand": "Arbor", "price": 3.0}])
    served.until(lambda: "later" in names(shown(api)))
    now = shown(api)
    rest = shown(api, first=60, after=first["pageInfo"]["endCursor"])
    assert names(first) + names(rest) == whole
    before = {"model": first["modelVersion"], "at": first["asOf"]}
    assert names(shown(api, asOf=before)) == whole
    after = {"model": now["modelVersion"], "at": now["asOf"]}
    assert estimated(now) == ["later"]
    assert shown(api, asOf=after)["nodes"] == now["nodes"]
    with served.serving(served.settings(neo4j, models)) as other:
        assert shown(other, asOf=after)["nodes"] == now["nodes"]
        assert names(shown(other, asOf=before)) == whole
        assert shown(other)["nodes"] == shown(api)["nodes"]


def test_a_list_of_before_has_what_was_new_then_at_the_price_and_on_the_shelf_of_today(
    api: Served, session_client: Client
) -> None:
    def scores(answer: dict[str, Any]) -> dict[str, float]:
        return {node["item"]["externalId"]: node["score"] for node in answer["nodes"]}

    write.items(session_client, [{"id": "moving", "category": "Food > Coffee", "price": 4.0}])
    served.until(lambda: "moving" in names(shown(api)))
    then = shown(api)
    as_of = {"model": then["modelVersion"], "at": then["asOf"]}
    assert shown(api, asOf=as_of)["nodes"] == then["nodes"]
    write.items(session_client, [{"id": "moving", "category": "Home > Tools", "price": 22.0}])
    served.until(lambda: scores(shown(api))["moving"] != scores(then)["moving"])
    again = shown(api, asOf=as_of)
    assert set(names(again)) == set(names(then))
    assert scores(again)["moving"] == scores(shown(api))["moving"]
    assert "moving" in estimated(again)
    known = set(names(then)) - set(estimated(then))
    assert known
    assert {name: scores(again)[name] for name in known} == {name: scores(then)[name] for name in known}
    session_client.write("MATCH (i:Item {id: 'moving'}) DETACH DELETE i")


def test_an_event_creates_an_item_and_counts_at_once(api: Served, session_client: Client) -> None:
    event = {"user": "u2", "item": "unheard of", "type": "cart", "eventId": "newcomer-1"}
    api.ask(SEEN, events=[event])
    served.until(lambda: "unheard of" in names(shown(api, "u2")))
    node = next(node for node in shown(api, "u2")["nodes"] if node["item"]["externalId"] == "unheard of")
    told = {part["kind"]: part for part in node["explanation"]["contributions"]}
    assert told["OWN_HISTORY"]["value"] > 0
    assert told["OWN_HISTORY"]["sentence"].startswith("You put it in your cart once")
    # Told apart later, it stands on its shelf.
    write.items(session_client, [{"id": "unheard of", "category": "Home > Garden", "price": 5.0}])
    only = {"categories": ["Home > Garden"]}
    served.until(lambda: "unheard of" in names(shown(api, "u2", filter=only)))


def test_everything_else_that_ranks_knows_it(api: Served, session_client: Client) -> None:
    write.items(session_client, [{"id": "tool", "category": "Home > Tools", "price": 6.0}])
    served.until(lambda: "tool" in names(shown(api, "u1")))
    found = api.ask("""{
      rerank(items: ["i2", "tool", "nothing"], user: "u1") { unknown nodes { score estimated item { externalId } } }
      new: item(id: "tool") { audience(first: 100) { nodes { estimated } } }
      old: item(id: "i2") { audience(first: 100) { nodes { estimated } } }
      session(events: [{ item: "tool" }], first: 60) { nodes { item { externalId } } }
      basket(items: [{ item: "i3", quantity: 1 }]) {
        completions(first: 60, filter: { categories: ["Home"] }) { nodes { item { externalId } } } }
      user(id: "u1") {
        explain(item: "tool") { score contributions { value } }
        whyNot(item: "tool", first: 1) {
          listed place score estimated sentence zh: sentence(locale: ZH) obstacles { kind sentence } }
        known: whyNot(item: "i0", first: 1) { estimated sentence contributions { sentence } }
        whatIf(change: { events: [{ item: "tool", type: "purchase" }] }, first: 60) {
          before { estimated item { externalId } } after { estimated item { externalId } }
          moved { item { externalId } estimated scoreBefore scoreAfter contributions { before after } } } } }""")
    assert found["rerank"]["unknown"] == ["nothing"]
    scores = {node["item"]["externalId"]: node["score"] for node in found["rerank"]["nodes"]}
    assert scores["tool"] is not None
    marks = {node["item"]["externalId"]: node["estimated"] for node in found["rerank"]["nodes"]}
    assert marks == {"i2": False, "tool": True}
    for which, mark in (("new", True), ("old", False)):
        audience = [node["estimated"] for node in found[which]["audience"]["nodes"]]
        assert audience == [mark] * max(len(audience), 1)
    assert "tool" in [node["item"]["externalId"] for node in found["session"]["nodes"]]
    assert "tool" in [node["item"]["externalId"] for node in found["basket"]["completions"]["nodes"]]
    user = found["user"]
    assert user["explain"]["score"] == pytest.approx(scores["tool"], abs=1e-9)
    assert sum(p["value"] for p in user["explain"]["contributions"]) == pytest.approx(scores["tool"], abs=1e-5)
    assert not user["whyNot"]["listed"]
    (obstacle,) = user["whyNot"]["obstacles"]
    assert obstacle["kind"] == "SCORE"
    assert obstacle["sentence"].endswith("; it is new, and its score is estimated from other items.")
    assert user["whyNot"]["score"] == pytest.approx(scores["tool"], abs=1e-9)
    assert user["whyNot"]["estimated"]
    assert user["whyNot"]["sentence"].endswith("; it is new, and its score is estimated from other items.")
    assert "它的得分是按其他商品估计的" in user["whyNot"]["zh"]
    measured = [user["known"]["sentence"], *(part["sentence"] for part in user["known"]["contributions"])]
    assert not user["known"]["estimated"]
    assert not any("estimated" in sentence for sentence in measured)
    move = next(move for move in user["whatIf"]["moved"] if move["item"]["externalId"] == "tool")
    assert move["scoreBefore"] == pytest.approx(scores["tool"], abs=1e-9)
    assert sum(part["after"] for part in move["contributions"]) == pytest.approx(move["scoreAfter"], abs=1e-5)
    world = user["whatIf"]
    newer = set(estimated(shown(api, "u1")))
    assert len(world["moved"]) > len(newer)
    for node in (*world["before"], *world["after"], *world["moved"]):
        assert node["estimated"] == (node["item"]["externalId"] in newer)
    like = api.ask('{ item(id: "tool") { similar(first: 3) { nodes { weight item { category { externalId } } } } } }')
    shelves = {node["item"]["category"]["externalId"] for node in like["item"]["similar"]["nodes"]}
    assert shelves == {"Home > Tools"}
    text = api.http.get("/metrics").text
    assert "attune_newcomers_left_out 0.0" in text
    assert float(text.split("\nattune_newcomers ")[1].split()[0]) >= 1


def test_whoever_would_buy_it_of_a_category_is_marked(api: Served, session_client: Client) -> None:
    write.items(session_client, [{"id": "shears", "category": "Home > Garden", "price": 5.0}])
    # Who bought it often would buy it again; the others buy what the model knows.
    bought = [{"user": "gardener", "item": "shears", "type": "purchase", "eventId": f"shears-{n}"} for n in range(8)]
    api.ask(SEEN, events=bought)
    query = """{ category(id: "Home") { audience(first: 100) {
        nodes { estimated user { externalId } item { externalId } } } } }"""

    def audience() -> dict[str, dict[str, Any]]:
        found = api.ask(query)["category"]["audience"]["nodes"]
        return {node["user"]["externalId"]: node for node in found}

    served.until(lambda: audience().get("gardener", {}).get("estimated") is True)
    found = audience()
    assert len({node["item"]["externalId"] for node in found.values()}) > 1
    for node in found.values():
        assert node["estimated"] == (node["item"]["externalId"] == "shears")
    api.ask('mutation { eraseUser(id: "gardener") { erasedEvents } }')
    session_client.write("MATCH (i:Item {id: 'shears'}) DETACH DELETE i")


def test_where_it_trails_is_told_as_estimated(api: Served, session_client: Client) -> None:
    write.items(session_client, [{"id": "trailing", "category": "Home > Tools", "price": 6.0}])
    write.users(session_client, [{"id": "silent"}])
    served.until(lambda: "trailing" in names(shown(api, "silent")))
    # Of somebody who did nothing, popularity is all that two items differ by.
    found = api.ask("""{ user(id: "silent") {
      new: whyNot(item: "trailing", first: 1) { contributions { kind sentence zh: sentence(locale: ZH) } }
      known: whyNot(item: "i40", first: 1) { contributions { kind sentence zh: sentence(locale: ZH) } } } }""")["user"]
    new, known = (
        next(part for part in found[which]["contributions"] if part["kind"] == "POPULARITY")
        for which in ("new", "known")
    )
    assert new["sentence"].endswith("; it is new, and what this adds to its score is estimated from other items.")
    assert new["zh"].endswith("；它是新上架的，这一项给它的加分是按其他商品估计的。")
    assert known["sentence"].startswith("Popularity speaks more for ")
    assert "estimated" not in known["sentence"]
    assert "估计" not in known["zh"]
    session_client.write("MATCH (u:User {id: 'silent'}) DETACH DELETE u")


def test_lists_of_everybody_hold_it_where_the_api_does(api: Served, models: Path, session_client: Client) -> None:
    write.items(session_client, [{"id": "for all", "category": "Food > Coffee", "price": 3.0}])
    served.until(lambda: "for all" in names(shown(api)))
    model = taken_in(Registry(models).load(), session_client)
    whole = output.lists(model, snapshot.read(session_client), k=60, query=Query(mode=Mode.DISCOVER))
    mine = [item for user, item in zip(whole.user_id, whole.item_id, strict=True) if user == "u0"]
    assert mine == names(shown(api))
    assert "for all" in mine


def test_what_cannot_be_had_is_not_shown_until_it_can(api: Served, session_client: Client) -> None:
    write.items(session_client, [{"id": "soon", "category": "Food > Tea", "price": 3.0, "available": False}])
    write.items(session_client, [{"id": "there", "category": "Food > Tea", "price": 3.0}])
    served.until(lambda: "there" in names(shown(api)))
    assert "soon" not in names(shown(api))
    write.items(session_client, [{"id": "soon", "available": True}])
    served.until(lambda: "soon" in names(shown(api)))


def test_an_answer_that_was_kept_is_made_anew_when_something_comes(api: Served, session_client: Client) -> None:
    def repeated() -> float:
        return api.app.recommender.metrics._repeated._value.get()  # pyright: ignore[reportPrivateUsage]

    shown(api, "u4")
    count = repeated()
    old = shown(api, "u4")
    assert repeated() == count + 1
    write.items(session_client, [{"id": "kept", "category": "Food > Coffee", "price": 2.0}])
    served.until(lambda: "kept" in names(shown(api, "u4")))
    assert set(names(shown(api, "u4"))) - set(names(old)) == {"kept"}


def test_of_more_than_a_model_takes_in_each_moment_has_its_newest(
    models: Path, session_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomers, "MOST", 3)
    monkeypatch.setattr(newcomers, "READ", 6)
    artefact = Registry(models).load()
    write.items(session_client, [{"id": f"many{n}"} for n in range(9)])
    now = time.time_ns() // 1_000_000
    moments = (now + 60_000, now + 5_500, now + 1_500, now)
    ages = [{"id": f"many{n}", "at": now + n * 1_000} for n in range(9)]
    session_client.write("UNWIND $ages AS a MATCH (i:Item {id: a.id}) SET i.created_at = a.at", ages=ages)
    found = session_client.read(
        "MATCH (i:Item) WHERE i.created_at > 0 RETURN i.id AS id, i.created_at AS at, i.key AS k"
    )
    came = sorted((row["at"], row["k"], row["id"]) for row in found if row["id"] not in artefact.item_index)

    async def known() -> list[frozenset[str]]:
        async with AsyncClient(session_client.settings) as client:
            watched = newcomers.Newcomers(client, Knowledge(client))
            taken = [(await watched.at(artefact, (at + watched.settled_ms) * 1_000)).newcomers for at in moments]
            assert watched.count(artefact) == (3, 3)
            return taken

    for at, taken in zip(moments, asyncio.run(known()), strict=True):
        assert taken == set([name for moment, _, name in came if moment < at][-3:])
    session_client.write("MATCH (i:Item) WHERE i.id STARTS WITH 'many' DETACH DELETE i")


def test_the_next_training_takes_it_over(api: Served, models: Path, session_client: Client) -> None:
    write.items(session_client, [{"id": "ordinary", "category": "Food > Coffee", "price": 2.0}])
    served.until(lambda: "ordinary" in names(shown(api)))
    then = shown(api)
    newer = served.first_model(session_client, models)
    served.until(lambda: shown(api)["modelVersion"] == newer)
    now = shown(api)
    assert "ordinary" in names(now)
    assert "ordinary" in estimated(then)
    assert estimated(now) == []
    said = [part["sentence"] for node in now["nodes"] for part in node["explanation"]["contributions"]]
    assert not any("it is new" in sentence.lower() for sentence in said)
    # The model of before still knows it as new.
    replayed = shown(api, asOf={"model": then["modelVersion"], "at": then["asOf"]})
    assert replayed["nodes"] == then["nodes"]
