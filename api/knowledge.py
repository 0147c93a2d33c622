"""What is known of the graph without asking it: what was read lately, and by no write of this host overtaken.

Whatever is kept between requests is kept with the look that it came from. `attune serve --known-for` says for how long
a look is taken for true; by default for no time at all, and then the graph is asked each time.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from api.writes import Writes
from graph.client import AsyncClient


@dataclass(frozen=True, slots=True)
class Look:
    """The moment before something was read: what was read then is as new as this, or newer."""

    at: float
    """`time.monotonic`."""
    writes: int | None
    """Writes of this host until then; None while one was under way."""
    apart: int | None
    """Those of them that were about more than single users."""
    state: str | None
    """A state that the graph had been seen in (`AsyncClient.state`)."""
    users: Mapping[str, int | None] = field(default_factory=dict[str, int | None])
    """By whom it was about, those that were about this user alone."""

    def beside(self, other: "Look") -> "Look":
        """Return the earlier of two looks, about the users of both: what came of both is as new as this."""
        first, second = (self, other) if self.at <= other.at else (other, self)
        return replace(first, users={**second.users, **first.users}) if second.users else first


@dataclass(frozen=True, slots=True)
class Present:
    """The state that a request has found the whole graph in: all that was read in that state is still true."""

    state: str
    look: Look
    """The moment before it was asked for."""

    def holds(self, look: Look) -> bool:
        """Whether nothing was written since, by anybody."""
        return look.state == self.state

    def beside(self, earlier: "Present | None") -> "Present":
        """Return this one, for the users of an earlier one too where nothing was written in between."""
        if earlier is None or earlier.state != self.state:
            return self
        return replace(self, look=self.look.beside(earlier.look))


class Knowledge:
    """How long a look at the graph may be taken for true, and whether it still may."""

    def __init__(self, client: AsyncClient, writes: Writes | None = None, *, for_s: float = 0.0) -> None:
        """`for_s`: so many seconds after it began, if none of those who share `writes` has written since."""
        self.for_s = for_s
        self._client = client
        self._writes = writes or Writes()
        self._found: tuple[Look, str | None] | None = None

    def look(self, *users: str) -> Look:
        """Return this moment; to be called before a statement is sent. `users`: whose events or facts it may read."""
        # The time first: what is written meanwhile is then later than it.
        at, writes, apart = time.monotonic(), self._writes.mark(), self._writes.apart()
        return Look(at, writes, apart, self._client.seen, {user: self._writes.of_user(user) for user in users})

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
        return state if self._young(look) and self._unwritten(look) else None

    def holds(self, look: Look, *, whole: bool = True) -> bool:
        """Whether what was read after a look is known to be true still.

        Either the look is young, or the graph has been found in the very state of before it. `whole`: what was read is
        rows of the catalogue, and the users whom the look names; else it may be anything.
        """
        if not self.for_s:
            return False
        if self._young(look) and (self._still(look) if whole else self._unwritten(look)):
            return True
        return look.state is not None and look.state == self.state

    def overtaken(self, look: Look) -> bool:
        """Whether this host has written since about one of the users of a look: no reason to ask if it still holds."""
        return any(mark is not None and mark != self._writes.of_user(user) for user, mark in look.users.items())

    def _young(self, look: Look) -> bool:
        return time.monotonic() - look.at < self.for_s

    def _unwritten(self, look: Look) -> bool:
        return look.writes is not None and look.writes == self._writes.mark()

    def _still(self, look: Look) -> bool:
        if look.apart is None or look.apart != self._writes.apart():
            return False
        return all(mark is not None and mark == self._writes.of_user(user) for user, mark in look.users.items())
