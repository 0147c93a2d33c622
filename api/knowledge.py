"""What is known of the graph without asking it: what was read lately, and by no write of this host overtaken.

Whatever is kept between requests is kept with the look that it came from. `attune serve --known-for` says for how long
a look is taken for true; by default for no time at all, and then the graph is asked each time.
"""

import time
from dataclasses import dataclass

from api.writes import Writes
from graph.client import AsyncClient


@dataclass(frozen=True, slots=True)
class Look:
    """The moment before something was read: what was read then is as new as this, or newer."""

    at: float
    """`time.monotonic`."""
    writes: int | None
    """Writes of this host until then; None while one was under way."""
    state: str | None
    """A state that the graph had been seen in (`AsyncClient.state`)."""


class Knowledge:
    """How long a look at the graph may be taken for true, and whether it still may."""

    def __init__(self, client: AsyncClient, writes: Writes | None = None, *, for_s: float = 0.0) -> None:
        """`for_s`: so many seconds after it began, if none of those who share `writes` has written since."""
        self.for_s = for_s
        self._client = client
        self._writes = writes or Writes()
        self._found: tuple[Look, str | None] | None = None

    def look(self) -> Look:
        """Return this moment; to be called before a statement is sent."""
        return Look(time.monotonic(), self._writes.mark(), self._client.seen)

    def found(self, look: Look, state: str | None) -> None:
        """Take note of the state that a look found the whole graph in."""
        if self.for_s:
            self._found = look, state

    @property
    def state(self) -> str | None:
        """The state that the graph is known to be in; None where it has to be asked."""
        if self._found is None:
            return None
        look, state = self._found
        return state if self._young(look) else None

    def holds(self, look: Look) -> bool:
        """Whether what was read after a look is known to be true still.

        Either the look is young, or the graph has been found in the very state of before it.
        """
        if not self.for_s:
            return False
        return self._young(look) or (look.state is not None and look.state == self.state)

    def _young(self, look: Look) -> bool:
        if look.writes is None or time.monotonic() - look.at >= self.for_s:
            return False
        return look.writes == self._writes.mark()
