"""How far a load is: the small protocol that it reports to, and a bar with rate and time left for terminals."""

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichBars
from rich.text import Text

T = TypeVar("T")

# A terminal is told of so many rows at once: telling of each takes longer than many a row does.
_AT_ONCE = 100


class Progress(Protocol):
    """Told what is being done and how far it is. One phase at a time: a new phase ends the one before."""

    def phase(self, name: str, total: int | None = None) -> None:
        """Begin a phase of `total` rows (None: unknown)."""
        ...

    def advance(self, n: int) -> None:
        """Count `n` more rows of the current phase."""
        ...


class Silent:
    """Says nothing."""

    def phase(self, name: str, total: int | None = None) -> None:
        """Do nothing."""

    def advance(self, n: int) -> None:
        """Do nothing."""


def counted(rows: Iterable[T], name: str, total: int | None, progress: Progress) -> Iterator[T]:
    """Yield the rows as a phase of their own, `total` of them at most, that begins with the first."""
    untold = 0
    for n, row in enumerate(rows):
        if n == 0:
            progress.phase(name, total)
        yield row
        untold += 1
        if untold == _AT_ONCE:
            progress.advance(untold)
            untold = 0
    if untold:
        progress.advance(untold)


class Bars:
    """One bar per phase on a console, with rows per second and the time left. A context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._bars = RichBars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
        )
        self._task: TaskID | None = None
        self._name = ""

    def phase(self, name: str, total: int | None = None) -> None:
        """End the current bar and begin another."""
        self._end()
        self._name = name
        self._task = self._bars.add_task(name, total=total)

    def advance(self, n: int) -> None:
        """Move the current bar."""
        if self._task is not None:
            self._bars.advance(self._task, n)

    def note(self, text: str) -> None:
        """Show a few words behind the current bar's name, in place of the last ones."""
        if self._task is not None:
            self._bars.update(self._task, description=f"{self._name}, {text}")

    def line(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(text, markup=False, highlight=False)

    def _end(self) -> None:
        if self._task is not None:
            done = next(task.completed for task in self._bars.tasks if task.id == self._task)
            self._bars.update(self._task, total=done or 1, completed=done or 1)
            self._task = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end()
        self._bars.stop()


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")
