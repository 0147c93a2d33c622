"""Several processes behind one address: they see each other's events in the graph, and share the model's memory."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph import write
from graph.client import Client, Settings
from tests import served
from tests.integration.test_api_stream import items, receive, socket_of, subscribe
from tests.served import Served

pytestmark = [pytest.mark.integration, pytest.mark.skipif(sys.platform == "win32", reason="workers are forked")]

SERVE = """
import sys
from pathlib import Path
from typing import Any
from api.app import ApiSettings
from api.serve import serve
from graph.client import Settings
uri, user, password, models = sys.argv[1:]
serve(ApiSettings(neo4j=Settings(uri, user, password), models=Path(models)), "127.0.0.1", 0, workers=2,
      ready=lambda host, port: print(port, flush=True))
"""
LIST = """query ($user: String!) {
  user(id: $user) { recommendations(first: 20) { edges { node { item { externalId } } } } } }"""
RECORD = """mutation ($input: RecordEventsInput!) { recordEvents(input: $input) { recorded } }"""


@pytest.fixture(scope="module")
def workers(
    neo4j: Settings, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    command = [sys.executable, "-c", SERVE, neo4j.uri, neo4j.user, neo4j.password, str(models)]
    counts = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path_factory.mktemp("counts"))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | counts) as process:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        served.until(lambda: httpx.get(f"{url}/readyz", timeout=20).status_code == 200, 60)
        yield process, url
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def children(process: "subprocess.Popen[str]") -> set[int]:
    return {int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()}


def ask(url: str, query: str, **variables: object) -> Any:
    # A connection of its own each time: either worker may take it.
    answer = httpx.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=30).json()
    assert "errors" not in answer, answer
    return answer["data"]


def test_an_event_recorded_by_one_worker_changes_the_answers_of_all(workers: "tuple[object, str]") -> None:
    _, url = workers
    before = [ask(url, LIST, user="u8") for _ in range(8)]
    assert all(answer == before[0] for answer in before)
    event = {"user": "u8", "item": "i2", "type": "purchase", "eventId": "workers-1"}
    assert ask(url, RECORD, input={"events": [event]}) == {"recordEvents": {"recorded": 1}}
    after = [ask(url, LIST, user="u8") for _ in range(8)]
    assert all(answer == after[0] for answer in after)
    assert after[0] != before[0]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the kernel does not say")
def test_workers_map_the_same_pages_of_the_model(workers: "tuple[subprocess.Popen[str], str]", models: Path) -> None:
    process, url = workers
    pids = children(process)
    assert len(pids) == 2
    served.until(lambda: all(_mapped(pid, models) for pid in pids), 20)
    ask(url, LIST, user="u8")
    for pid in pids:
        mapped = _mapped(pid, models)
        for name in ("ease.weight.npy", "cosine.target.npy", "x_item.npy"):
            assert name in mapped
        # Nothing was copied on writing: what one has in memory, the other has as well.
        assert all(dirty == 0 for dirty in mapped.values())


def _mapped(pid: int, models: Path) -> dict[str, int]:
    """Return file of the artefact -> kilobytes of it that are this process's own."""
    found: dict[str, int] = {}
    name = None
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            name = Path(line.split()[-1]).name if str(models) in line else None
        elif name and line.startswith("Private_Dirty:"):
            found[name] = int(line.split()[1])
    return found


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux lists children")
def test_a_worker_that_dies_is_replaced_and_counts_go_on(workers: "tuple[subprocess.Popen[str], str]") -> None:
    process, url = workers

    def counted() -> float:
        text = httpx.get(f"{url}/metrics", timeout=30).text
        assert "attune_model_age_seconds " in text
        return sum(
            float(n) for n in re.findall(r'attune_http_requests_total\{path="/graphql",status="200"\} (\S+)', text)
        )

    before, pids = counted(), children(process)
    for _ in range(6):
        ask(url, LIST, user="u8")
    assert counted() == before + 6
    victim = pids.pop()
    os.kill(victim, signal.SIGKILL)
    served.until(lambda: len(children(process) - pids - {victim}) == 1, 20)
    for _ in range(4):
        ask(url, LIST, user="u8")
    assert counted() == before + 10


def test_a_subscription_hears_of_events_that_another_process_writes(api: Served, session_client: Client) -> None:
    at = 1_700_000_000_000_000
    with socket_of(api) as ws:
        subscribe(ws, "1", user="u12", first=20)
        before = items(receive(ws))
        row = {"user_id": "u12", "item_id": "i2", "type": "purchase", "at": at, "event_id": "elsewhere-1"}
        write.events(session_client, [row | {"user_id": "u14"}])
        with pytest.raises(TimeoutError):
            receive(ws, 2.5)
        write.events(session_client, [row | {"event_id": "elsewhere-2"}])
        assert items(receive(ws, 20)) != before
