"""A query may begin before the graph has said that it is as it was; what it says is none the less as of now."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from api.presence import Presence
from graph import explore, write
from graph.client import Client
from tests.integration.test_api_stream import receive, socket_of, subscribe
from tests.served import Served, statements

pytestmark = pytest.mark.integration

LIST = """query ($user: String!, $first: Int!) { user(id: $user) {
  recommendations(first: $first) { nodes { score item { externalId title } explanation { sentence } } } } }"""
WHAT_IF = """query ($user: String!, $item: String!) { user(id: $user) { whatIf(change: {withoutItems: [$item]}) {
  after { score item { externalId title } } } } }"""
BOTH = """query ($one: String!, $other: String!, $first: Int!) {
  one: user(id: $one) { recommendations(first: $first) { nodes { item { externalId title } } } }
  other: user(id: $other) { recommendations(first: $first) { nodes { item { externalId title } } } } }"""
TITLE = "MATCH (i:Item {id: $id}) SET i.title = $title"


def listed(api: Served, user: str, first: int = 5) -> list[dict[str, Any]]:
    return api.ask(LIST, user=user, first=first)["user"]["recommendations"]["nodes"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether what each operation presumed was true; of those that presumed anything."""
    found: list[bool] = []
    sure = Presence.sure

    async def noted(presence: Presence) -> Any:
        true, present = await sure(presence)
        if presence._asked:  # pyright: ignore[reportPrivateUsage]
            found.append(true)
        return true, present

    monkeypatch.setattr(Presence, "sure", noted)
    return found


@pytest.fixture
def quiet(api: Served) -> Callable[[bool], None]:
    """Let the service have found the graph as it was, or another one, many times in a row."""

    def found(same: bool) -> None:
        for _ in range(200):
            api.app.recommender.answers.held(true=same)

    found(True)
    return found


@pytest.fixture
def known(api: Served, quiet: object) -> list[dict[str, Any]]:
    """A list that the service has made, of rows of which it knows the state of the graph."""
    del quiet
    listed(api, "u6")
    api.app.recommender.shoppers.clear()
    api.app.recommender.answers.forget()
    return listed(api, "u6")


def test_where_nothing_was_written_one_look_at_the_state_is_all_that_is_asked(
    api: Served, known: list[dict[str, Any]], told: list[bool]
) -> None:
    assert statements(api, lambda: listed(api, "u6")) == 1
    assert listed(api, "u6", 4) == known[:4]
    item = known[0]["item"]["externalId"]
    assert api.ask(WHAT_IF, user="u6", item=item)["user"]["whatIf"]["after"]
    assert statements(api, lambda: api.ask('{ user(id: "u6") { externalId } }')) == 1
    assert set(told) == {True}


def test_what_another_program_writes_is_in_the_answer_that_was_begun_without_it(
    api: Served, session_client: Client, known: list[dict[str, Any]], told: list[bool]
) -> None:
    name, title = known[0]["item"]["externalId"], known[0]["item"]["title"]
    session_client.write(TITLE, id=name, title="Of another program")
    try:
        assert listed(api, "u6", 3)[0]["item"]["title"] == "Of another program"
    finally:
        session_client.write(TITLE, id=name, title=title)
    assert listed(api, "u6", 2) == known[:2]
    at = max(row["at"] for row in session_client.read("MATCH (:User {id: 'u6'})-[r]->(:Item) RETURN r.at AS at"))
    row = {"user_id": "u6", "item_id": name, "type": "purchase", "at": at, "event_id": "presumed-6"}
    write.events(session_client, [row])
    assert [one["score"] for one in listed(api, "u6", 4)] != [one["score"] for one in known[:4]]
    session_client.write("MATCH (:User {id: 'u6'})-[r {event_id: 'presumed-6'}]->(:Item) DELETE r")
    assert listed(api, "u6", 1) == known[:1]
    assert told == [False] * 4


def test_what_was_presumed_of_a_user_in_vain_is_not_taken_for_known_later(
    api: Served, session_client: Client, known: list[dict[str, Any]], told: list[bool]
) -> None:
    session_client.write("CREATE (:Elsewhere {n: 1})")
    session_client.write("MATCH (one:Elsewhere) DELETE one")
    assert listed(api, "u6", 4) == known[:4]
    assert told == [False]
    # What was read instead is of the present state.
    assert statements(api, lambda: listed(api, "u6", 3)) == 1
    assert told == [False, True, True, True]


def test_an_operation_about_two_users_presumes_of_both(api: Served, session_client: Client, told: list[bool]) -> None:
    listed(api, "u6")
    api.ask(BOTH, one="u6", other="u8", first=6)
    both = api.ask(BOTH, one="u6", other="u8", first=5)
    name, title = (both["other"]["recommendations"]["nodes"][0]["item"][key] for key in ("externalId", "title"))
    session_client.write(TITLE, id=name, title="Of another program")
    try:
        after = api.ask(BOTH, one="u6", other="u8", first=4)
    finally:
        session_client.write(TITLE, id=name, title=title)
    assert after["other"]["recommendations"]["nodes"][0]["item"]["title"] == "Of another program"
    assert told[-2:] == [True, False]


def test_a_user_whom_another_program_removed_is_nobody(
    api: Served, session_client: Client, quiet: object, told: list[bool]
) -> None:
    del quiet
    write.users(session_client, [{"id": "passer-by"}])
    listed(api, "passer-by")
    listed(api, "passer-by", 4)
    session_client.write("MATCH (u:User {id: 'passer-by'}) DETACH DELETE u")
    assert api.ask(LIST, user="passer-by", first=3)["user"] is None
    assert told[-1] is False


def test_an_error_of_what_was_presumed_is_no_error_of_the_answer(
    api: Served, session_client: Client, known: list[dict[str, Any]], told: list[bool]
) -> None:
    name = known[0]["item"]["externalId"]
    gone = "query ($user: String!, $id: String!) { user(id: $user) { whatIf(change: {withoutEvents: [$id]}) { "
    gone += "after { score } } } }"
    at = max(row["at"] for row in session_client.read("MATCH (:User {id: 'u6'})-[r]->(:Item) RETURN r.at AS at"))
    row = {"user_id": "u6", "item_id": name, "type": "purchase", "at": at, "event_id": "presumed-7"}
    write.events(session_client, [row])
    try:
        # The user as it was presumed has no such event.
        assert api.ask(gone, user="u6", id="presumed-7")["user"]["whatIf"]["after"]
    finally:
        session_client.write("MATCH (:User {id: 'u6'})-[r {event_id: 'presumed-7'}]->(:Item) DELETE r")
    assert told == [False]


def test_where_the_graph_is_written_to_all_the_time_nothing_is_presumed(
    api: Served, known: list[dict[str, Any]], told: list[bool], quiet: Callable[[bool], None]
) -> None:
    quiet(False)
    assert listed(api, "u6", 4) == known[:4]
    assert not told
    assert not api.app.recommender.answers.quiet


def test_what_one_operation_of_a_socket_presumed_is_not_forgotten_for_the_next_one(
    api: Served, session_client: Client, known: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, title = known[0]["item"]["externalId"], known[0]["item"]["title"]
    users, answered = explore.users, threading.Event()

    async def late(*given: Any) -> Any:
        await asyncio.to_thread(answered.wait, 30)
        return await users(*given)

    monkeypatch.setattr(explore, "users", late)
    session_client.write(TITLE, id=name, title="Of another program")
    try:
        with socket_of(api) as ws:
            subscribe(ws, "1", LIST.replace("{ user", "{ users(first: 1) { nodes { id } } user", 1), user="u6", first=5)
            subscribe(ws, "2", '{ user(id: "u8") { externalId } }')
            assert receive(ws)["payload"]["data"] == {"user": {"externalId": "u8"}}
            assert receive(ws) == {"id": "2", "type": "complete"}
            answered.set()
            told = receive(ws)["payload"]["data"]["user"]["recommendations"]["nodes"]
    finally:
        answered.set()
        session_client.write(TITLE, id=name, title=title)
    assert told[0]["item"]["title"] == "Of another program"
