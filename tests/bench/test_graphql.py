"""The API on all of Complete Journey: the cost of a request, and requests a second beside the plainest app."""

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop

from api.app import ApiSettings, App, create_app
from graph import write
from graph.client import Client
from tests.bench import inside, shop
from tests.bench.load import drive
from tests.bench.report import show

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

REQUESTS = 200
KNOWN_FOR_S = 300.0
CLIENTS = (1, 16, 64)
QUERY = """
query Lists($user: String!) {
  user(id: $user) {
    externalId
    recommendations(first: 20) {
      edges { node { rank score item { externalId title price } explanation { sentence } } }
    }
  }
}
"""
RECORD = """
mutation View($user: String!, $item: String!, $name: String!) {
  recordEvents(input: {events: [{user: $user, item: $item, type: "view", eventId: $name}]}) { recorded }
}
"""
WHAT_IF = """
query WhatIf($user: String!, $item: String!) {
  user(id: $user) {
    whatIf(change: {withoutItems: [$item]}) {
      before { rank item { externalId title } score }
      after { rank item { externalId title } score }
      moved { item { externalId } rankBefore rankAfter contributions { before after sentence } }
    }
  }
}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(*arguments: str, port: int, **environment: str) -> Generator[None]:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *arguments],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": "{ __typename }"}).status_code == 200:
                    break
            assert process.poll() is None, arguments
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def journey() -> Iterator[shop.Bench]:
    with shop.complete_journey() as made:
        yield made


def busy() -> str:
    """How busy the machine was beside the measurement: on a busy one only ratios and CPU times can be compared."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def test_what_a_request_costs(journey: shop.Bench):
    rows = uvloop.run(_costs(journey))  # the loop of `attune serve`
    show(
        f"20 recommendations with titles, prices and sentences, in process ({busy()})",
        ("the user", "p50 ms", "p99 ms", "CPU ms"),
        rows,
    )


async def _costs(journey: shop.Bench) -> list[tuple[str | float, ...]]:
    app = create_app(ApiSettings(neo4j=journey.neo4j, models=journey.models))
    knowing = create_app(ApiSettings(neo4j=journey.neo4j, models=journey.models, known_for_s=KNOWN_FOR_S))
    recommender = app.recommender
    user, others = journey.users[0], journey.users[1:]
    one = inside.body(QUERY, user=user)
    found: list[tuple[str | float, ...]] = []
    seen: list[Any] = []

    async def measured(
        name: str, bodies: Sequence[bytes], before: Callable[[], object] = lambda: None, app: App = app
    ) -> None:
        cost = await inside.cost(app, bodies, before=before)
        found.append((name, cost.p50_ms, cost.p99_ms, cost.cpu_ms))

    numbers = itertools.count(time.time_ns())

    def viewing(user: str, app: App = app) -> Callable[[], Awaitable[bytes]]:
        def view() -> Awaitable[bytes]:
            number = next(numbers)
            item = seen[number % len(seen)]["node"]["item"]["externalId"]
            return inside.ask(app, inside.body(RECORD, user=user, item=item, name=f"bench-view-{number}"))

        return view

    try:
        answer = json.loads(await inside.ask(app, one))["data"]["user"]["recommendations"]["edges"]
        assert len(answer) == 20
        seen = answer
        await inside.ask(app, one)
        await measured("asked the same before; nothing was written since", [one] * REQUESTS)
        with Client(journey.neo4j) as writer:
            await measured("the same; something was written elsewhere since", [one] * REQUESTS, lambda: touch(writer))
        await measured("made anew from events and scores in memory", [one] * REQUESTS, recommender.answers.forget)
        chosen = [inside.body(QUERY, user=name) for name in others[: REQUESTS * 2]]
        await inside.cost(app, chosen[:10])
        await measured("never seen: events read, everything scored", chosen[10:REQUESTS])
        item = answer[0]["node"]["item"]["externalId"]
        what_if = inside.body(WHAT_IF, user=user, item=item)
        await measured("what if an item had not been bought", [what_if] * (REQUESTS // 4), recommender.answers.forget)
        assert json.loads(await inside.ask(knowing, one))["data"]["user"]["recommendations"]["edges"] == answer
        await inside.ask(knowing, one)
        await measured(f"asked the same before; state known for {KNOWN_FOR_S:.0f} s", [one] * REQUESTS, app=knowing)
        forget = knowing.recommender.answers.forget
        await measured("made anew from memory; state known", [one] * REQUESTS, forget, app=knowing)
        if journey.writable:
            after = [one] * (REQUESTS // 2)
            await measured("asked the same before; another user viewed an item since", after, viewing(others[-1]))
            await measured("the same; state known", after, viewing(others[-1], knowing), app=knowing)
            await measured("asked the same before; the user viewed an item since", after, viewing(user))
            await measured("the same; state known", after, viewing(user, knowing), app=knowing)
    finally:
        await recommender.client.close()
        await knowing.recommender.client.close()
    return found


def touch(writer: Client) -> None:
    """Write what leaves nothing behind, and yet brings the graph into another state."""
    writer.write("CREATE (n) DELETE n")


@contextlib.contextmanager
def writing(journey: shop.Bench, per_s: float) -> Generator[None]:
    """Write views of one user, so many a second, as a shop does while others look."""
    stopped = threading.Event()

    def write_on() -> None:
        with Client(journey.neo4j) as writer:
            item = writer.read("MATCH (i:Item) RETURN i.id AS id ORDER BY i.key LIMIT 1")[0]["id"]
            n = 0
            while not stopped.wait(1 / per_s):
                row = {"user_id": journey.users[-1], "item_id": item, "type": "view", "event_id": f"bench-{n}"}
                write.events(writer, [row | {"at": time.time_ns() // 1_000}])
                n += 1

    thread = threading.Thread(target=write_on)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def test_graphql_against_the_plainest_app(journey: shop.Bench, tmp_path: Path):
    port, plain_port = free_port(), free_port()
    same = json.dumps({"query": QUERY, "variables": {"user": journey.users[0]}}).encode()
    many = [json.dumps({"query": QUERY, "variables": {"user": user}}).encode() for user in journey.users[:60]]
    settings = journey.neo4j
    environment = {
        "ATTUNE_HOME": str(journey.models.parent),
        "NEO4J_URI": settings.uri,
        "NEO4J_USER": settings.user,
        "NEO4J_PASSWORD": settings.password,
        "OMP_NUM_THREADS": "1",
    }
    rows: list[tuple[str | float, ...]] = []
    with running("attune", "serve", "--port", str(port), port=port, **environment):
        address = f"http://127.0.0.1:{port}/graphql"
        headers = {"content-type": "application/json"}
        answer = httpx.post(address, content=same, headers=headers, timeout=60).json()
        assert len(answer["data"]["user"]["recommendations"]["edges"]) == 20
        file = tmp_path / "answer.json"
        file.write_text(json.dumps(answer["data"]))
        with running("tests.bench.plain_app", str(plain_port), str(file), port=plain_port):
            plain_address = f"http://127.0.0.1:{plain_port}/graphql"
            assert httpx.post(plain_address, content=same, headers=headers).json()["data"] == answer["data"]
            for body in many:  # each once: what is measured is a shop in operation
                httpx.post(address, content=body, headers=headers, timeout=60)
            for clients in CLIENTS:
                plain = drive(plain_port, same, clients=clients)
                measured = [
                    ("plain", plain),
                    ("Attune, one user", drive(port, same, clients=clients)),
                    ("Attune, 60 users in turn", drive(port, many, clients=clients)),
                ]
                if journey.writable:
                    with writing(journey, per_s=10):
                        measured.append(("the same, 10 events/s", drive(port, many, clients=clients)))
                rows += [
                    (
                        f"{name}, {clients} clients",
                        one.requests_per_s,
                        one.p50_ms,
                        one.p99_ms,
                        one.requests_per_s / plain.requests_per_s,
                    )
                    for name, one in measured
                ]
    show(
        f"20 recommendations with titles, prices and sentences over HTTP ({busy()})",
        ("server", "requests/s", "p50 ms", "p99 ms", "x plain"),
        rows,
    )
