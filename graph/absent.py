"""Imports as they would go if an optional package were not installed."""

import sys
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from types import ModuleType
from typing import cast


@contextmanager
def absent(package: str) -> Generator[None]:
    """Let imports in the block not find a package, unless it has been imported before; it can be imported after it."""
    # The import system takes None for a module that is known not to be there; its stub leaves that out.
    modules = cast("MutableMapping[str, ModuleType | None]", sys.modules)
    if package in modules:
        yield
        return
    modules[package] = None
    try:
        yield
    finally:
        del modules[package]
