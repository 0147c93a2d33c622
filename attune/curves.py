"""Curves of a training for TensorBoard, and for Weights & Biases where asked: told what the bars are told."""

import importlib
import math
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from attune.bars import TrainingBars
from gnn.errors import ModelError

if TYPE_CHECKING:
    from gnn.config import Config
    from gnn.progress import Epoch


class Curves:
    """Passes everything on to the bars and writes losses and metrics beside; a context manager."""

    def __init__(self, bars: TrainingBars, folder: Path, config: "Config", project: str | None = None) -> None:
        """Write under `folder`, a run a folder; with `project` tell Weights & Biases too.

        Raises `ModelError` when that is asked for and not installed.
        """
        from torch.utils.tensorboard.writer import SummaryWriter

        self._bars = bars
        self._phase = "Training"
        self.folder = folder / time.strftime("%Y%m%dT%H%M%S")
        self._wandb: Any = None
        if project is not None:
            try:
                wandb = importlib.import_module("wandb")
            except ImportError:
                raise ModelError("Weights & Biases is not installed", "pip install 'attune[wandb]'") from None
            self._wandb = wandb.init(project=project, config=config.as_dict(), dir=folder.parent)
        self._board = SummaryWriter(self.folder)
        table = "\n".join(f"| {name} | {value} |" for name, value in config.as_dict().items())
        self._board.add_text("settings", f"| setting | value |\n|---|---|\n{table}")

    @property
    def command(self) -> str:
        """What to type to look at them."""
        return f"tensorboard --logdir {self.folder.parent}"

    def phase(self, name: str, total: int | None = None) -> None:
        """Begin a phase."""
        self._phase = name
        self._bars.phase(name, total)

    def advance(self, n: int = 1) -> None:
        """Move the current bar."""
        self._bars.advance(n)

    def loss(self, step: int, value: float) -> None:
        """Add a point to the phase's curve of the loss."""
        self._bars.loss(step, value)
        self._write({f"loss/{self._phase}": value}, step)

    def epoch(self, report: "Epoch") -> None:
        """Add a point to the curves of the validation metrics."""
        self._bars.epoch(report)
        figures = {f"validation/{name}": value for name, value in report.metrics.items()}
        figures["validation/score"] = report.score
        if not math.isnan(report.loss):
            figures["validation/loss of the pass"] = report.loss
        self._write(figures, report.number)

    def _write(self, figures: dict[str, float], step: int) -> None:
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)
        if self._wandb is not None:
            self._wandb.log({**figures, f"{'pass' if 'validation/score' in figures else 'step'}": step})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._board.close()
        if self._wandb is not None:
            self._wandb.finish(exit_code=1 if error else 0)
