"""Everything that can go wrong between Attune and its graph, under one root."""

# ruff: noqa: N818 - the root is called an error; its children say what happened.

from pathlib import Path


class GraphError(Exception):
    """A failure of the graph room: what happened, and what to do about it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class Unavailable(GraphError):
    """The database cannot be reached, or died in the middle of a call."""


class TimedOut(GraphError):
    """The database did not answer within the allowed time; the statement was ended there too."""


class OutOfMemory(GraphError):
    """A statement needed more memory than the server grants to transactions."""


class AuthFailed(GraphError):
    """The database refused the user or the password."""


class SchemaTooNew(GraphError):
    """The graph was written by a newer Attune.

    `found` and `known` are schema versions.
    """

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"The graph has schema version {found}; this Attune knows versions up to {known}.",
            "Update Attune, or load the data into a fresh graph.",
        )
        self.found = found
        self.known = known


class ServerFailed(GraphError):
    """The local Neo4j could not be fetched, started or stopped; `log` is where it wrote why."""

    def __init__(self, message: str, remedy: str = "", log: Path | None = None) -> None:
        super().__init__(message, remedy)
        self.log = log

    def __str__(self) -> str:
        text = GraphError.__str__(self)
        return f"{text} Log: {self.log}" if self.log else text


class NotFound(GraphError):
    """A node that the caller needs is not in the graph."""


class Taken(GraphError):
    """A value that must be unique, an id or a key, is held by another node or relationship."""


class Conflict(GraphError):
    """An event id is already taken by an event with other content; `event_ids` says which."""

    def __init__(self, event_ids: tuple[str, ...]) -> None:
        shown = ", ".join(event_ids[:5]) + (", ..." if len(event_ids) > 5 else "")
        super().__init__(
            f"{len(event_ids)} event id(s) already belong to other events: {shown}.",
            "Give each event its own id; an event that was written is not changed.",
        )
        self.event_ids = event_ids
