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
from gnn.paths import Dispute, Kind, Step, Ways, dispute_of
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
    """Items of the history as rows of the artefact, ascending; all that was explained at once shares the array."""
    added: Float64[np.ndarray, "N"]
    """What each of them adds to the score; 0 for those that say nothing of it."""
    names: Sequence[str] = field(repr=False)
    """Ids of the artefact's items."""
    end: Step

    @cached_property
    def contributions(self) -> tuple[Contribution, ...]:
        """All parts, the largest (in size) first."""
        found = self.at(range(len(self.item)))
        found.sort(key=lambda part: (-abs(part.value), part.kind, [step.id for step in part.path]))
        return tuple(found)

    def strongest(self, most: int) -> tuple[list[Contribution], Rest]:
        """Return contributions among which are the `most` largest, in any order, and what the others come to.

        A history of hundreds of items adds as many parts to each score, of which a reader sees a handful.
        """
        return self._told(largest(self.added, most))

    def at(self, places: Sequence[int]) -> list[Contribution]:
        """Return the contributions that lead through no item of the history, or through those at these places of it."""
        rows, values = self.item, self.added
        return [*self.parts, *(self._item(int(rows[place]), float(values[place])) for place in places if values[place])]

    def _told(self, places: Int64[np.ndarray, "n"]) -> tuple[list[Contribution], Rest]:
        rest = self.added.copy()
        rest[places] = 0.0
        others = Rest(float(rest.sum()), float(np.abs(rest).sum()), int(np.count_nonzero(rest)))
        return self.at(places.tolist()), others

    def _item(self, row: int, value: float) -> Contribution:
        return Contribution(Kind.ITEM, value, (_USER, Step("Item", self.names[row]), self.end))


def largest(values: Float64[np.ndarray, "*P N"], most: int) -> Int64[np.ndarray, "*P K"]:
    """Return the places of the `most` values of the largest size, in any order; of each row by itself."""
    # The least of what is negated: most say nothing, and to select from beyond hundreds of zeros takes longer.
    size = -np.abs(values)
    if size.shape[-1] <= most:
        return np.broadcast_to(np.arange(size.shape[-1]), size.shape)
    return np.argpartition(size, most - 1)[..., :most]


_USER = Step("User", "")

# Items whose ways are kept: a kilobyte or two each.
_WAYS_KEPT = 2_000


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
    flows = gates * values
    scores = flows.sum(axis=0) + prices.sum(axis=0)
    added = np.ascontiguousarray(_through_items(artefact, sent, tables, gates).T)
    parts = _other_parts(artefact, rows, flows, prices)
    found = (
        Explained(score, others, sent.edges.item, through, artefact.item_ids, end)
        for score, (others, end), through in zip(scores.tolist(), parts, added, strict=True)
    )
    return tuple(_without(told, history.disputed) if history.disputed else told for told in found)


def _without(told: Explained, disputed: frozenset[Dispute]) -> Explained:
    """Return the score and its parts without the ways that the user disputes."""
    used = tuple(part for part in told.parts if dispute_of(part.kind, part.path) not in disputed)
    items = {way.via[0].id for way in disputed if way.kind is Kind.ITEM}
    kept = np.array([told.names[row] not in items for row in told.item.tolist()], np.bool_)
    out = sum(part.value for part in told.parts) - sum(part.value for part in used) + float(told.added[~kept].sum())
    return replace(told, score=told.score - out, parts=used, item=told.item[kept], added=told.added[kept])


def _other_parts(
    artefact: Artefact,
    rows: Int64[np.ndarray, "P"],
    flows: Float64[np.ndarray, "C P"],
    prices: Float64[np.ndarray, "T P"],
) -> list[tuple[tuple[Contribution, ...], Step]]:
    """Return of each item the parts of its score that lead through no item of the history, and the end of their paths.

    `flows`: every channel times its gate.
    """
    H, own = artefact.shape.H, artefact.shape.H + 1
    groups = own + len(MATRICES) * H
    priors = groups + own * len(artefact.state.groups)
    # Channels lie in the order of `gnn.weights.channel_names`: those of one kind of node side by side.
    by_group = flows[groups:priors].reshape(-1, own, len(rows)).sum(axis=1)
    values = zip(
        flows[:own].sum(axis=0).tolist(),
        by_group.T.tolist(),
        flows[priors:][~PROMOTIONS].sum(axis=0).tolist(),
        flows[priors:][PROMOTIONS].sum(axis=0).tolist(),
        prices[0].tolist(),
        prices[1:].sum(axis=0).tolist(),
        strict=True,
    )
    found: list[tuple[tuple[Contribution, ...], Step]] = []
    for row, (history, nodes, popularity, promotion, fit, power) in zip(rows.tolist(), values, strict=True):
        end, ways = artefact.ways.get(row) or _ways(artefact, row)
        sizes = (history, *nodes, popularity, promotion, fit, power)
        parts = [
            Contribution(kind, value, path) for (kind, path), value in zip(ways, sizes, strict=True) if value and path
        ]
        found.append((tuple(parts), end))
    return found


def _ways(artefact: Artefact, row: int) -> Ways:
    """Return the end of an item's paths, and all ways to it that lead through no item; no path for nodes it lacks.

    In the order of parts: own history, each kind of node in the order of `State.groups`, popularity, promotion, price.
    """
    state, category, brands = artefact.state, artefact.category_ids, artefact.brand_ids
    end, brand = Step("Item", artefact.item_ids[row]), int(state.brand[row])
    made_by = (Step("Brand", brands[brand]),) if brand >= 0 else ()
    within = (Step("Category", category[artefact.item_category[row]]), *made_by) if state.line[row] >= 0 else ()
    nodes = [(Kind.CATEGORY, (Step("Category", category[node]),) if node >= 0 else ()) for node in state.node[:, row]]
    through = (
        (kind, (_USER, *steps, end) if steps else ())
        for kind, steps in (*nodes, (Kind.BRAND, made_by), (Kind.BRAND, within))
    )
    direct = (_USER, end)
    known = (
        end,
        (
            (Kind.OWN_HISTORY, direct),
            *through,
            (Kind.POPULARITY, (end,)),
            (Kind.PROMOTION, (end,)),
            (Kind.PRICE_FIT, direct),
            (Kind.PURCHASE_POWER, direct),
        ),
    )
    if len(artefact.ways) >= _WAYS_KEPT:
        artefact.ways.clear()
    artefact.ways[row] = known
    return known


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
