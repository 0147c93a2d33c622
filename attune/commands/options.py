"""Options that several commands have, and what is wrong use of them before anything is read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for machines.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")]
Online = Annotated[
    bool | None,
    typer.Option("--online/--bulk", help="Write through the running database, or import offline into an empty one."),
]


def known_device(name: str) -> str:
    """Return a device's name; a misspelt one is wrong use, before anything is read."""
    if name.partition(":")[0] not in ("auto", "cpu", "cuda", "mps"):
        raise typer.BadParameter(f"{name!r} is none of auto, cpu, cuda, mps")
    return name


Auth = Annotated[
    bool | None,
    typer.Option("--auth/--no-auth", help="Ask callers for a key or a token; on by itself once there is one."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", callback=known_device)]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override one setting; repeatable.")]

Settings = Annotated[
    Path | None, typer.Option("--config", exists=True, dir_okay=False, help="TOML file of settings; --set comes after.")
]


def moment_us(text: str | None, option: str = "--until") -> int | None:
    """Return an ISO 8601 date or time as int64 microseconds, UTC when it names no zone."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not an ISO 8601 date, such as 2017-10-31"
        raise typer.BadParameter(message, param_hint=option) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000)


def known_locale(name: str) -> str:
    """Return the name of a language that sentences are told in."""
    if name not in ("en", "zh"):
        raise typer.BadParameter(f"{name!r} is none of en, zh")
    return name


def numbers(text: str) -> str:
    """Return comma-separated whole numbers as they came; anything else is wrong use."""
    if not all(part.strip().isdigit() for part in text.split(",")):
        raise typer.BadParameter(f"{text!r} is not a list of whole numbers, such as 0,1,2")
    return text


def split_names(text: str | None) -> list[str] | None:
    """Return comma-separated names, or None when the option was left out; no name at all is wrong use."""
    if text is None:
        return None
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise typer.BadParameter("it names none; leave it out for all", param_hint="--models")
    return found


def data_name(text: str) -> str:
    """Return what a data set is called; a name that `--tuned NAME:FILE` could not say is wrong use."""
    if not text.strip() or ":" in text:
        raise typer.BadParameter("a name is not empty and has no colon in it: it is used as --tuned NAME:FILE")
    return text
