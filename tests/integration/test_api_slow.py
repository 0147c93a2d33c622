"""Clients that are slow, many or greedy: bounded waits, plain refusals, and a service that goes on."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from graphql import get_introspection_query

from api.limits import Limits
from graph.client import Settings
from tests import served
from tests.integration.test_api_stream import socket_of
from tests.served import Served

pytestmark = pytest.mark.integration

BODY = json.dumps({"query": '{ user(id: "u0") { recommendations(first: 5) { nodes { rank } } } }'}).encode()
HEAD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)


@pytest.fixture(scope="module")
def api(neo4j: Settings, models: Path) -> Iterator[Served]:
    """An API with little patience."""
    limits = Limits(receive_timeout_s=0.4, send_timeout_s=0.4, in_flight=20, sockets=3)
    with served.serving(served.settings(neo4j, models, limits=limits)) as running:
        yield running


def dial(api: Served, *, buffer: int | None = None) -> socket.socket:
    line = socket.socket()
    line.settimeout(10)
    if buffer:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    line.connect(("127.0.0.1", int(api.url.rsplit(":", 1)[1])))
    return line


def ended_after(line: socket.socket) -> float:
    begun = time.monotonic()
    try:
        while line.recv(65_536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - begun


def test_who_says_nothing_is_let_go(api: Served) -> None:
    with dial(api) as line:
        assert 0.2 < ended_after(line) < 3


def test_who_dribbles_a_head_is_let_go(api: Served) -> None:
    with dial(api) as line:
        begun = time.monotonic()
        with pytest.raises(ConnectionError):
            for byte in HEAD * 3:
                line.sendall(bytes([byte]))
                time.sleep(0.02)
        assert time.monotonic() - begun < 3


def test_who_dribbles_a_body_is_told_so(api: Served) -> None:
    with dial(api) as line:
        line.sendall(HEAD)
        begun = time.monotonic()
        for byte in BODY[:10]:
            line.sendall(bytes([byte]))
            time.sleep(0.02)
        answer = line.recv(65_536)
        assert time.monotonic() - begun < 3
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"REQUEST_TIMEOUT" in answer


def test_a_slow_start_after_an_answer_is_no_second_request(api: Served) -> None:
    with dial(api) as line:
        line.sendall(HEAD + BODY)
        assert line.recv(65_536).startswith(b"HTTP/1.1 200")
        time.sleep(0.6)  # an idle connection is kept for longer than a head may take
        line.sendall(HEAD + BODY)
        assert line.recv(65_536).startswith(b"HTTP/1.1 200")
        line.sendall(HEAD[:20])
        assert ended_after(line) < 3


def test_who_takes_no_answer_is_let_go(api: Served) -> None:
    body = json.dumps({"query": get_introspection_query()}).encode()  # a long answer to a short question
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(
        body
    )
    with dial(api, buffer=4_096) as line:
        begun = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - begun < 20:
                line.sendall(head + body)
                time.sleep(0.02)
        assert time.monotonic() - begun < 20
    assert api.http.get("/healthz").status_code == 200


def test_too_many_at_once_are_told_to_come_again_and_none_is_lost(neo4j: Settings, models: Path) -> None:
    async def one(client: httpx.AsyncClient) -> tuple[int, str]:
        answer = await client.post("/graphql", content=BODY, headers={"content-type": "application/json"})
        body = answer.json()
        code = body["errors"][0]["extensions"]["code"] if "errors" in body else ""
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
        return answer.status_code, code

    async def all_at_once(url: str) -> list[tuple[int, str]]:
        bounds = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=url, limits=bounds, timeout=60) as client:
            return await asyncio.gather(*(one(client) for _ in range(600)))

    with served.serving(served.settings(neo4j, models, limits=Limits(in_flight=20))) as api:
        outcomes = asyncio.run(all_at_once(api.url))
        again = api.http.post("/graphql", content=BODY, headers={"content-type": "application/json"})
        assert again.status_code == 200
    assert set(outcomes) == {(200, ""), (503, "OVERLOADED")}
    assert outcomes.count((200, "")) >= 20


def test_sockets_are_counted(api: Served) -> None:
    with socket_of(api), socket_of(api), socket_of(api), pytest.raises(Exception, match="403"), socket_of(api):
        pass
    with socket_of(api):
        pass


def test_an_open_stream_takes_no_place_of_a_request(api: Served) -> None:
    body = {"query": 'subscription { recommendations(user: "u0", first: 1) { modelVersion } }'}
    streams: list[httpx.Client] = []
    try:
        for _ in range(30):
            client = httpx.Client(base_url=api.url)
            streams.append(client)
            request = client.build_request("POST", "/graphql", json=body, headers={"accept": "text/event-stream"})
            assert client.send(request, stream=True).status_code == 200
        assert api.http.post("/graphql", content=BODY, headers={"content-type": "application/json"}).status_code == 200
    finally:
        for client in streams:
            client.close()
