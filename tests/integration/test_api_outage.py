"""The API while its database stops, hangs and returns: bounded, honest, and well again without help."""

import gc
import os
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graph import server
from graph.client import Client, Settings
from tests import served
from tests.served import Served
from tests.shop import Shop

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    # The driver leaves its socket to the garbage collector when a bound ends it in the middle of a handshake.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

QUERY = '{ user(id: "u0") { recommendations(first: 3) { edges { node { rank } } } } }'


class Door(socketserver.ThreadingTCPServer):
    """A fixed address in front of a server whose port may differ after a restart."""

    daemon_threads = True
    target = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Through)


class Through(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Door)
        try:
            inner = socket.create_connection(("127.0.0.1", self.server.target), 2)
        except OSError:
            self.request.close()
            return
        inner.settimeout(None)
        back = threading.Thread(target=_copy, args=(inner, self.request), daemon=True)
        back.start()
        _copy(self.request, inner)
        back.join(5)
        inner.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
    except OSError:
        pass  # either side is gone; the other is told below
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a server of its own."""
    home = tmp_path_factory.mktemp("outage")
    saved = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("NEO4J_")}
    yield home
    server.down(home)
    os.environ.update(saved)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect such sockets here, not in a later test."""
    yield
    gc.collect()


def _port(settings: Settings) -> int:
    return int(settings.uri.rsplit(":", 1)[1])


@pytest.fixture(scope="module")
def door(own: Path, shop: Shop) -> Iterator[tuple[Door, Settings]]:
    """The server behind its door, with the small shop and a model."""
    settings = server.up(own, heap_mb=512, report=print)
    with Client(settings) as client:
        served.load_shop(client, shop)
        served.first_model(client, own / "models")
    with Door() as door:
        door.target = _port(settings)
        threading.Thread(target=door.serve_forever, daemon=True).start()
        yield door, replace(settings, uri=f"bolt://127.0.0.1:{door.server_address[1]}", timeout_s=2.0)
        door.shutdown()


@pytest.fixture(scope="module")
def api(own: Path, door: tuple[Door, Settings]) -> Iterator[Served]:
    """The API through the door."""
    with served.serving(served.settings(door[1], own / "models")) as running:
        yield running


def _refused_within(api: Served, seconds: float) -> str:
    begun = time.monotonic()
    error = api.refused(f"# never asked before: {begun}\n{QUERY}")
    assert time.monotonic() - begun < seconds
    assert "bolt" not in str(error)
    assert "127.0.0.1" not in str(error)
    return error["extensions"]["code"]


def test_a_database_that_hangs_is_told_in_time_and_used_again_when_it_moves(own: Path, api: Served) -> None:
    assert api.http.get("/readyz").status_code == 200
    pid = server.status(own).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        assert _refused_within(api, 6) in ("DATABASE_TIMEOUT", "DATABASE_UNAVAILABLE")
        ready = api.http.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["reasons"][0].startswith("database: ")
        assert api.http.get("/healthz").status_code == 200
    finally:
        os.kill(pid, signal.SIGCONT)
    served.until(lambda: api.http.get("/readyz").status_code == 200)
    served.until(lambda: _answers(api))


def test_while_the_database_is_away_the_last_known_list_is_given_and_says_so(own: Path, api: Served) -> None:
    def ask(query: str) -> tuple[dict[str, Any], float]:
        begun = time.monotonic()
        answer = api.http.post("/graphql", json={"query": query}).json()
        return answer, time.monotonic() - begun

    query = QUERY.replace("first: 3", "first: 7")
    record = 'mutation { recordEvents(input: {events: [{user: "u0", item: "i0", type: "view"}]}) { recorded } }'
    served.until(lambda: ask(query)[0].keys() == {"data", "extensions"})
    good = ask(query)[0]
    pid = server.status(own).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        first, seconds = ask(query)
        assert seconds < 6
        second, again = ask(query)
        assert again < 1, "known to be away: nobody waits for it"
        for answer in (first, second):
            assert answer["data"] == good["data"]
            asof = datetime.fromisoformat(answer["extensions"]["degraded"]["asOf"])
            assert abs((datetime.now(UTC) - asof).total_seconds()) < 60
        assert ask(record)[0]["errors"][0]["extensions"]["code"].startswith("DATABASE")
        assert ask(record.replace("u0", "u1"))[0]["data"] is None
    finally:
        os.kill(pid, signal.SIGCONT)
    served.until(lambda: ask(query)[0].keys() == {"data", "extensions"})
    assert "attune_degraded_answers_total" in api.http.get("/metrics").text


def test_a_database_that_stops_is_told_quickly_and_used_again_when_it_is_back(
    own: Path, api: Served, door: tuple[Door, Settings]
) -> None:
    server.down(own)
    assert _refused_within(api, 8) == "DATABASE_UNAVAILABLE"
    assert api.http.get("/readyz").json()["reasons"] in (["database: Unavailable"], ["database: TimedOut"])
    assert api.refused('mutation { eraseUser(id: "u0") { erasedEvents } }')["extensions"]["code"].startswith("DATABASE")
    assert api.ask("{ model { trained } }") == {"model": {"trained": False}}
    door[0].target = _port(server.up(own, heap_mb=512, report=print))
    served.until(lambda: api.http.get("/readyz").status_code == 200)
    # A fresh server plans its first statements slowly, and this API waits for two seconds only.
    served.until(lambda: _answers(api))


def _answers(api: Served) -> bool:
    answer = api.http.post("/graphql", json={"query": QUERY}).json()
    return answer.keys() == {"data", "extensions"} and len(answer["data"]["user"]["recommendations"]["edges"]) == 3


def test_a_wrong_password_is_not_ready_and_is_not_told_to_clients(own: Path, door: tuple[Door, Settings]) -> None:
    with served.serving(served.settings(replace(door[1], password="wrong"), own / "models")) as api:
        assert api.http.get("/readyz").json() == {"ready": False, "reasons": ["database: AuthFailed"]}
        assert api.refused(QUERY)["extensions"]["code"] == "DATABASE_UNAVAILABLE"
