"""The commands on the local Neo4j, and those that bring a shop's data into it."""

from pathlib import Path
from typing import Annotated

import typer

from attune.commands.options import Json, Online, Strict


def up(heap_mb: Annotated[int, typer.Option(min=256, help="Java heap in MiB.")] = 1024, json: Json = False) -> None:
    """Start the local Neo4j (fetched on first use) and print its addresses."""
    from attune import local

    local.up(heap_mb=heap_mb, json=json)


def down(json: Json = False) -> None:
    """Stop the local Neo4j; the graph stays on disk."""
    from attune import local

    local.down(json=json)


def status(json: Json = False) -> None:
    """Say what runs, what is loaded and what is served."""
    from attune import local

    local.status(json=json)


def empty(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; needed where there is no terminal.")] = False,
    json: Json = False,
) -> None:
    """Remove everything from the graph, to load anew; models on disk stay."""
    from attune import emptying

    emptying.empty(yes=yes, json=json)


def erase(
    user: Annotated[str, typer.Argument(help="Your id of the user.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; needed where there is no terminal.")] = False,
    json: Json = False,
) -> None:
    """Remove one user and everything it did, for good."""
    from attune import erasing

    erasing.erase(user, yes=yes, json=json)


def load_complete_journey(
    households: Annotated[int | None, typer.Option(min=1, help="Only the first N households.")] = None,
    strict: Strict = False,
    online: Online = None,
    json: Json = False,
) -> None:
    """Load the Complete Journey data set (one year of a grocer, inside a Python package)."""
    from attune import data

    data.load_complete_journey(households=households, strict=strict, online=online, json=json)


def load_files(
    folder: Annotated[Path, typer.Argument(help="Folder with events.*, items.*, users.*, source.toml.")],
    strict: Strict = False,
    online: Online = None,
    json: Json = False,
) -> None:
    """Load a shop's own files (docs/files.md)."""
    from attune import data

    data.load_files(folder, strict=strict, online=online, json=json)


def load_taobao(
    folder: Annotated[Path, typer.Argument(help="Folder with train.parquet.")],
    strict: Strict = False,
    online: Online = None,
    json: Json = False,
) -> None:
    """Load the Taobao view/cart/buy data set."""
    from attune import data

    data.load_taobao(folder, strict=strict, online=online, json=json)
