"""Edges from items to users, laid out for reading from either side."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Bipartite:
    """Edges from items to users, laid out both ways; E edges."""

    user: Int[Tensor, "E"]
    """Ascending."""
    item: Int[Tensor, "E"]
    users: int
    items: int
    to_user: Int[Tensor, "U1"]
    """Where each user's edges begin."""
    to_item: Int[Tensor, "I1"]
    """Where each item's edges begin, in the order of `by_item`."""
    by_item: Int[Tensor, "E"]
    """Edges by item, then by user."""

    @staticmethod
    def of(edge_index: Int[Tensor, "2 E"], users: int, items: int) -> "Bipartite":
        """Lay out edges [user, item] that are sorted by user. Raises `ValueError` when they are not."""
        user, item = edge_index
        if len(user) > 1 and bool((user.diff() < 0).any()):
            raise ValueError("edges are not sorted by user")
        by_item = item.argsort(stable=True)
        return Bipartite(user, item, users, items, _starts(user, users), _starts(item, items), by_item)


def _starts(index: Tensor, size: int) -> Tensor:
    counts = torch.bincount(index, minlength=size)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])
