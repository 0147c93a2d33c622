"""One HTTP connection with bounds on a client's slowness, which uvicorn itself waits for without end."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.limits import Limits

_GRACE_S = 0.1


class BoundedConnection(HttpToolsProtocol):
    """Ends connections whose client takes too long to say what it wants, or to take what it asked for."""

    head_s: ClassVar[float]
    """Longest time until the head of a request is complete."""
    drain_s: ClassVar[float]
    """Longest time in which the client takes nothing of a full buffer."""

    _head: asyncio.TimerHandle | None = None
    _drain: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Expect a request."""
        super().connection_made(transport)
        self._expect()

    def on_message_begin(self) -> None:
        """Expect the rest of the head."""
        super().on_message_begin()
        if self._head is None:
            self._expect()

    def on_headers_complete(self) -> None:
        """Wait no more: what follows is bounded by `api.guard`."""
        self._head = _cancelled(self._head)
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """The buffer is full: give the client a while to read."""
        self.flow.pause_writing()
        if self._drain is None:
            self._drain = self.loop.call_later(self.drain_s, self._abort)

    def resume_writing(self) -> None:
        """The client reads."""
        self._drain = _cancelled(self._drain)
        self.flow.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clocks."""
        self._head, self._drain = _cancelled(self._head), _cancelled(self._drain)
        super().connection_lost(exc)

    def _expect(self) -> None:
        self._head = self.loop.call_later(self.head_s, self._once_more)

    def _once_more(self) -> None:
        # When the process is busy the head may have come and not been read yet: that is not the client's fault.
        self._head = self.loop.call_later(_GRACE_S, self._abort)

    def _abort(self) -> None:
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True  # nothing more is written to a line that is gone
        self.transport.abort()


def bounded(limits: Limits) -> type[HttpToolsProtocol]:
    """Return the protocol with these bounds."""
    members = {"head_s": limits.receive_timeout_s, "drain_s": limits.send_timeout_s}
    return type("BoundedConnection", (BoundedConnection,), members)


def _cancelled(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
