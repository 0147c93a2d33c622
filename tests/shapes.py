"""Checks shapes and dtypes of arrays while tests run; all other types are basedpyright's.

`tests/conftest.py` puts it on every function and dataclass of `gnn`.
"""

import typing
from collections.abc import Callable
from typing import Any

from beartype import beartype
from jaxtyping import AbstractArray


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that checks those of its arguments and results that are annotated as arrays."""
    hints = getattr(function, "__annotations__", {})
    function.__annotations__ = {name: hint for name, hint in hints.items() if _has_array(hint)}
    return beartype(function)


def _has_array(hint: object) -> bool:
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(map(_has_array, typing.get_args(hint)))
