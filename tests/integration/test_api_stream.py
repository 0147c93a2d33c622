"""Lists that are pushed: graphql-transport-ws and server-sent events."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from graph.client import Settings
from tests import served
from tests.served import Served

pytestmark = pytest.mark.integration

FOLLOW = """subscription ($user: String!, $first: Int) { recommendations(user: $user, first: $first) {
  modelVersion edges { node { item { externalId } } } } }"""
RECORD = """mutation ($input: RecordEventsInput!) { recordEvents(input: $input) { recorded } }"""


def buy(api: Served, user: str, item: str, event_id: str) -> None:
    event = {"user": user, "item": item, "type": "purchase", "eventId": event_id}
    assert api.ask(RECORD, input={"events": [event]})["recordEvents"]["recorded"] == 1


@contextmanager
def socket_of(api: Served, **options: Any) -> Generator[ClientConnection]:
    url = api.url.replace("http", "ws") + "/graphql"
    with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], **options) as ws:
        ws.send(json.dumps({"type": "connection_init"}))
        assert receive(ws) == {"type": "connection_ack"}
        yield ws


def receive(ws: ClientConnection, seconds: float = 5) -> dict[str, Any]:
    return json.loads(ws.recv(seconds))


def subscribe(ws: ClientConnection, name: str, query: str = FOLLOW, **variables: Any) -> None:
    payload = {"query": query, "variables": variables}
    ws.send(json.dumps({"id": name, "type": "subscribe", "payload": payload}))


def items(message: dict[str, Any]) -> list[str]:
    assert message["type"] == "next", message
    return [edge["node"]["item"]["externalId"] for edge in message["payload"]["data"]["recommendations"]["edges"]]


def test_a_list_is_pushed_at_once_and_after_each_change(api: Served) -> None:
    with socket_of(api) as ws:
        subscribe(ws, "1", user="u4", first=20)
        before = items(receive(ws))
        buy(api, "u6", before[0], "stream-other")
        with pytest.raises(TimeoutError):
            receive(ws, 0.3)
        fresh = next(f"i{n}" for n in range(2, 48, 4))  # of the other taste
        buy(api, "u4", fresh, "stream-mine")
        assert items(receive(ws)) != before
        ws.send(json.dumps({"id": "1", "type": "complete"}))
        buy(api, "u4", fresh, "stream-again")
        with pytest.raises(TimeoutError):
            receive(ws, 0.3)
    served.until(lambda: len(api.app.recommender.broadcast) == 0)


def test_operations_of_one_socket_do_not_get_in_each_others_way(api: Served) -> None:
    query = (
        "query ($user: String!, $first: Int!) { user(id: $user) { recommendations(first: $first) { nodes { rank } } } }"
    )
    users, asked = [f"u{n}" for n in range(12)], 200
    with socket_of(api) as ws:
        for n in range(asked + 3):
            if n >= 3:
                told = next(one for _ in range(2) if (one := receive(ws))["type"] == "next")
                assert "errors" not in told["payload"], told
            if n < asked:
                api.app.recommender.catalogue.items._rows.clear()  # pyright: ignore[reportPrivateUsage]
                subscribe(ws, str(n), query, user=users[n % len(users)], first=3 + n % 17)


def test_queries_and_mutations_over_one_socket_see_each_other(api: Served) -> None:
    query = 'query { user(id: "socketeer") { externalId } }'
    with socket_of(api) as ws:
        subscribe(ws, "1", query)
        assert receive(ws)["payload"]["data"] == {"user": None}
        assert receive(ws)["type"] == "complete"
        event = {"user": "socketeer", "item": "i0", "type": "view"}
        subscribe(ws, "2", RECORD, input={"events": [event]})
        assert receive(ws)["payload"]["data"] == {"recordEvents": {"recorded": 1}}
        assert receive(ws)["type"] == "complete"
        subscribe(ws, "3", query)
        assert receive(ws)["payload"]["data"] == {"user": {"externalId": "socketeer"}}


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        (FOLLOW, {"user": "nobody"}, "NOT_FOUND"),
        (FOLLOW, {"user": "u0", "first": 500}, "BAD_USER_INPUT"),
        (FOLLOW, {}, "BAD_USER_INPUT"),
        ("subscription { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_a_subscription_that_cannot_be_served_gets_a_code(
    api: Served, query: str, variables: dict[str, Any], code: str
) -> None:
    with socket_of(api) as ws:
        subscribe(ws, "1", query, **variables)
        message = receive(ws)
        payload = message["payload"]
        errors = payload if isinstance(payload, list) else payload["errors"]
        assert errors[0]["extensions"]["code"] == code


def test_one_connection_has_a_bounded_number_of_subscriptions(api: Served) -> None:
    with socket_of(api) as ws:
        for n in range(21):
            subscribe(ws, str(n), user="u0", first=0)
        answers = [receive(ws) for _ in range(21)]
        (refused,) = (answer["payload"][0] for answer in answers if answer["type"] == "error")
        assert refused["extensions"] == {"code": "OVERLOADED", "limit": 20}


def test_an_operation_that_is_not_in_the_document_is_the_clients_mistake(api: Served) -> None:
    with socket_of(api) as ws:
        for payload in (
            {"query": "query A { __typename }", "operationName": "B"},
            {"query": "fragment F on Query { __typename }"},
        ):
            ws.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            assert receive(ws)["payload"][0]["extensions"] == {"code": "BAD_REQUEST"}


def test_a_mutation_by_get_is_refused_over_a_stream_too(api: Served) -> None:
    asked = {"query": 'mutation { eraseUser(id: "u0") { erasedEvents } }'}
    answer = api.http.get("/graphql", params=asked, headers={"accept": "text/event-stream"})
    told = json.loads(answer.text.splitlines()[1].removeprefix("data: "))
    assert told["errors"][0]["extensions"] == {"code": "METHOD_NOT_ALLOWED"}
    assert api.ask('{ user(id: "u0") { externalId } }')["user"] == {"externalId": "u0"}


def test_a_null_payload_of_connection_init_is_none(api: Served) -> None:
    url = api.url.replace("http", "ws") + "/graphql"
    with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as ws:
        ws.send(json.dumps({"type": "connection_init", "payload": None}))
        assert receive(ws) == {"type": "connection_ack"}


def test_the_limits_hold_on_a_socket(api: Served) -> None:
    with socket_of(api) as ws:
        subscribe(ws, "1", "{ users(first: 100) { edges { node { recommendations { edges { node { rank } } } } } } }")
        assert receive(ws)["payload"][0]["extensions"]["code"] == "QUERY_TOO_COSTLY"


def test_a_page_of_another_site_cannot_open_a_socket(api: Served) -> None:
    with pytest.raises(InvalidStatus), socket_of(api, origin=Origin("https://evil.example")):
        pass


@pytest.mark.parametrize(
    "sent",
    ["no json", "[]", "5", '{"type": "complete", "id": [1]}', json.dumps({"type": "x" * 200})],
)
def test_a_client_that_does_not_speak_the_protocol_is_closed(api: Served, sent: str) -> None:
    with socket_of(api) as ws:
        ws.send(sent)
        with pytest.raises(Exception, match="4400"):
            receive(ws)


def test_an_id_that_is_in_use_closes_however_long_it_is(api: Served) -> None:
    with socket_of(api) as ws:
        for _ in range(2):
            subscribe(ws, "1" * 200, user="u0", first=0)
        with pytest.raises(Exception, match="4409"):  # the first may have been answered before
            _ = receive(ws), receive(ws)


def test_server_sent_events_push_the_list_and_end_with_the_user(api: Served) -> None:
    api.ask(RECORD, input={"events": [{"user": "follower", "item": "i0", "type": "view"}]})
    body = {"query": FOLLOW, "variables": {"user": "follower", "first": 3}}
    with api.http.stream("POST", "/graphql", json=body, headers={"accept": "text/event-stream"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = answer.iter_lines()
        assert next(events) == "event: next"
        first = json.loads(next(events).removeprefix("data: "))
        assert len(first["data"]["recommendations"]["edges"]) == 3
        assert next(events) == ""
        with httpx.Client(base_url=api.url) as other:
            Served(api.url, api.app, other).ask('mutation { eraseUser(id: "follower") { erasedEvents } }')
        # What looks for events of other processes may have seen the user between its events and itself leaving.
        assert [line for line in events if line.startswith("event")][-1:] == ["event: complete"]


def test_stopping_ends_open_streams_and_closes_the_driver(neo4j: Settings, models: Path) -> None:
    with served.serving(served.settings(neo4j, models)) as api, socket_of(api) as ws:
        subscribe(ws, "1", user="u0", first=1)
        assert receive(ws)["type"] == "next"
        recommender = api.app.recommender
    assert len(recommender.broadcast) == 0
    with pytest.raises(Exception, match=r"[Cc]losed"):
        asyncio.run(recommender.client.ping())


SERVE = """
import sys
from pathlib import Path
from api.app import ApiSettings
from api.serve import serve
from graph.client import Settings
uri, user, password, models, port = sys.argv[1:]
serve(ApiSettings(neo4j=Settings(uri, user, password), models=Path(models)), "127.0.0.1", int(port),
      ready=lambda host, port: print(port, flush=True))
"""


def _process(neo4j: Settings, models: Path, port: int = 0) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SERVE, neo4j.uri, neo4j.user, neo4j.password, str(models), str(port)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_cleanly_with_structured_logs(
    neo4j: Settings, models: Path, how: signal.Signals
) -> None:
    with _process(neo4j, models) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        served.until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        process.send_signal(how)
        # uvicorn passes the signal on once everything is closed, so that its parent sees how it ended.
        assert process.wait(60) in (0, -how, 128 + how)
        lines = [json.loads(line) for line in process.stderr.read().splitlines() if line.startswith("{")]
        assert any(line["event"] == "model loaded" for line in lines)
        assert neo4j.password not in str(lines)


def test_a_taken_port_is_a_sentence_and_no_traceback(neo4j: Settings, models: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with _process(neo4j, models, port) as process:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 1
            assert errors == f"error: 127.0.0.1:{port} is taken by another program. Choose another --port.\n"
