"""Progress of training in a terminal: the loaders' bars, and a line per pass with loss, metrics and time left."""

import math
from typing import TYPE_CHECKING

from loaders.progress import Bars

if TYPE_CHECKING:
    from gnn.train import Epoch


class TrainingBars(Bars):
    """Bars that also tell of each pass over the data."""

    def advance(self, n: int = 1) -> None:
        """Move the current bar."""
        super().advance(n)

    def loss(self, step: int, value: float) -> None:
        """Show the loss beside the bar."""
        self.note(f"loss {value:.4f}")

    def epoch(self, report: "Epoch") -> None:
        """Print one finished pass."""
        loss = "untrained" if math.isnan(report.loss) else f"loss {report.loss:.4f}"
        figures = " ".join(f"{name} {value:.4f}" for name, value in report.metrics.items())
        best = " *" if report.best else ""
        self.line(f"pass {report.number}: {loss}, {figures}{best}; at most {report.left_s:.0f} s left")
