"""What stands in front of every route: a request id, a bound on the body, headers for browsers, a count."""

import logging
import time
import uuid

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import REQUEST_ID, failure
from api.metrics import Metrics

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

    def __init__(self, app: ASGIApp, *, metrics: Metrics, body_bytes: int) -> None:
        self._app = app
        self._metrics = metrics
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = uuid.uuid4().hex
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


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
