"""The bars show what is being done, how fast, and end when it ends."""

import io

from rich.console import Console

from loaders.progress import Bars, Silent, counted


def test_each_phase_is_shown_with_its_rows() -> None:
    out = io.StringIO()
    with Bars(Console(file=out, force_terminal=True, width=120)) as bars:
        bars.phase("read events", 10)
        bars.advance(4)
        bars.advance(6)
        bars.phase("write events")
        bars.advance(3)
    text = out.getvalue()
    assert "read events" in text
    assert "10/10" in text
    assert "3/3" in text


def test_silence_takes_everything() -> None:
    silent = Silent()
    silent.phase("anything", 3)
    silent.advance(3)


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int | None]] = []

    def phase(self, name: str, total: int | None = None) -> None:
        """Keep the phase."""
        self.said.append((name, total))

    def advance(self, n: int) -> None:
        """Keep the rows."""
        self.said.append(("+", n))


def test_rows_that_are_counted_are_a_phase_that_begins_with_the_first() -> None:
    told = Told()
    rows = counted(iter(range(250)), "Writing", 300, told)
    assert told.said == []  # whatever makes the rows may have phases of its own before
    assert list(rows) == list(range(250))
    assert told.said == [("Writing", 300), ("+", 100), ("+", 100), ("+", 50)]
    assert list(counted([], "Nothing", 0, told)) == []
    assert len(told.said) == 4
