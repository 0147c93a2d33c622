"""Ways to say which edges of a user's history a score rests on: ours, and what costs nothing to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float64, Int64

from gnn import diversity, explain
from gnn.artefact import Artefact
from gnn.explain import Kind, Step
from gnn.ranking import History
from gnn.scorer import Attributes
from gnn.state import ITEM_FEATURES


@dataclass(frozen=True)
class Question:
    """A user at a moment and items: why has each its score? N edges, K items."""

    artefact: Artefact
    history: History
    items: Int64[np.ndarray, "K"]
    """Rows of the artefact."""
    now: int
    """Microseconds UTC."""
    attributes: Attributes

    @cached_property
    def edges(self) -> Int64[np.ndarray, "N"]:
        """The history edges that can be cited: the distinct items, ascending."""
        return explain.distinct_items(self.history)


class Explainer(Protocol):
    """Weighs every edge of a user's history for each of some scores; the larger, the more it is cited for the score."""

    def __call__(self, question: Question) -> Float64[np.ndarray, "K N"]:
        """Return one number per item and edge, in the order of `Question.edges`."""
        ...


def attune(question: Question) -> Float64[np.ndarray, "K N"]:
    """Weigh an edge by the contributions of the paths that start with it, as they are served.

    A path that gathers several edges (into a category, a brand, a product line) is shared out among them by attention.
    What no edge takes part in (popularity, promotion, price) cites none.
    """
    artefact, edges = question.artefact, question.edges
    told = explain.explain_many(
        artefact, question.history, question.items.tolist(), now=question.now, attributes=question.attributes
    )
    weight = explain.attention(artefact, question.history, question.now, question.attributes)
    place = {artefact.item_ids[item]: n for n, item in enumerate(edges)}
    inside: dict[tuple[Step, ...], Bool[np.ndarray, "N"]] = {}
    added = np.zeros((len(told), len(edges)))
    for row, explained in zip(added, told, strict=True):
        for part in explained.contributions:
            if part.kind in (Kind.CATEGORY, Kind.BRAND):
                key = part.path[1:-1]
                met = inside[key] if key in inside else inside.setdefault(key, _into(artefact, edges, key))
                row[met] += part.value * weight[met] / max(float(weight[met].sum()), 1e-30)
            elif part.kind is Kind.OWN_HISTORY or (len(part.path) > 2 and part.path[1].label == "Item"):
                n = place.get(part.path[1].id)
                if n is not None:
                    row[n] += part.value
    return added


def _into(artefact: Artefact, edges: Int64[np.ndarray, "N"], between: tuple[Step, ...]) -> Bool[np.ndarray, "N"]:
    """Return which edges lead into the category, the brand or both (a product line) of a path."""
    met = np.ones(len(edges), np.bool_)
    for step in between:
        if step.label == "Brand":
            met &= np.asarray(artefact.state.brand)[edges] == artefact.brand_ids.index(step.id)
        elif len(between) > 1:  # a line lies in the item's own category
            met &= np.asarray(artefact.item_category)[edges] == artefact.category_index[step.id]
        else:
            met &= (diversity.shelves(artefact, edges).path == artefact.category_index[step.id]).any(axis=1)
    return met


class RandomPaths:
    """Cites edges by chance, drawn anew for every question."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def __call__(self, question: Question) -> Float64[np.ndarray, "K N"]:
        """Return uniform numbers."""
        return self._rng.random((len(question.items), len(question.edges)))


def popular(question: Question) -> Float64[np.ndarray, "K N"]:
    """Cite the edges to the items with most buyers."""
    buyers = question.artefact.state.x_item[question.edges, ITEM_FEATURES.index("popularity")].astype(np.float64)
    return np.tile(buyers, (len(question.items), 1))


OURS = "attune"


def plain(rng: np.random.Generator) -> Mapping[str, Explainer]:
    """Return the explainers that need no torch, ours first."""
    return {OURS: attune, "random paths": RandomPaths(rng), "popular paths": popular}
