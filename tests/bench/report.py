"""Prints what a bench measured: a table on the terminal, figures relative to the first row."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str | float]]) -> None:
    """Print a table; numbers with three significant digits."""
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for position, column in enumerate(columns):
        drawn.add_column(column, justify="right" if position else "left")
    for row in rows:
        drawn.add_row(*[cell if isinstance(cell, str) else f"{cell:,.3g}" for cell in row])
    console = Console(width=120, highlight=False)
    console.print()
    console.print(drawn)
