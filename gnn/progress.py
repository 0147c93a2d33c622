"""What training tells while it goes on, and to whom."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training cuts."""

    number: int
    """0 is the untrained model."""
    loss: float
    """Mean over the steps; nan for the untrained model."""
    metrics: dict[str, float]
    """`ndcg20_all`, `ndcg20_novel` and their like on the validation period."""
    score: float
    """What passes are compared by; higher is better."""
    best: bool
    """Whether it is kept in the place of those before (`gnn.selection`)."""
    seconds: float
    """Of this pass, validation included."""
    left_s: float
    """At most this much is left."""


class Progress(Protocol):
    """Who is told how training goes: the shape that the loaders' progress has, plus `epoch`."""

    def phase(self, name: str, total: int | None = None) -> None:
        """Say what begins, and how many steps it has when that is known."""
        ...

    def advance(self, n: int = 1) -> None:
        """Say that steps are done."""
        ...

    def loss(self, step: int, value: float) -> None:
        """Tell of the mean loss over the last steps, `step` of them done since training began."""
        ...

    def epoch(self, report: Epoch) -> None:
        """Tell of a finished pass."""
        ...


class Silent:
    """Progress that tells nobody."""

    def phase(self, name: str, total: int | None = None) -> None:
        """Stay silent."""

    def advance(self, n: int = 1) -> None:
        """Stay silent."""

    def loss(self, step: int, value: float) -> None:
        """Stay silent."""

    def epoch(self, report: Epoch) -> None:
        """Stay silent."""
