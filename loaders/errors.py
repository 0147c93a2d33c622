"""Everything that can stop a load, under one root: what happened, in which file, column and row, and what to do.

A bad row alone stops nothing: it goes to the quarantine file (`loaders.validate`), unless the load is strict.
"""

# ruff: noqa: N818 - the root is called an error; its children say what happened.

import difflib
from collections.abc import Iterable


class LoadError(Exception):
    """A load that cannot go on."""

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        column: str | None = None,
        row: int | None = None,
        remedy: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        """Path as the user named it, or None when no single file is at fault."""
        self.column = column
        self.row = row
        """Number of the row in its file; 1 is the first row after a header."""
        self.remedy = remedy

    def __str__(self) -> str:
        where = ", ".join(
            part
            for part in (
                self.file or "",
                f"row {self.row}" if self.row is not None else "",
                f"column {self.column}" if self.column else "",
            )
            if part
        )
        return " ".join(part for part in (f"{where}:" if where else "", self.message, self.remedy) if part)


class MissingColumn(LoadError):
    """A file lacks a column that its table needs."""


class EmptyFile(LoadError):
    """The table that a load cannot do without has no rows."""


class UnreadableFile(LoadError):
    """A file is missing, damaged, or not in the format that its name says."""


class BadDeclaration(LoadError):
    """`source.toml` says something that cannot be meant."""


class StrictRejection(LoadError):
    """The first bad row of a strict load."""


class WrongMode(LoadError):
    """The load was told to go a way that this graph does not allow."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the known name that is closest to `name`, or the empty string."""
    found = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return f"Did you mean {found[0]!r}?" if found else ""
