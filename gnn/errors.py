"""What can go wrong in the model's room, each with what happened and what to do."""

import difflib
from collections.abc import Iterable


class ModelError(Exception):
    """Root of every error that this room raises on purpose."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}. {remedy}" if remedy else message)
        self.message = message
        """What happened, and where."""
        self.remedy = remedy
        """What to do about it; empty when there is nothing to do."""


class ArtefactRefused(ModelError):  # noqa: N818 - named after what happened
    """An artefact on disk is not what its manifest says, or may not be served."""


class NoArtefact(ModelError):  # noqa: N818 - named after what happened
    """There is no trained model yet, or not the one that was asked for."""


class BadConfig(ModelError):  # noqa: N818 - named after what happened
    """A setting has an unknown name or a value that it cannot have."""

    def __init__(self, key: str, known: Iterable[str], problem: str | None = None) -> None:
        self.key = key
        """The setting as it was given."""
        self.known = tuple(sorted(known))
        """Every name that would have been understood."""
        nearest = difflib.get_close_matches(key, self.known, n=1, cutoff=0.0)
        self.nearest = nearest[0] if nearest else None
        """The known name that looks most like `key`."""
        if problem is None:
            hint = f"Did you mean {self.nearest}? " if self.nearest else ""
            super().__init__(f"there is no setting {key!r}", f"{hint}Known settings: {', '.join(self.known)}")
        else:
            super().__init__(f"setting {key!r}: {problem}")


class NotEnoughData(ModelError):  # noqa: N818 - named after what happened
    """The shop has too few events for what was asked; `untrained.build` still serves it."""


class Diverged(ModelError):  # noqa: N818 - named after what happened
    """Training met a loss that is not a number and could not recover by itself."""


class OutOfMemory(ModelError):  # noqa: N818 - named after what happened
    """The memory of the machine, or of its accelerator, ended."""


class NoCheckpoint(ModelError):  # noqa: N818 - named after what happened
    """There is no interrupted training that could be resumed."""


class CannotCarryOver(ModelError):  # noqa: N818 - named after what happened
    """An earlier model's weights do not fit this graph or these settings."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "Train without a warm start")
