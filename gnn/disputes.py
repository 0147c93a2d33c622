"""What the ways that a user disputes add to scores: so much is taken out, and the rest stays an exact sum."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float64, Int64

from gnn import channels, scorer
from gnn.artefact import Artefact
from gnn.paths import Dispute, Kind
from gnn.scorer import Messages
from gnn.state import MATRICES, PROMOTIONS


def parts(
    artefact: Artefact, sent: Messages, disputed: Iterable[Dispute], items: Int64[np.ndarray, "P"]
) -> Float64[np.ndarray, "P"]:
    """Return what the disputed ways would add to the scores of these items, as `gnn.explain` splits them.

    Nothing for a model whose scores are no sums (fusion=concat): its lists have no explanations to dispute.
    """
    found = np.zeros(len(items))
    if artefact.config.fusion == "concat":
        return found
    gates, values, prices = scorer.parts(artefact, sent, items)
    weighed, H = gates * values, artefact.shape.H
    first = H + 1
    nodes = first + len(MATRICES) * H
    priors = nodes + len(artefact.state.groups) * (H + 1)
    for one in disputed:
        here = items == artefact.item_index.get(one.via[-1].id, -1)
        match one.kind:
            case Kind.OWN_HISTORY:
                found += here * weighed[:first].sum(axis=0)
            case Kind.ITEM:
                found += _through_item(artefact, sent, one.via[-1].id, gates[first:nodes], items)
            case Kind.CATEGORY | Kind.BRAND:
                for place, group in enumerate(_in_groups(artefact, one, items)):
                    begin = nodes + place * (H + 1)
                    found += group * weighed[begin : begin + H + 1].sum(axis=0)
            case Kind.POPULARITY:
                found += here * weighed[priors:][~PROMOTIONS].sum(axis=0)
            case Kind.PROMOTION:
                found += here * weighed[priors:][PROMOTIONS].sum(axis=0)
            case Kind.PRICE_FIT:
                found += here * prices[0]
            case Kind.PURCHASE_POWER:
                found += here * prices[1:].sum(axis=0)
    return found


def _through_item(
    artefact: Artefact, sent: Messages, via: str, gates: Float64[np.ndarray, "MH P"], items: Int64[np.ndarray, "P"]
) -> Float64[np.ndarray, "P"]:
    edge = np.flatnonzero(sent.edges.item == artefact.item_index.get(via, -1))
    found = np.zeros(len(items))
    position = artefact.state.position[items]
    if not len(edge) or not (position >= 0).any():
        return found
    H, first = artefact.shape.H, artefact.shape.H + 1
    carried = channels.carried(artefact.state, sent.edges.item, sent.weight)
    for m, (matrix, weight) in enumerate(zip(artefact.matrices, carried, strict=True)):
        reached = matrix[np.array([artefact.item_index[via]])].toarray().ravel()
        rate = artefact.channel_rate[first + m * H : first + (m + 1) * H]
        message = (weight[edge[0]] * rate) @ gates[m * H : (m + 1) * H]
        found += np.where(position >= 0, reached[position], 0.0) * message
    return found


def _in_groups(artefact: Artefact, one: Dispute, items: Int64[np.ndarray, "P"]) -> list[np.ndarray]:
    """Return, for each group of `State.groups`, which items the way leads to."""
    state = artefact.state
    ids = {step.label: step.id for step in one.via}
    category = artefact.category_index.get(ids.get("Category", ""), -2)
    brand = artefact.brand_ids.index(ids["Brand"]) if ids.get("Brand") in artefact.brand_ids else -2
    nothing = np.zeros(len(items), np.bool_)
    if one.kind is Kind.CATEGORY:
        return [*(level[items] == category for level in state.node), nothing, nothing]
    made = state.brand[items] == brand
    if "Category" not in ids:
        return [*[nothing] * len(state.node), made, nothing]
    line = made & (np.asarray(artefact.item_category)[items] == category) & (state.line[items] >= 0)
    return [*[nothing] * len(state.node), nothing, line]
