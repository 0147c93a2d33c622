"""Several processes behind one address: they see each other's events in the graph, and share the model's memory."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
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
uri, user, password, models, known_for = sys.argv[1:]
serve(ApiSettings(neo4j=Settings(uri, user, password), models=Path(models), known_for_s=float(known_for)),
      "127.0.0.1", 0, workers=2, ready=lambda host, port: print(port, flush=True))
"""
LIST = """query ($user: String!) {
  user(id: $user) { recommendations(first: 20) { edges { node { item { externalId } } } } } }"""
RECORD = """mutation ($input: RecordEventsInput!) { recordEvents(input: $input) { recorded } }"""


@contextmanager
def two_workers(
    neo4j: Settings, models: Path, folder: Path, known_for_s: float = 0.0
) -> "Generator[tuple[subprocess.Popen[str], str]]":
    command = [sys.executable, "-c", SERVE, neo4j.uri, neo4j.user, neo4j.password, str(models), str(known_for_s)]
    counts = {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | counts) as process:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        served.until(lambda: httpx.get(f"{url}/readyz", timeout=60).status_code == 200)
        yield process, url
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.fixture(scope="module")
def workers(
    neo4j: Settings, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    with two_workers(neo4j, models, tmp_path_factory.mktemp("counts")) as running:
        yield running


@pytest.fixture(scope="module")
def knowing(
    neo4j: Settings, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """Workers that take for true for 5 minutes what they have read."""
    with two_workers(neo4j, models, tmp_path_factory.mktemp("counts"), 300.0) as running:
        yield running


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
    served.until(lambda: all(_mapped(pid, models) for pid in pids))
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
    served.until(lambda: len(children(process) - pids - {victim}) == 1)
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


@contextmanager
def lines(process: "subprocess.Popen[str]", url: str) -> Generator[list[httpx.Client]]:
    """Open connections that stay open, one worker on each; both workers have some of them."""
    with ExitStack() as stack:
        opened: list[httpx.Client] = []
        pids, port = children(process), int(url.split(":")[-1])

        def both() -> bool:
            opened.append(stack.enter_context(httpx.Client(base_url=url, timeout=60)))
            assert opened[-1].get("/healthz").status_code == 200
            return all(_connected(pid, port) for pid in pids)

        served.until(both)
        yield opened


def _connected(pid: int, port: int) -> bool:
    found = psutil.Process(pid).net_connections("tcp")
    return any(one.laddr.port == port and one.status == psutil.CONN_ESTABLISHED for one in found)


def told(line: httpx.Client, query: str, **variables: object) -> Any:
    answer = line.post("/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in answer, answer
    return answer["data"]


def sent(line: httpx.Client) -> float:
    """Return how many statements the worker at the other end has sent."""
    return float(line.get("/metrics").text.split("\nattune_cypher_statements ")[1].split("\n")[0])


VIEWED = "query ($user: String!) { user(id: $user) { recentlyViewed(first: 1) { nodes { item { externalId } } } } }"
ERASE = "mutation ($id: String!) { eraseUser(id: $id) { erasedEvents } }"


def test_what_one_worker_writes_all_know_at_once_however_long_they_know_the_state(
    knowing: "tuple[subprocess.Popen[str], str]",
) -> None:
    with lines(*knowing) as both:
        for line in both:
            told(line, LIST, user="u20")
        before = [told(line, LIST, user="u20") for line in both]
        assert all(answer == before[0] for answer in before)
        statements = [sent(line) for line in both]
        assert [told(line, LIST, user="u20") for line in both] == before
        assert [sent(line) for line in both] == statements, "what is known is not asked for"
        seen = [before[0]]
        for n, writer in enumerate(both):
            event = {"user": "u20", "item": f"i{2 + 4 * n}", "type": "purchase", "eventId": f"knowing-{n}"}
            assert told(writer, RECORD, input={"events": [event]}) == {"recordEvents": {"recorded": 1}}
            after = [told(line, LIST, user="u20") for line in both]
            assert all(answer == after[0] for answer in after)
            assert after[0] not in seen
            seen.append(after[0])


def test_what_another_program_writes_is_known_to_no_worker_before_it_looks(
    knowing: "tuple[subprocess.Popen[str], str]", session_client: Client
) -> None:
    with lines(*knowing) as both:
        before = [told(line, LIST, user="u22") for line in both]
        row = {"user_id": "u22", "item_id": "i2", "type": "purchase", "at": 1_700_000_000_000_000}
        write.events(session_client, [row | {"event_id": "knowing-outside"}])
        assert [told(line, LIST, user="u22") for line in both] == before
        told(both[0], ERASE, id="nobody")
        after = [told(line, LIST, user="u22") for line in both]
        assert all(answer == after[0] for answer in after)
        assert after[0] != before[0]


def test_whoever_one_worker_has_erased_is_shown_by_none(knowing: "tuple[subprocess.Popen[str], str]") -> None:
    with lines(*knowing) as both:
        for n, writer in enumerate(both):
            event = {"user": "leaver", "item": "i1", "type": "view", "eventId": f"knowing-leaver-{n}"}
            told(writer, RECORD, input={"events": [event]})
            assert all(told(line, LIST, user="leaver")["user"] for line in both for _ in range(2))
            assert told(writer, ERASE, id="leaver")["eraseUser"]["erasedEvents"] == 1
            assert [told(line, LIST, user="leaver")["user"] for line in both] == [None] * len(both)


def test_while_all_ask_all_the_time_each_event_shows_in_the_next_answer(
    knowing: "tuple[subprocess.Popen[str], str]",
) -> None:
    """Looks that begin before an event is written, and end after it, come about all the time here."""
    process, url = knowing
    over, failures = threading.Event(), list[BaseException]()

    def hammer() -> None:
        try:
            with httpx.Client(base_url=url, timeout=60) as line:
                while not over.is_set():
                    told(line, VIEWED, user="racer")
        except BaseException as error:
            failures.append(error)
            raise

    drawn = random.Random(3)
    with lines(process, url) as both:
        event = {"user": "racer", "type": "view"}
        told(both[0], RECORD, input={"events": [event | {"item": "i0", "eventId": "racer-first"}]})
        hammers = [threading.Thread(target=hammer) for _ in range(4)]
        for one in hammers:
            one.start()
        try:
            for n in range(60):
                item = f"i{1 + n % 40}"
                recorded = event | {"item": item, "eventId": f"racer-{n}"}
                assert told(drawn.choice(both), RECORD, input={"events": [recorded]})["recordEvents"]["recorded"] == 1
                for line in drawn.sample(both, min(3, len(both))):
                    newest = told(line, VIEWED, user="racer")["user"]["recentlyViewed"]["nodes"][0]
                    assert newest["item"]["externalId"] == item
        finally:
            over.set()
            for one in hammers:
                one.join(60)
    assert not failures


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux lists children")
def test_a_worker_that_takes_the_place_of_a_dead_one_ends_what_the_others_know(
    knowing: "tuple[subprocess.Popen[str], str]",
) -> None:
    process, url = knowing
    victim = children(process).pop()
    os.kill(victim, signal.SIGKILL)
    served.until(lambda: victim not in children(process) and len(children(process)) == 2)
    served.until(lambda: ask(url, LIST, user="u24")["user"] is not None)
    with lines(process, url) as both:
        before = [told(line, LIST, user="u24") for line in both]
        for n, writer in enumerate(both):
            event = {"user": "u24", "item": f"i{2 + 4 * n}", "type": "purchase", "eventId": f"replaced-{n}"}
            told(writer, RECORD, input={"events": [event]})
            after = [told(line, LIST, user="u24") for line in both]
            assert all(answer == after[0] for answer in after)
            assert after[0] != before[0]
            before = after
