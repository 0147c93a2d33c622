"""What the command line says and how it ends: results on stdout, progress on stderr, one line for a user's mistake."""

import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import orjson
import typer
from rich.console import Console
from rich.table import Table

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)

FAILED = 1
WRONG_USE = 2


def emit(data: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout, for machines."""
    flags = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(data, option=flags).decode())
    sys.stdout.flush()


def silence() -> None:
    """Say no more on stderr: another process of the same run speaks for all."""
    ERR.quiet = True


def say(text: str) -> None:
    """Print one line of progress on stderr."""
    ERR.print(text, markup=False)


def table(
    columns: list[str],
    rows: list[list[str]],
    *,
    title: str | None = None,
    right: tuple[int, ...] = (),
    whole: tuple[int, ...] = (),
) -> None:
    """Print a table on stdout; columns at the positions `right` are right-aligned, those at `whole` never folded."""
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        justify = "right" if position in right else "left"
        drawn.add_column(column, justify=justify, overflow="fold", no_wrap=position in whole)
    for row in rows:
        drawn.add_row(*[cell.replace("[", "\\[") for cell in row])
    OUT.print(drawn)


@contextmanager
def step(title: str, *, say: Callable[[str], None] = say) -> Generator[None]:
    """Say what starts, and afterwards how long it took."""
    say(f"» {title}")
    begun = time.monotonic()
    yield
    say(f"  done in {time.monotonic() - begun:.1f} s")


@contextmanager
def interruptible(left: Callable[[], str], *, what: str = "interrupted") -> Generator[None]:
    """Say at Ctrl-C what is left and what to do, as `left` tells it: for work that does not go on where it stopped."""
    try:
        yield
    except KeyboardInterrupt:
        stop(what, left())


def ask(would: str, question: str, no: str, *, yes: bool) -> None:
    """Go on if `yes`, or if somebody at a terminal agrees; else end, with exit code 2 where nobody can be asked.

    `would`: what this would do; `no`: what is told to who does not agree.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        stop(f"this would {would}", "Say --yes to do it.", code=WRONG_USE)
    if not typer.confirm(question, err=True):
        stop(no)


def stop(message: str, remedy: str | None = None, *, code: int = FAILED) -> NoReturn:
    """End with `code`, saying what happened and what to do; never a traceback."""
    ERR.print(f"error: {message}", style="red", markup=False)
    if remedy:
        ERR.print(f"       {remedy}", markup=False)
    raise SystemExit(code)
