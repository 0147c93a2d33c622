"""With `--known-for`: what was read is taken for true so long without asking, and not beyond a write of this host."""

import asyncio
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.writes import Writes
from graph import write
from graph.client import Client, Settings
from tests import served
from tests.integration.test_api_disputes import DISPUTE, WITHDRAW, first_of, shown
from tests.integration.test_api_stream import FOLLOW, items, receive, socket_of, subscribe
from tests.served import Served

pytestmark = pytest.mark.integration

LIST = """query ($user: String!) { user(id: $user) {
  recommendations(first: 20) { edges { node { score item { externalId title } explanation { sentence } } } } } }"""
RECORD = "mutation ($events: [EventInput!]!) { recordEvents(input: { events: $events }) { recorded } }"
ERASE = "mutation ($id: String!) { eraseUser(id: $id) { erasedEvents } }"
TRENDING = "{ trending(first: 3) { nodes { before item { externalId } } } }"
AT = 1_700_000_000_000_000


@pytest.fixture(scope="module")
def known(neo4j: Settings, models: Path) -> Iterator[Served]:
    with served.serving(served.settings(neo4j, models, known_for_s=300.0)) as api:
        api.ask(LIST, user="u0")  # from here on a state of the graph has been seen
        yield api


def listed(api: Served, user: str) -> list[dict[str, Any]]:
    return [edge["node"] for edge in api.ask(LIST, user=user)["user"]["recommendations"]["edges"]]


def record(api: Served, user: str, item: str, name: str, kind: str = "purchase") -> None:
    event = {"user": user, "item": item, "type": kind, "eventId": name}
    assert api.ask(RECORD, events=[event])["recordEvents"]["recorded"] == 1


def elsewhere(client: Client, user: str, item: str, name: str) -> None:
    """Record an event as another program does."""
    write.events(client, [{"user_id": user, "item_id": item, "type": "purchase", "at": AT, "event_id": name}])


@contextmanager
def statements(api: Served, n: int | None) -> Generator[None]:
    """Assert that so many are sent to the database; None: at least one."""
    before = api.app.recommender.client.queries
    yield
    sent = api.app.recommender.client.queries - before
    assert sent == n if n is not None else sent > 0


def test_by_default_the_graph_is_asked_each_time(api: Served) -> None:
    first = listed(api, "u3")
    for _ in range(3):
        with statements(api, None):
            assert listed(api, "u3") == first
    # The user and what the last page showed.
    assert served.statements(api, lambda: listed(api, "u3")) == 1


def test_what_shows_that_an_answer_is_no_longer_true_is_not_read_again_to_make_it_anew(
    api: Served, session_client: Client
) -> None:
    costs: list[int] = []
    first = listed(api, "u3")[0]["item"]
    for title in ("Another title", "A third title", first["title"]):
        session_client.write("MATCH (i:Item {id: $id}) SET i.title = $title", id=first["externalId"], title=title)
        before = api.app.recommender.client.queries
        assert listed(api, "u3")[0]["item"]["title"] == title
        costs.append(api.app.recommender.client.queries - before)
    # The graph's state, and the user with the rows of the page.
    assert min(costs) == 2


def test_after_a_users_event_its_list_is_made_anew_without_asking_whether_the_old_one_is_true(api: Served) -> None:
    costs: list[int] = []
    for n in range(4):
        first = listed(api, "u23")
        record(api, "u23", first[n]["item"]["externalId"], f"anew-{n}")
        before = api.app.recommender.client.queries
        assert listed(api, "u23") != first
        costs.append(api.app.recommender.client.queries - before)
    # The user, and what the last page showed; sometimes other items than those, and items newer than the model.
    assert min(costs) == 2


def test_while_the_state_is_known_no_statement_is_sent(known: Served) -> None:
    first = listed(known, "u3")
    with statements(known, 0):
        assert [listed(known, "u3") for _ in range(5)] == [first] * 5
    # Made anew: from the user and the rows that are in memory.
    known.app.recommender.answers.forget()
    with statements(known, 0):
        assert listed(known, "u3") == first
        assert known.ask('{ user(id: "u3") { externalId recommendations(first: 3) { nodes { rank } } } }')["user"]
    # An item's own page as well, and what is not there stays unread too.
    lookup = '{ item(id: "nothing") { title } user(id: "u3") { purchasePower { basketValue } } }'
    known.ask(lookup)
    known.app.recommender.answers.forget()
    with statements(known, 0):
        assert known.ask(lookup)["item"] is None


def test_an_event_changes_the_same_users_next_answer_however_long_the_state_is_known(known: Served) -> None:
    lists = [listed(known, "u5")]
    for n in range(5):
        with statements(known, 0):
            assert listed(known, "u5") == lists[-1]
        record(known, "u5", lists[-1][n]["item"]["externalId"], f"known-{n}")
        lists.append(listed(known, "u5"))
        assert lists[-1] not in lists[:-1]


def test_an_event_leaves_what_is_known_of_others_and_of_the_catalogue(known: Served) -> None:
    first, other, popular = listed(known, "u3"), listed(known, "u21"), known.ask(TRENDING)
    for n in range(2):
        record(known, "u21", other[0]["item"]["externalId"], f"apart-{n}")
        with statements(known, 0):
            assert listed(known, "u3") == first
        known.app.recommender.answers.forget()
        with statements(known, 0):
            assert listed(known, "u3") == first
    # Of the user it is about, the events alone are read: the rows of the page are known.
    with statements(known, None):
        assert listed(known, "u21") != other
    # What rests on the events of all is asked for again.
    known.ask(TRENDING)
    record(known, "u22", "i5", "apart-2")
    with statements(known, None):
        assert known.ask(TRENDING).keys() == popular.keys()


def test_rows_that_were_read_beside_one_user_are_known_to_others_beyond_its_next_event(known: Served) -> None:
    first, other = listed(known, "u3"), listed(known, "u21")
    known.ask(ERASE, id="nobody")  # no row is known any more
    known.app.recommender.answers.forget()
    # Both are known, so it is looked up beside the rows which events they have.
    assert listed(known, "u21") == other
    assert listed(known, "u3") == first
    record(known, "u21", other[0]["item"]["externalId"], "rows-1")
    with statements(known, 0):
        assert listed(known, "u3") == first
        known.app.recommender.answers.forget()
        assert listed(known, "u3") == first


def test_a_first_event_creates_a_user_whose_absence_was_known(known: Served) -> None:
    assert known.ask(LIST, user="stranger")["user"] is None
    with statements(known, 0):
        assert known.ask(LIST, user="stranger")["user"] is None
    record(known, "stranger", "i1", "stranger-1")
    assert len(listed(known, "stranger")) == 20


def test_a_dispute_and_its_withdrawal_change_the_next_answer(known: Served) -> None:
    reason = first_of(shown(known, "u7"), "ITEM")
    given = {"user": "u7", "kind": "ITEM", "path": [step["id"] for step in reason["path"]]}
    before = listed(known, "u7")
    for mutation, same in ((DISPUTE, False), (WITHDRAW, True)):
        assert next(iter(known.ask(mutation, input=given).values()))["changed"]
        assert (listed(known, "u7") == before) is same


def test_an_erased_user_is_not_served_from_memory(known: Served) -> None:
    record(known, "leaving", "i1", "leaving-1")
    assert len(listed(known, "leaving")) == 20
    assert known.ask(ERASE, id="leaving")["eraseUser"]["erasedEvents"] == 1
    assert known.ask(LIST, user="leaving")["user"] is None
    assert known.ask(LIST, user="leaving")["user"] is None


def test_nobody_who_was_erased_through_another_worker_is_on_the_last_known_list(neo4j: Settings, models: Path) -> None:
    writes, given = Writes(2), served.settings(neo4j, models)
    question = {"query": LIST, "variables": {"user": "parting"}}
    with served.serving(given, writes.of(0)) as one, served.serving(given, writes.of(1)) as other:

        def while_away() -> dict[str, Any]:
            other.app.recommender.last_known.failed()  # the database is known not to answer
            return other.http.post("/graphql", json=question).json()

        record(one, "parting", "i1", "parting-1")
        before = listed(other, "parting")
        told = while_away()
        assert "degraded" in told["extensions"]
        assert [edge["node"] for edge in told["data"]["user"]["recommendations"]["edges"]] == before
        assert other.app.recommender.shoppers.known("parting")
        assert one.ask(ERASE, id="parting")["eraseUser"]["erasedEvents"] == 1
        assert while_away()["data"] == {"user": None}
        assert other.app.recommender.shoppers.known("parting") is None


def test_what_others_write_is_not_seen_before_the_state_is_looked_at_again(
    known: Served, session_client: Client
) -> None:
    before = listed(known, "u9")
    elsewhere(session_client, "u9", before[0]["item"]["externalId"], "late-1")
    with statements(known, 0):
        assert listed(known, "u9") == before
        known.app.recommender.answers.forget()
        assert listed(known, "u9") == before
    # A write of ours that may be about anybody is a reason to look.
    known.ask(ERASE, id="nobody")
    assert listed(known, "u9") != before


def test_what_others_write_is_seen_after_the_time(neo4j: Settings, models: Path, session_client: Client) -> None:
    with served.serving(served.settings(neo4j, models, known_for_s=1.0)) as api:
        before = listed(api, "u13")
        elsewhere(session_client, "u13", before[0]["item"]["externalId"], "timed-1")
        served.until(lambda: listed(api, "u13") != before)
        # So it is where the answer is made anew each time.
        before = listed(api, "u13")
        elsewhere(session_client, "u13", before[1]["item"]["externalId"], "timed-2")

        def changed() -> bool:
            api.app.recommender.answers.forget()
            return listed(api, "u13") != before

        served.until(changed)


def test_an_answer_from_rows_in_memory_is_no_newer_than_these(known: Served, session_client: Client) -> None:
    """What others wrote between the reading of the rows and the making of the answer must not be lost for ever."""
    recommender = known.app.recommender
    before = listed(known, "u15")
    elsewhere(session_client, "u15", before[0]["item"]["externalId"], "between-1")
    known.ask("{ items(first: 1) { nodes { title } } }")  # the graph has been seen in its new state
    recommender.answers.forget()
    assert listed(known, "u15") == before
    recommender.knowledge.for_s = 0.0  # all time is up
    try:
        assert listed(known, "u15") != before
    finally:
        recommender.knowledge.for_s = 300.0


def test_a_look_that_began_before_a_write_is_not_taken_for_knowledge_after_it(
    known: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows were read before the event was written, and come in only after its answer was given."""
    record(known, "u17", "i1", "slow-1")  # nothing of the user is known from now on
    recommender = known.app.recommender
    read, held, go_on = recommender.graph.read, threading.Event(), threading.Event()
    slow: list[bool] = [True]

    async def slowly(query: Any, /, **given: Any) -> list[dict[str, Any]]:
        found = await read(query, **given)
        if given.get("id") == "u17" and slow:
            slow.clear()
            held.set()
            await asyncio.to_thread(go_on.wait, 20)
        return found

    monkeypatch.setattr(recommender.graph, "read", slowly)
    answers: list[list[dict[str, Any]]] = []
    early = threading.Thread(target=lambda: answers.append(listed(known, "u17")))
    early.start()
    assert held.wait(60)
    record(known, "u17", "i9", "slow-2")
    go_on.set()
    early.join(60)
    late = listed(known, "u17")
    assert late != answers[0]
    with statements(known, 0):
        assert listed(known, "u17") == late


def test_a_subscription_shows_what_another_program_wrote(known: Served, session_client: Client) -> None:
    with socket_of(known) as ws:
        subscribe(ws, "1", FOLLOW, user="u19", first=20)
        before = items(receive(ws))
        listed(known, "u19")
        elsewhere(session_client, "u19", before[-1], "followed-1")
        assert items(receive(ws, 20)) != before


def test_what_others_do_to_the_catalogue_is_seen_when_it_is_looked_at(known: Served, session_client: Client) -> None:
    query = '{ item(id: "i11") { title } }'
    before = known.ask(query)
    session_client.write("MATCH (i:Item {id: 'i11'}) SET i.named = i.title, i.title = 'Another'")
    assert known.ask(query) == before
    known.ask(ERASE, id="nobody")
    assert known.ask(query)["item"]["title"] == "Another"
    session_client.write("MATCH (i:Item {id: 'i11'}) SET i.title = i.named REMOVE i.named")


def test_new_items_wait_until_every_process_must_have_seen_them(known: Served, api: Served) -> None:
    assert known.app.recommender.newcomers.settled_ms == 301_000
    assert api.app.recommender.newcomers.settled_ms == 2_000
