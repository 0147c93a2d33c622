"""The bars show what is being done, how fast, and end when it ends."""

import io

from rich.console import Console

from loaders.progress import Bars, Silent


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
