"""What the shop knows of its users: which attributes are numbers, which are names, which are not worth keeping."""

from dataclasses import dataclass

import polars as pl

from loaders import clean
from loaders.declarations import Declarations, Kind

FEW = 20
"""So many distinct names are always taken for categories."""
MANY = 1000
"""More distinct names than this are no categories, however many users there are."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """How one attribute was read, and why."""

    name: str
    kind: Kind
    declared: bool
    known: int
    """Users with a value."""
    distinct: int
    why: str


def read(users: pl.DataFrame, declarations: Declarations) -> tuple[pl.DataFrame, list[Inferred]]:
    """Return the users with their attributes typed (Float64 or String), and how each was read.

    `users` has `user_id` and text columns. What is to be ignored is left out. Nothing is ever inferred to be ordinal:
    an order that nobody gave is not in the data.
    """
    columns = [users["user_id"]]
    told: list[Inferred] = []
    for name in sorted(name for name in users.columns if name != "user_id"):
        values = users[name]
        declared = declarations.attributes.get(name)
        kind, why = (declared.kind, "declared") if declared else _infer(values, declarations)
        told.append(
            Inferred(
                name=name,
                kind=kind,
                declared=declared is not None,
                known=len(values) - values.null_count(),
                distinct=values.drop_nulls().n_unique(),
                why=why,
            )
        )
        if kind == "numeric":
            columns.append(clean.number(values, declarations.decimal))
        elif kind != "ignore":
            columns.append(values)
    return pl.DataFrame(columns), told


def _infer(values: pl.Series, declarations: Declarations) -> tuple[Kind, str]:
    known = values.drop_nulls()
    if known.is_empty():
        return "ignore", "no user has a value"
    if clean.number(known, declarations.decimal).null_count() == 0:
        return "numeric", "every value is a number"
    distinct = known.n_unique()
    if distinct == len(known) and distinct > 2:
        return "ignore", "every user has another value"
    if distinct > MANY or (distinct > FEW and 2 * distinct > len(known)):
        return "ignore", f"{distinct} distinct values among {len(known)} users"
    return "categorical", f"{distinct} distinct values"
