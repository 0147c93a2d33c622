"""Says why: splits a score into the contributions of single paths, which sum to it exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from gnn import changes, channels, scorer
from gnn.artefact import Artefact
from gnn.changes import ItemChange
from gnn.errors import ArtefactRefused
from gnn.paths import Dispute, Kind, Step, dispute_of
from gnn.ranking import History
from gnn.scorer import Attributes, Messages
from gnn.state import MATRICES, PROMOTIONS


class Contribution(NamedTuple):
    """What one path adds to a score."""

    kind: Kind
    value: float
    path: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a score beside the contributions that are told."""

    value: float = 0.0
    size: float = 0.0
    """Sum of the sizes."""
    count: int = 0


@dataclass(frozen=True)
class Explained:
    """A score and its parts; they sum to the score. What the user disputes is in neither."""

    score: float
    parts: tuple[Contribution, ...]
    """Those that lead through no item of the history."""
    item: Int64[np.ndarray, "N"]
    """Items of the history that speak for this one or against it, as rows of the artefact, ascending."""
    added: Float64[np.ndarray, "N"]
    """What each of them adds, not 0."""
    names: Sequence[str] = field(repr=False)
    """Ids of the artefact's items."""
    end: Step

    @cached_property
    def contributions(self) -> tuple[Contribution, ...]:
        """All parts, the largest (in size) first."""
        found = [*self.parts, *self._items(np.arange(len(self.item)))]
        found.sort(key=lambda part: (-abs(part.value), part.kind, [step.id for step in part.path]))
        return tuple(found)

    def strongest(self, most: int) -> tuple[list[Contribution], Rest]:
        """Return contributions among which are the `most` largest, in any order, and what the others come to.

        A history of hundreds of items adds as many parts to each score, of which a reader sees a handful.
        """
        return self._told(largest(self.added, most))

    def through(self, items: Int64[np.ndarray, "n"]) -> tuple[list[Contribution], Rest]:
        """Return the contributions through these items of the history or none, and what the others come to."""
        places = np.searchsorted(self.item, items)
        there = places < len(self.item)
        places, items = places[there], items[there]
        return self._told(places[self.item[places] == items])

    def _told(self, places: Int64[np.ndarray, "n"]) -> tuple[list[Contribution], Rest]:
        left = np.ones(len(self.added), np.bool_)
        left[places] = False
        rest = self.added[left]
        return [*self.parts, *self._items(places)], Rest(float(rest.sum()), float(np.abs(rest).sum()), len(rest))

    def _items(self, places: Int64[np.ndarray, "n"]) -> list[Contribution]:
        return [
            Contribution(Kind.ITEM, value, (_USER, Step("Item", self.names[int(row)]), self.end))
            for row, value in zip(self.item[places].tolist(), self.added[places].tolist(), strict=True)
        ]


def largest(values: Float64[np.ndarray, "N"], most: int) -> Int64[np.ndarray, "K"]:
    """Return the places of the `most` values of the largest size, in any order."""
    size = np.abs(values)
    if len(size) <= most:
        return np.arange(len(size))
    return np.argpartition(size, len(size) - most)[len(size) - most :]


_USER = Step("User", "")


def explain(
    artefact: Artefact, history: History, item: int, *, now: int, attributes: Attributes | None = None
) -> Explained:
    """Split the score that `rank` gives this item (a row of the artefact) into its paths.

    Raises `ArtefactRefused` for a model whose scores are not sums (fusion=concat).
    """
    return explain_many(artefact, history, (item,), now=now, attributes=attributes)[0]


def explain_many(
    artefact: Artefact,
    history: History,
    items: Sequence[int],
    *,
    now: int,
    attributes: Attributes | None = None,
    changed: Mapping[str, ItemChange] = changes.NOTHING,
    given: Messages | None = None,
) -> tuple[Explained, ...]:
    """Split the scores of several items, one after the other as given; the history is attended to once.

    `changed`: what is taken to be different of items, by id. `given`: what the user sends out, where it is known.
    Raises `ArtefactRefused` as `explain` does.
    """
    if not artefact.manifest.servable:
        raise ArtefactRefused(
            f"the scores of artefact {artefact.version} are not sums of paths",
            "Train with fusion=bilinear or fusion=sum",
        )
    sent = given or scorer.messages(artefact, history.columns(), now, attributes or {})
    artefact = changes.applied(artefact, changed)
    rows = np.array(items, np.int64)
    tables = channels.edge_tables(artefact.state, artefact.matrices, sent.edges.item, rows)
    gates, values, prices = scorer.parts(artefact, sent, rows, tables)
    scores = (gates * values).sum(axis=0) + prices.sum(axis=0)
    added = _through_items(artefact, sent, tables, gates)
    found = (
        _split(artefact, sent, item, float(scores[n]), gates[:, n], values[:, n], prices[:, n], added[:, n])
        for n, item in enumerate(items)
    )
    return tuple(_without(told, history.disputed) if history.disputed else told for told in found)


def _without(told: Explained, disputed: frozenset[Dispute]) -> Explained:
    """Return the score and its parts without the ways that the user disputes."""
    used = tuple(part for part in told.parts if dispute_of(part.kind, part.path) not in disputed)
    items = {way.via[0].id for way in disputed if way.kind is Kind.ITEM}
    kept = np.array([told.names[row] not in items for row in told.item.tolist()], np.bool_)
    out = sum(part.value for part in told.parts) - sum(part.value for part in used) + float(told.added[~kept].sum())
    return replace(told, score=told.score - out, parts=used, item=told.item[kept], added=told.added[kept])


def _split(
    artefact: Artefact,
    sent: Messages,
    item: int,
    score: float,
    gate: Float64[np.ndarray, "C"],
    value: Float64[np.ndarray, "C"],
    price: Float64[np.ndarray, "T"],
    added: Float64[np.ndarray, "N"],
) -> Explained:
    end = Step("Item", artefact.item_ids[item])
    H = artefact.shape.H

    first = H + 1
    parts = [Contribution(Kind.OWN_HISTORY, float(gate[:first] @ value[:first]), (_USER, end))]
    first += len(MATRICES) * H
    for kind, steps in _through_nodes(artefact, item):
        if steps:
            flow = float(gate[first : first + H + 1] @ value[first : first + H + 1])
            parts.append(Contribution(kind, flow, (_USER, *steps, end)))
        first += H + 1
    prior = gate[first:] * value[first:]
    parts.append(Contribution(Kind.POPULARITY, float(prior[~PROMOTIONS].sum()), (end,)))
    parts.append(Contribution(Kind.PROMOTION, float(prior[PROMOTIONS].sum()), (end,)))
    parts.append(Contribution(Kind.PRICE_FIT, float(price[0]), (_USER, end)))
    parts.append(Contribution(Kind.PURCHASE_POWER, float(price[1:].sum()), (_USER, end)))

    through = np.flatnonzero(added)
    return Explained(
        score=score,
        parts=tuple(part for part in parts if part.value != 0.0),
        item=sent.edges.item[through],
        added=added[through],
        names=artefact.item_ids,
        end=end,
    )


def attention(
    artefact: Artefact, history: History, now: int, attributes: Attributes | None = None
) -> Float64[np.ndarray, "n"]:
    """Return how much the user's attention rests on each distinct item of the history; sums to 1.

    In the order of `distinct_items`; the mean over the heads.
    """
    return scorer.messages(artefact, history.columns(), now, attributes or {}).attention.mean(axis=1)


def distinct_items(history: History) -> Int64[np.ndarray, "n"]:
    """Return the distinct items of a history, ascending: the order in which `attention` answers."""
    return np.unique(history.item).astype(np.int64)


def similar(artefact: Artefact, item: int, k: int) -> tuple[Int64[np.ndarray, "K"], Float64[np.ndarray, "K"]]:
    """Return the candidates that an item speaks for most, and how much, the strongest first."""
    edges = artefact.matrices[MATRICES.index("ease")][np.array([item])]
    weight = edges.data.astype(np.float64)
    target = artefact.state.candidates[edges.indices]
    order = np.lexsort((target, -weight))
    order = order[weight[order] > 0][: max(k, 0)]
    return target[order], weight[order]


def _through_nodes(artefact: Artefact, item: int) -> list[tuple[Kind, tuple[Step, ...]]]:
    """Return the way to an item through each kind of node, in the order of `State.groups`; no steps for none."""
    state = artefact.state
    ways: list[tuple[Kind, tuple[Step, ...]]] = []
    for level in state.node:
        node = int(level[item])
        ways.append((Kind.CATEGORY, (Step("Category", artefact.category_ids[node]),) if node >= 0 else ()))
    brand = int(state.brand[item])
    made_by = (Step("Brand", artefact.brand_ids[brand]),) if brand >= 0 else ()
    ways.append((Kind.BRAND, made_by))
    own = Step("Category", artefact.category_ids[int(artefact.item_category[item])])
    ways.append((Kind.BRAND, (own, *made_by) if state.line[item] >= 0 else ()))
    return ways


def _through_items(
    artefact: Artefact,
    sent: Messages,
    tables: Sequence[Float64[np.ndarray, "N P"]],
    gates: Float64[np.ndarray, "C P"],
) -> Float64[np.ndarray, "N P"]:
    """Return what each item of the history adds to each score; 0 to those of items that are no candidates."""
    H = artefact.shape.H
    added = np.zeros((len(sent.edges), gates.shape[1]))
    row = H + 1
    for table, weight in zip(tables, channels.carried(artefact.state, sent.edges.item, sent.weight), strict=True):
        # The gates of all heads meet in the message first; then an edge is one product.
        added += table * (weight @ (gates[row : row + H] * artefact.channel_rate[row : row + H, None]))
        row += H
    return added
