"""The API beside the plainest Strawberry app that returns the same JSON: requests a second and latency."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import httpx
import pytest

from graph import server
from tests.bench.load import drive
from tests.bench.report import show

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

HOUSEHOLDS = 300
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
        for _ in range(300):
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
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with Complete Journey's first households and an untrained model, made by the command line."""
    folder = tmp_path_factory.mktemp("served")
    environment = os.environ | {"ATTUNE_HOME": str(folder)}

    def attune(*arguments: str) -> None:
        subprocess.run([sys.executable, "-W", "ignore", "-m", "attune", *arguments], env=environment, check=True)

    attune("up")
    try:
        attune("load", "complete-journey", "--households", str(HOUSEHOLDS))
        attune("train", "--set", "epochs=1")
        yield folder
    finally:
        server.down(folder)


def test_graphql_against_the_plainest_app(home: Path, tmp_path: Path):
    port, plain_port = free_port(), free_port()
    body = json.dumps({"query": QUERY, "variables": {"user": "1"}}).encode()
    with running("attune", "serve", "--port", str(port), port=port, ATTUNE_HOME=str(home)):
        answer = httpx.post(
            f"http://127.0.0.1:{port}/graphql", content=body, headers={"content-type": "application/json"}, timeout=60
        ).json()
        assert len(answer["data"]["user"]["recommendations"]["edges"]) == 20
        file = tmp_path / "answer.json"
        file.write_text(json.dumps(answer["data"]))
        with running("tests.bench.plain_app", str(plain_port), str(file), port=plain_port):
            plain = httpx.post(
                f"http://127.0.0.1:{plain_port}/graphql",
                content=body,
                headers={"content-type": "application/json"},
                timeout=60,
            ).json()
            assert plain["data"] == answer["data"]
            rows: list[tuple[str | float, ...]] = []
            for clients in (1, 16):
                ours, theirs = drive(port, body, clients=clients), drive(plain_port, body, clients=clients)
                ratio = ours.requests_per_s / theirs.requests_per_s
                rows.append((f"Attune, {clients} clients", ours.requests_per_s, ours.p50_ms, ours.p99_ms, ratio))
                rows.append((f"plain, {clients} clients", theirs.requests_per_s, theirs.p50_ms, theirs.p99_ms, 1.0))
    show(
        "20 recommendations with titles, prices and sentences; read from Neo4j, ranked and explained per request",
        ("server", "requests/s", "p50 ms", "p99 ms", "x plain"),
        rows,
    )
