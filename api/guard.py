"""What stands in front of every route: a request id, a bound on the body, headers for browsers, a count."""

import logging
import time
import uuid
from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import REQUEST_ID
from api.limits import Limits
from api.metrics import Metrics
from api.refusals import failure

log = logging.getLogger("attune.api")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
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


class _TooLarge(Exception):  # noqa: N818 - it never leaves this module
    """The body went over its bound while it was being read."""


class Guard:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, limits: Limits, hosts: Collection[str] | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._body_bytes = limits.body_bytes
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = uuid.uuid4().hex
        if not self._answers_to(scope):
            # A page of another site can point its own name at this machine and read as one of ours (DNS rebinding).
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await failure(421, "The service does not answer to this host name.")(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        begun, status, read = time.perf_counter(), 0, 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > self._body_bytes:
                    raise _TooLarge
            return message

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers["x-request-id"] = scope[REQUEST_ID]
            await send(message)

        try:
            if _declared_length(scope) > self._body_bytes:
                raise _TooLarge
            await self._app(scope, counted, guarded)
        except _TooLarge:
            refusal = failure(
                413, f"The body may have up to {self._body_bytes} bytes.", headers={"connection": "close"}
            )
            await refusal(scope, receive, guarded)
        finally:
            seconds = time.perf_counter() - begun
            path = scope["path"] if scope["path"] in _PATHS else "other"
            self._metrics.request(path, status, seconds)
            log.debug(
                "request",
                extra={"request": scope[REQUEST_ID], "path": path, "status": status, "ms": round(seconds * 1e3, 2)},
            )

    def _answers_to(self, scope: Scope) -> bool:
        if self._hosts is None:
            return True
        named = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        return len(named) == 1 and _without_port(named[0]) in self._hosts


def _without_port(host: str) -> str:
    # An IPv6 address stands in brackets, and its colons are no port.
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
