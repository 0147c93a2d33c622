"""Requests handed to the application without a socket: what answering costs, apart from the network."""

import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
from starlette.types import Message

from api.app import App


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one kind of request."""

    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """Of this process, per request: what a machine that is busy with other things does not change."""


async def ask(app: App, body: bytes) -> bytes:
    """Send one GraphQL request through everything that stands in front of the fields."""
    sent: list[Message] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"accept", b"application/json")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "http_version": "1.1",
    }
    await app(scope, receive, send)
    found = b"".join(message.get("body", b"") for message in sent)
    assert sent[0]["status"] == 200, found
    assert b'"errors"' not in found[:20], found
    return found


async def cost(app: App, bodies: Sequence[bytes], *, before: Callable[[], object] = lambda: None) -> Cost:
    """Send these requests one after the other; `before` is done (and waited for) before each, untimed."""
    took: list[float] = []
    cpu = 0.0
    for body in bodies:
        if inspect.isawaitable(done := before()):
            await done
        begun, worked = time.perf_counter(), time.process_time()
        await ask(app, body)
        took.append(time.perf_counter() - begun)
        cpu += time.process_time() - worked
    milliseconds = np.array(took) * 1000
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return Cost(float(p50), float(p99), cpu * 1000 / len(bodies))


def body(query: str, **variables: object) -> bytes:
    """Return a request's body."""
    return orjson.dumps({"query": query, "variables": variables})
