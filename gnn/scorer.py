"""The network's forward pass for one user in numpy: what ranking and explanations are both made of.

score(u, i) = sum over channels c of gate_c(u, i) * channel_c(u, i) + price terms; every channel is a sum over paths.
`gnn.model` computes the same in torch for many users; a test keeps the two within 1e-5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, Num

from gnn import channels, features
from gnn.artefact import Artefact
from gnn.channels import Gathered, Shelf
from gnn.history import Edges, Scheme, fold
from gnn.state import standardise, user_columns, user_names
from gnn.weights import PRIOR_UNIT, REACH, SLOPE_UNIT, USER_GATES

Attributes = Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class Columns:
    """A user's events as columns, ready to be folded; E events, items as rows of the artefact."""

    item: Num[np.ndarray, "E"]
    type: Num[np.ndarray, "E"]
    at: Int64[np.ndarray, "E"]
    quantity: Num[np.ndarray, "E"]
    amount: Num[np.ndarray, "E"]
    value: Num[np.ndarray, "E"]
    context: Num[np.ndarray, "E"]


@dataclass(frozen=True, slots=True)
class Messages:
    """What a user sends out: attention over the history, and what it carries; N distinct items, H heads."""

    edges: Edges
    attention: Float64[np.ndarray, "N H"]
    """Sums to 1 per head."""
    weight: Float64[np.ndarray, "N H"]
    """Attention times the size of the history: what flows along the edge."""
    own: Float64[np.ndarray, "N O"]
    """What the user's own history of the item says of the item itself; O = H + 1."""
    nodes: tuple[Gathered, ...]
    """The same, gathered at categories, brands and lines."""
    x_user: Float64[np.ndarray, "Fu"]
    """The user's standardised node features."""
    p_user: Float64[np.ndarray, "Pu"]
    """The user's part of the gate inputs, the constant first."""
    level: float
    """The user's mean price level; nan when unknown."""


def messages(artefact: Artefact, events: Columns, now: int, attributes: Attributes) -> Messages:
    """Fold a user's events and let the network attend to them."""
    scheme, state, weights = artefact.scheme, artefact.state, artefact.weights
    user = np.zeros(len(events.item), np.int64)
    edges = fold(
        scheme,
        user=user,
        item=events.item,
        type=events.type,
        at=events.at,
        quantity=events.quantity,
        value=events.value,
        context=events.context,
        now=now,
    )
    power = features.spending(
        1,
        user=user,
        item=events.item,
        sign=np.append(features.money_sign(scheme.event_types), 0.0)[events.type],
        at=events.at,
        quantity=events.quantity,
        amount=events.amount,
        basket=np.full(len(user), -1, np.int64),
        price=state.price,
        price_level=state.price_level,
        now=min(now, scheme.clock),
    )
    raw = user_columns(scheme, edges, 1, power, trait_codes(scheme, attributes), artefact.config)
    x_user = standardise(raw, state.user_mean, state.user_scale)[0]
    e = standardise(edges.features, state.edge_mean, state.edge_scale)
    x_item = state.x_item[edges.item].astype(np.float64)
    delta = np.zeros_like(edges.base)
    if "attention.content.vector" in weights:
        vector = weights["attention.content.vector"]
        hidden = x_item @ weights["attention.content.item.weight"].T + weights["attention.content.item.bias"]
        hidden += weights["attention.content.user.weight"] @ x_user
        hidden = np.where(hidden > 0, hidden, 0.2 * hidden).reshape(len(e), *vector.shape)
        delta += (hidden * vector).sum(axis=2)
    if "attention.context.head.weight" in weights:
        hidden = np.maximum(e @ weights["attention.context.lift.weight"].T + weights["attention.context.lift.bias"], 0)
        delta += hidden @ weights["attention.context.head.weight"].T
    if "attention.self.scale" in weights and len(e):
        embedding = weights["attention.self.item.weight"][edges.item].astype(np.float64)
        scale = weights["attention.self.scale"]
        delta += (embedding * embedding.mean(axis=0)) @ scale.T / np.sqrt(scale.shape[1])
    tilted = edges.base * np.exp(REACH * np.tanh(delta / REACH))
    attention = tilted / np.maximum(tilted.sum(axis=0), 1e-30)
    own = np.zeros((len(e), edges.base.shape[1] + 1))
    if "own.lift.weight" in weights:
        hidden = np.maximum(e @ weights["own.lift.weight"].T + weights["own.lift.bias"], 0)
        own = np.concatenate([channels.own_counts(edges.base), hidden @ weights["own.head.weight"].T], axis=1)
    weight = attention * edges.base.sum(axis=0)
    return Messages(
        edges=edges,
        attention=attention,
        weight=weight,
        own=own,
        nodes=channels.gathered(state, edges.item, weight),
        x_user=x_user,
        p_user=gate_inputs_of_users(scheme, x_user[None])[0],
        level=float(raw[0, user_names(scheme).index("level")]),
    )


def trait_codes(scheme: Scheme, attributes: Attributes) -> Float64[np.ndarray, "1 T"]:
    """Return a user's attributes as the codes that snapshots use; nan for what is unknown."""
    codes = np.full((1, len(scheme.traits)), np.nan)
    for t, trait in enumerate(scheme.traits):
        given = attributes.get(trait.name)
        if given is None:
            continue
        if trait.kind == "numeric":
            try:
                codes[0, t] = float(given)
            except ValueError:
                continue
        elif str(given) in trait.levels:
            codes[0, t] = trait.levels.index(str(given))
    return codes


def gate_inputs_of_users(scheme: Scheme, x_user: Float64[np.ndarray, "U Fu"]) -> Float64[np.ndarray, "U Pu"]:
    """Return the users' part of p, within three deviations: one, spend, level, discount, income."""
    names = user_names(scheme)
    p = np.zeros((len(x_user), USER_GATES))
    p[:, 0] = 1.0
    for k, name in enumerate(("spend", "level", "discount", "income"), start=1):
        if name in names:
            p[:, k] = np.clip(x_user[:, names.index(name)], -3.0, 3.0)
    return p


def fit(level_of_user: Num[np.ndarray, "*#N"], level_of_item: Num[np.ndarray, "*#N"]) -> Float64[np.ndarray, "..."]:
    """Return how near an item's price level is to the user's own, -3 to 1; 0 where either is unknown."""
    return np.nan_to_num(1.0 - 4.0 * np.abs(level_of_user - level_of_item), nan=0.0)


def channel_values(
    artefact: Artefact,
    sent: Messages,
    items: Int64[np.ndarray, "P"],
    tables: Sequence[Float64[np.ndarray, "N P"]] | None = None,
) -> Float64[np.ndarray, "C P"]:
    """Return every channel's value for these items, in units of the artefact's moment; see `channels.values`."""
    state = artefact.state
    return channels.values(
        state,
        artefact.matrices,
        sent.edges.item,
        sent.weight,
        sent.own,
        items,
        artefact.channel_rate,
        tables,
        _shelf(artefact, items),
        sent.nodes,
    )


def _shelf(artefact: Artefact, items: Int64[np.ndarray, "P"]) -> Shelf:
    """Return what these items bring with them: that of all candidates is kept."""
    return artefact.shelf if items is artefact.state.candidates else channels.shelf(artefact.state, items)


def semantic(artefact: Artefact, values: Float64[np.ndarray, "C P"]) -> Float64[np.ndarray, "C P"] | None:
    """Return what semantic attention adds to the gate of every channel and item; None for a network without it."""
    weights = artefact.weights
    if "semantic.head.weight" not in weights:
        return None
    state, seen = artefact.state, list(artefact.shape.seen)
    # In float64: in float32 a score would depend on how many items are scored with it.
    z = channels.squash(values[seen])
    z = (z - state.seen_mean[seen, None]) * state.seen_scale[seen, None]
    hidden = np.maximum(weights["semantic.lift.weight"] @ z + weights["semantic.lift.bias"][:, None], 0)
    hidden = np.maximum(weights["semantic.hidden.weight"] @ hidden + weights["semantic.hidden.bias"][:, None], 0)
    return weights["semantic.head.weight"] @ hidden


def gate_terms(
    artefact: Artefact, sent: Messages, items: Int64[np.ndarray, "P"]
) -> tuple[Float64[np.ndarray, "C"], Float64[np.ndarray, "2 P"], Float64[np.ndarray, "C 2"]]:
    """Return the gates as constants of the user and what items add: gate = constant + slopes @ p_item."""
    there = _shelf(artefact, items)
    p_item = np.stack([there.price, fit(np.array(sent.level), there.level)])
    gates = artefact.weights["fusion.gates"].astype(np.float64)
    if artefact.config.fusion == "sum":
        return gates[:, 0], p_item, np.zeros((len(gates), 2))
    gates[:, 1:] *= SLOPE_UNIT
    return gates[:, :USER_GATES] @ sent.p_user, p_item, gates[:, USER_GATES:]


def price_terms(artefact: Artefact, sent: Messages, p_item: Float64[np.ndarray, "2 P"]) -> Float64[np.ndarray, "T P"]:
    """Return the weighted price terms, in the order of `PRICE_TERMS`."""
    _, spend, level, discount, income = sent.p_user
    price = p_item[0]
    terms = np.stack([p_item[1], price, price * spend, price * level, price * discount, price * income])
    return terms * (artefact.weights["fusion.price"] * PRIOR_UNIT)[:, None]


def parts(
    artefact: Artefact,
    sent: Messages,
    items: Int64[np.ndarray, "P"],
    tables: Sequence[Float64[np.ndarray, "N P"]] | None = None,
) -> tuple[Float64[np.ndarray, "C P"], Float64[np.ndarray, "C P"], Float64[np.ndarray, "T P"]]:
    """Return gates, channels and price terms of these items: gates times channels, and the terms, sum to the scores.

    Not for fusion=concat, whose scores are no sums.
    """
    constant, p_item, slopes = gate_terms(artefact, sent, items)
    values = channel_values(artefact, sent, items, tables)
    gates = constant[:, None] + slopes @ p_item
    attended = semantic(artefact, values)
    return gates if attended is None else gates + attended, values, price_terms(artefact, sent, p_item)


def scores(artefact: Artefact, sent: Messages, items: Int64[np.ndarray, "P"]) -> Float64[np.ndarray, "P"]:
    """Return the scores of these items."""
    values = channel_values(artefact, sent, items)
    if artefact.config.fusion == "concat":
        return _concat(artefact, sent, values, gate_terms(artefact, sent, items)[1])
    found = gating(artefact, sent, items).of(values)
    attended = semantic(artefact, values)
    return found if attended is None else found + (attended * values).sum(axis=0)


@dataclass(frozen=True, slots=True)
class Gating:
    """The part of the scores of P items in which a channel's gate depends on purchase power and price alone."""

    weight: Float64[np.ndarray, "3 C"]
    """Constants of the user, and how much each of both inputs adds to them."""
    p_item: Float64[np.ndarray, "2 P"]
    price: Float64[np.ndarray, "P"]
    """The sum of the price terms."""

    def of(self, values: Float64[np.ndarray, "C N"], begin: int = 0) -> Float64[np.ndarray, "N"]:
        """Return it for N items from `begin` on, of which these are the channels."""
        # (constant + slopes @ p_item) * values, summed over channels, without a gate per channel and item.
        weighed, here = self.weight @ values, slice(begin, begin + values.shape[1])
        return weighed[0] + (self.p_item[:, here] * weighed[1:]).sum(axis=0) + self.price[here]


def gating(artefact: Artefact, sent: Messages, items: Int64[np.ndarray, "P"]) -> Gating:
    """Return what is the same for all channels of these items."""
    constant, p_item, slopes = gate_terms(artefact, sent, items)
    fit_weight, *price_weights = (artefact.weights["fusion.price"] * PRIOR_UNIT).astype(np.float64)
    # All but one of `PRICE_TERMS` are the price times something of the user.
    power = float(np.array(price_weights) @ sent.p_user)
    return Gating(np.column_stack((constant, slopes)).T, p_item, np.array([power, fit_weight]) @ p_item)


def _concat(
    artefact: Artefact,
    sent: Messages,
    values: Float64[np.ndarray, "C P"],
    p_item: Float64[np.ndarray, "2 P"],
) -> Float64[np.ndarray, "P"]:
    weights = artefact.weights
    p_user = np.broadcast_to(sent.p_user[:, None], (len(sent.p_user), values.shape[1]))
    p = np.concatenate([p_user, p_item])
    p[1:] *= SLOPE_UNIT
    inputs = np.concatenate([values, p])
    hidden = np.maximum(weights["fusion.lift.weight"] @ inputs + weights["fusion.lift.bias"][:, None], 0)
    return (weights["fusion.head.weight"] @ hidden)[0] + weights["fusion.gates"][:, 0] @ values
