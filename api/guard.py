"""What stands in front of every route: a request id, a bound on the body, headers for browsers, a count."""

import asyncio
import logging
import time
import uuid
from collections.abc import Collection

from opentelemetry.trace import SpanKind
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Code, loggable
from api.http import REQUEST_ID
from api.limits import Limits
from api.metrics import Metrics
from api.refusals import failure
from api.tracing import caller
from graph import tracing

log = logging.getLogger("attune.api")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# Paths that appear in metrics; everything else is one of `other`.
_PATHS = frozenset({"/", "/graphql", "/healthz", "/readyz", "/metrics"})


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    """A request that is given up before it was read to its end."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Guard:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, limits: Limits, hosts: Collection[str] | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._limits = limits
        self._hosts = hosts
        self._in_flight = 0
        self._sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = uuid.uuid4().hex
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A page of another site can point its own name at this machine and read as one of ours (DNS rebinding).
        if not self._answers_to(scope) or self._sockets >= self._limits.sockets:
            await send({"type": "websocket.close", "code": 1008})
            return
        self._sockets += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._sockets -= 1

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["path"] in _PATHS else "other"
        begun, status, waiting = time.perf_counter(), 0, True
        body = _Body(receive, self._limits)

        async def guarded(message: Message) -> None:
            nonlocal status, waiting
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers["x-request-id"] = scope[REQUEST_ID]
                if waiting:
                    # From here on a stream waits for news, and no work is done for it.
                    waiting = False
                    self._in_flight -= 1
            await send(message)

        self._in_flight += 1
        try:
            if refusal := self._refusal(scope):
                await refusal(scope, receive, guarded)
            else:
                with tracing.span(f"{scope['method']} {path}", kind=SpanKind.SERVER, parent=caller(scope)) as span:
                    await self._app(scope, body.receive, guarded)
                    if span:
                        span.set_attribute("http.response.status_code", status)
        except _Refused as refused:
            refusal = failure(refused.status, str(refused), headers={"connection": "close"})
            await refusal(scope, receive, guarded)
        except Exception as error:
            if status:
                raise  # half of an answer is out: all that is left is to break off
            request = scope[REQUEST_ID]
            log.error("request failed", extra={"request": request, **loggable(error)})
            message = "The service failed. It has been logged under the request id."
            await failure(500, message, requestId=request)(scope, receive, guarded)
        finally:
            self._in_flight -= waiting
            self._metrics.request(path, status, time.perf_counter() - begun)

    def _refusal(self, scope: Scope) -> Response | None:
        if not self._answers_to(scope):
            return failure(421, "The service does not answer to this host name.")
        if self._in_flight > self._limits.in_flight:
            message = "Too many requests at once. Come again after the time in `Retry-After`."
            return failure(503, message, code=Code.OVERLOADED, headers={"retry-after": "1"}, retryAfter=1)
        if _declared_length(scope) > self._limits.body_bytes:
            raise _too_large(self._limits)
        return None

    def _answers_to(self, scope: Scope) -> bool:
        if self._hosts is None:
            return True
        named = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        return len(named) == 1 and _without_port(named[0]) in self._hosts


def _without_port(host: str) -> str:
    # An IPv6 address stands in brackets, and its colons are no port.
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


class _Body:
    """Reads a body that may neither be too long nor come too slowly."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._read = 0
        self._deadline = 0.0
        self._complete = False

    async def receive(self) -> Message:
        """Return the next message; after the body's end this waits for the client to leave, as long as it takes."""
        if self._complete:
            return await self._receive()
        if not self._read:
            self._deadline = asyncio.get_running_loop().time() + self._limits.receive_timeout_s
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise _Refused(408, "The body did not come in time.") from None
        self._complete = not message.get("more_body", False)
        self._read += len(message.get("body", b""))
        if self._read > self._limits.body_bytes:
            raise _too_large(self._limits)
        return message


def _too_large(limits: Limits) -> _Refused:
    return _Refused(413, f"The body may have up to {limits.body_bytes} bytes.")


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
