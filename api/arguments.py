"""Checks of what clients pass in; every refusal names the argument and what it may be."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import strawberry
from graphql import GraphQLResolveInfo, VariableNode

from api.errors import bad_input
from api.limits import MAX_EXCLUDE, MAX_FIRST, MAX_ID, MAX_MONEY, MAX_SEARCH

if TYPE_CHECKING:
    from api.context import Info

Value = TypeVar("Value")


def given(value: Value | None) -> Value | None:
    """Return an argument that may have been left out: then null."""
    return None if value is strawberry.UNSET else value


def said(info: "Info") -> frozenset[str]:
    """Return the names of the arguments that the client gave to the field that is being resolved.

    A variable with a default in the operation is not among them: nobody can tell which of the two it is.
    """
    raw: GraphQLResolveInfo = info._raw_info  # pyright: ignore
    defaulted = {one.variable.name.value for one in raw.operation.variable_definitions or () if one.default_value}
    came = info.variable_values.keys() - defaulted
    return frozenset(
        argument.name.value
        for argument in raw.field_nodes[0].arguments or ()
        if not isinstance(argument.value, VariableNode) or argument.value.name.value in came
    )


def page_size(first: int | None, default: int) -> int:
    """Return how many entries a page may have: 0 to `MAX_FIRST`; null is the default."""
    if first is None:
        return default
    if not 0 <= first <= MAX_FIRST:
        raise bad_input("first", f"`first` must be from 0 to {MAX_FIRST}, not {first}.")
    return first


def amount(name: str, value: float | None) -> float | None:
    """Return an amount of money: from 0 to `MAX_MONEY`."""
    value = given(value)
    if value is not None and not 0 <= value <= MAX_MONEY:
        raise bad_input(name, f"`{name}` must be an amount of money from 0 to {MAX_MONEY:,.0f}.")
    return value


def share(name: str, value: float | None, default: float) -> float:
    """Return a number from 0 to 1."""
    if value is None:
        return default
    if not 0 <= value <= 1:
        raise bad_input(name, f"`{name}` must be from 0 to 1.")
    return value


def ids(name: str, values: Sequence[str] | None) -> frozenset[str] | None:
    """Return a set of external ids; null stays null."""
    values = given(values)
    if values is None:
        return None
    if len(values) > MAX_EXCLUDE:
        raise bad_input(name, f"`{name}` may have up to {MAX_EXCLUDE} ids, not {len(values)}.")
    return frozenset(values)


def external_id(value: str) -> str | None:
    """Return an id that the graph may hold; None for one that it cannot: such a node does not exist."""
    return value if 0 < len(value) <= MAX_ID else None


def search(value: str | None) -> str | None:
    """Return the text to search for; null and blanks search for nothing in particular."""
    value = given(value)
    if value is None or not value.strip():
        return None
    if len(value) > MAX_SEARCH:
        raise bad_input("search", f"`search` may have up to {MAX_SEARCH} characters, not {len(value)}.")
    return value.strip()
