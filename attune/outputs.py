"""Where a command writes: looked at before minutes are spent on what is to be written there."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from attune import console


@contextmanager
def writing(path: Path, option: str = "--out") -> Generator[None]:
    """End with exit code 2, and in the same words everywhere, where what is done in here cannot write."""
    try:
        yield
    except OSError as error:
        said = f"{option} {path} cannot be written: {why(error)}"
        console.stop(said, f"Give another {option}.", code=console.WRONG_USE)


def why(error: OSError) -> str:
    """Return what keeps a file or a folder from being written, in words for a person."""
    return "there is a file of that name" if isinstance(error, FileExistsError) else error.strerror or str(error)


def folder(path: Path | None, option: str = "--out") -> None:
    """Make this folder where it is missing, and end with exit code 2 where nothing can be written into it."""
    if path is None:
        return
    with writing(path, option):
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass


def file(path: Path, option: str = "--out") -> None:
    """Make the folder of this file where it is missing, and end with exit code 2 where the file cannot be written."""
    if path.is_dir():
        console.stop(f"{option} {path} is a folder", f"Name a file by {option}.", code=console.WRONG_USE)
    folder(path.parent, option)
    if path.exists():
        with writing(path, option), path.open("ab"):
            pass
