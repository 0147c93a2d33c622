"""What a part of a score comes from, and through which nodes; and the ways that a user has disputed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a part of a score comes from."""

    OWN_HISTORY = "own_history"
    ITEM = "item"
    CATEGORY = "category"
    BRAND = "brand"
    POPULARITY = "popularity"
    PROMOTION = "promotion"
    PRICE_FIT = "price_fit"
    PURCHASE_POWER = "purchase_power"


class Step(NamedTuple):
    """A node on a path; a tuple, because paths are looked up by the thousand."""

    label: str
    """User, Item, Category or Brand."""
    id: str
    """The shop's own id; empty for the user."""


Ways = tuple[Step, tuple[tuple[Kind, tuple[Step, ...]], ...]]
"""An item as the end of paths, and kinds of part with the path of each."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """Ways that a user does not want used: all of one kind that lead through the same nodes."""

    kind: Kind
    via: tuple[Step, ...]
    """What lies between the user and the items it leads to; where nothing does, the item itself."""


def dispute_of(kind: Kind, path: tuple[Step, ...]) -> Dispute:
    """Return what a user disputes who disputes this way to an item; the item comes last."""
    between = tuple(step for step in path[:-1] if step.label != "User")
    return Dispute(kind, between or path[-1:])
