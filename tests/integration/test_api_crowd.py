"""Ten thousand requests at once over real HTTP: each is answered or told to come again, and the service goes on."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from graph.client import Settings
from tests import served

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

CROWD = 10_000
BODY = json.dumps({"query": '{ user(id: "u0") { recommendations(first: 3) { nodes { rank } } } }'}).encode()
REQUEST = (
    b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(BODY)
) + BODY

# In a process of its own, so that its memory is that of the service; with more patience than a customer has, for here
# the crowd itself takes the processor from it.
SERVE = """
import resource, sys
from pathlib import Path
from api.app import ApiSettings
from api.limits import Limits
from api.serve import serve
from graph.client import Settings
uri, user, password, models = sys.argv[1:]
# What a shell gives most often.
resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
limits = Limits(receive_timeout_s=120, request_timeout_s=120)
serve(ApiSettings(neo4j=Settings(uri, user, password), models=Path(models), limits=limits), "127.0.0.1", 0,
      ready=lambda host, port: print(port, flush=True))
"""


@contextmanager
def _service(neo4j: Settings, models: Path) -> Generator[tuple[int, int]]:
    """Yield process id and port."""
    command = [sys.executable, "-c", SERVE, neo4j.uri, neo4j.user, neo4j.password, str(models)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _mib(pid: int, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1_024


async def _all_at_once(port: int) -> list[tuple[int, str, str]]:
    """Open all lines, then ask on all of them; return status, code and `Retry-After` of each answer."""
    opened: asyncio.Queue[None] = asyncio.Queue()
    go = asyncio.Event()
    # No faster than the kernel's queue of unaccepted lines allows.
    opening = asyncio.Semaphore(200)

    async def one() -> tuple[int, str, str]:
        async with opening:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened.put_nowait(None)
        await go.wait()
        writer.write(REQUEST)
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        errors = json.loads(body).get("errors", [])
        again = re.search(rb"retry-after: (\S+)", head)
        code = errors[0]["extensions"]["code"] if errors else ""
        return int(head.split()[1]), code, again[1].decode() if again else ""

    async with asyncio.timeout(300), asyncio.TaskGroup() as group:
        waiting = [group.create_task(one()) for _ in range(CROWD)]
        for _ in waiting:
            await opened.get()
        go.set()
    return [task.result() for task in waiting]


def _is_well(url: str) -> bool:
    answer = httpx.post(url, json=json.loads(BODY), timeout=30).json()
    return "errors" not in answer and len(answer["data"]["user"]["recommendations"]["nodes"]) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of the service from /proc")
def test_ten_thousand_at_once_are_answered_or_told_to_come_again(neo4j: Settings, models: Path) -> None:
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files[1] != resource.RLIM_INFINITY and files[1] < CROWD + 1_000:
        pytest.skip("this machine lets no process hold so many lines")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files[0], CROWD + 1_000), files[1]))
    try:
        with _service(neo4j, models) as (pid, port):
            url = f"http://127.0.0.1:{port}"
            served.until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
            before = _mib(pid, "VmRSS")
            outcomes = Counter(asyncio.run(_all_at_once(port)))
            peak = _mib(pid, "VmHWM")
            print(f"\n{CROWD} at once: {dict(outcomes)}, memory {before:.0f} MiB before, {peak:.0f} MiB at most")
            assert outcomes.total() == CROWD
            # A busy machine may let the database answer some too late; the answer then says so.
            late = {(200, "DATABASE_TIMEOUT", ""), (200, "DATABASE_UNAVAILABLE", "")}
            assert outcomes.keys() - late == {(200, "", ""), (503, "OVERLOADED", "1")}
            assert outcomes.total() - outcomes[503, "OVERLOADED", "1"] >= 1_000
            # 10,000 lines and 1,000 requests in work: a tenth of a megabyte each would be too much.
            assert peak - before < 600
            served.until(lambda: _is_well(f"{url}/graphql"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, files)
