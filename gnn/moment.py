"""A moment of the graph with all that is derived from its snapshot: where one cut of training, or serving, starts."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from gnn import channels, features, item_edges, levels
from gnn.config import Config
from gnn.history import Edges, Scheme, fold_snapshot
from gnn.item_edges import ItemEdges
from gnn.state import ITEM_FEATURES, MATRICES, USER_NAMES, State, standardise, user_columns
from graph.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot with all that is derived from it: what one cut of training, or serving, starts from."""

    scheme: Scheme
    snapshot: Snapshot
    edges: Edges
    x_user: Float64[np.ndarray, "U Fu"]
    """Standardised node features of the users."""
    level: Float64[np.ndarray, "U"]
    """The users' mean price level; nan when unknown."""
    state: State


def make(snapshot: Snapshot, config: Config, scheme: Scheme) -> Moment:
    """Derive the item side, the history edges and the users' features of a snapshot; its own end becomes the clock."""
    scheme = replace(scheme, clock=min(scheme.clock, snapshot.at))
    I = len(snapshot.item_ids)  # noqa: E741
    U = len(snapshot.user_ids)
    edges = fold_snapshot(scheme, snapshot)
    bought = edges.days > 0 if (edges.days > 0).any() else np.ones(len(edges), np.bool_)
    buyers = np.bincount(edges.item[bought], minlength=I)
    candidate = choose_candidates(snapshot, buyers, config)
    candidates = np.flatnonzero(candidate)
    position = np.full(I, -1, np.int32)
    position[candidates] = np.arange(len(candidates), dtype=np.int32)

    price, level = features.price_levels(snapshot)
    node = category_levels(snapshot)
    recent = np.bincount(edges.item, edges.days_decayed[:, 1], minlength=I)
    recent = recent if recent.any() else np.bincount(edges.item, minlength=I).astype(np.float64)
    columns = _item_columns(snapshot, scheme, edges, buyers, recent, node, level, config)
    item_mean, item_scale = _moments(columns[candidate] if candidate.any() else columns)
    x_item = _standardise_items(columns, item_mean, item_scale, config)
    brand = snapshot.item_brand
    line = product_lines(snapshot) if config.brands and config.categories else np.full(I, -1, np.int32)
    power = features.spending(
        U,
        user=snapshot.events.user,
        item=snapshot.events.item,
        sign=money_sign(scheme)[snapshot.events.type],
        at=snapshot.events.at,
        quantity=snapshot.events.quantity,
        amount=snapshot.events.amount,
        basket=np.full(len(snapshot.events), -1, np.int64),  # a request knows no baskets
        price=price,
        price_level=level,
        now=scheme.clock,
    )
    traits = (
        np.stack([snapshot.attributes[trait.name].values.astype(np.float64) for trait in scheme.traits], axis=1)
        if scheme.traits
        else np.zeros((U, 0))
    )
    raw = user_columns(scheme, edges, U, power, traits, config)
    seen = np.bincount(edges.user, minlength=U) > 0
    user_mean, user_scale = _moments(raw[seen])
    edge_mean, edge_scale = _moments(edges.features)
    state = State(
        candidates=candidates,
        position=position,
        x_item=x_item,
        item_mean=item_mean,
        item_scale=item_scale,
        price=price,
        price_level=level if config.purchase_power else np.full(I, np.nan),
        node=node if config.categories else node[:0],
        node_share=(
            _shares(node, recent, len(snapshot.category_ids)) if config.categories else np.zeros((0, I), np.float32)
        ),
        brand=brand if config.brands else np.full(I, -1, np.int32),
        brand_share=_shares(brand[None], recent, len(snapshot.brand_ids))[0],
        line=line,
        line_share=_shares(line[None], recent, int(line.max(initial=-1)) + 1)[0],
        **_item_item(edges, position, U, config),
        edge_mean=edge_mean,
        edge_scale=edge_scale,
        user_mean=user_mean,
        user_scale=user_scale,
        channel_scale=np.zeros(0, np.float32),
        seen_mean=np.zeros(0, np.float32),
        seen_scale=np.zeros(0, np.float32),
    )
    state = replace(state, **channels.units(state, edges))
    return Moment(
        scheme=scheme,
        snapshot=snapshot,
        edges=edges,
        x_user=standardise(raw, user_mean, user_scale),
        level=raw[:, USER_NAMES.index("level")],
        state=state,
    )


def money_sign(scheme: Scheme) -> Float64[np.ndarray, "K"]:
    """Return what an event of each type does to what a user spent."""
    return features.money_sign(scheme.event_types)


def choose_candidates(snapshot: Snapshot, buyers: Int64[np.ndarray, "I"], config: Config) -> Bool[np.ndarray, "I"]:
    """Return which items may be recommended: available, and met by enough users.

    A small shop cannot ask for 20 buyers: one per hundred users is enough there, none below a hundred users.
    """
    least = config.min_buyers or min(20, len(snapshot.user_ids) // 100)
    return snapshot.item_available & (buyers >= least)


def category_levels(snapshot: Snapshot) -> Int32[np.ndarray, "L I"]:
    """Return each item's category at up to `LEVELS` levels of the tree; -1 where its branch is shorter."""
    parent = snapshot.category_parent
    depth = levels.depths(parent)
    return levels.nodes(parent, depth, levels.carrying(depth), snapshot.item_category)


def product_lines(snapshot: Snapshot) -> Int32[np.ndarray, "I"]:
    """Return which product line each item belongs to, its brand within its own category; -1 where it lacks one."""
    category, brand = snapshot.item_category.astype(np.int64), snapshot.item_brand.astype(np.int64)
    line = np.full(len(category), -1, np.int32)
    there = (category >= 0) & (brand >= 0)
    line[there] = np.unique(category[there] * len(snapshot.brand_ids) + brand[there], return_inverse=True)[1]
    return line


def _moments(values: Float64[np.ndarray, "N F"]) -> tuple[Float64[np.ndarray, "F"], Float64[np.ndarray, "F"]]:
    known = np.isfinite(values)
    n = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=0) / n
    spread = np.sqrt(np.where(known, (filled - mean) ** 2, 0.0).sum(axis=0) / n)
    return mean, np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0.0)


def _item_columns(
    snapshot: Snapshot,
    scheme: Scheme,
    edges: Edges,
    buyers: Int64[np.ndarray, "I"],
    recent: Float64[np.ndarray, "I"],
    node: Int32[np.ndarray, "L I"],
    level: Float64[np.ndarray, "I"],
    config: Config,
) -> Float64[np.ndarray, "I Fi"]:
    I = len(buyers)  # noqa: E741
    long = np.bincount(edges.item, edges.days_decayed[:, 0], minlength=I)
    short = np.bincount(edges.item, edges.days_decayed[:, 2], minlength=I)
    again = np.bincount(edges.item, edges.days > 1, minlength=I)
    # Long-lived counts gather four times what short-lived ones do when demand is steady.
    trend = np.log((4 * short + 5) / (long + 5)) if scheme.timed else np.zeros(I)
    events = snapshot.events
    oldest = np.full(I, scheme.clock, np.int64)
    np.minimum.at(oldest, events.item, np.minimum(events.at, scheme.clock))
    since_days = (scheme.clock - oldest) / features.DAY_US
    newness = np.exp2(-since_days / scheme.half_lives_days[1]) if scheme.timed else np.zeros(I)
    promotions = snapshot.promotions
    if len(promotions) and scheme.timed:
        began = np.maximum(scheme.clock - promotions.at, 0) / features.DAY_US
        weight = promotions.share.astype(np.float64)
        now = np.bincount(promotions.item, weight * np.exp2(-began / scheme.half_lives_days[2]), minlength=I)
        ever = np.bincount(promotions.item, weight, minlength=I)
    else:
        now = ever = np.zeros(I)
    leaf = np.full(I, -1, np.int64)
    for at_level in node:
        leaf = np.where(at_level >= 0, at_level, leaf)
    on_shelf = np.bincount(leaf[leaf >= 0], recent[leaf >= 0], minlength=len(snapshot.category_ids))
    shelf = np.where(leaf >= 0, np.log1p(on_shelf[np.maximum(leaf, 0)]) if len(on_shelf) else 0.0, np.nan)
    announced = snapshot.announced if config.announced else None
    soon = np.zeros(I) if announced is None else np.bincount(announced.item, announced.share, minlength=I)
    columns = {
        "popularity": np.log1p(buyers),
        "popularity_recent": np.log1p(recent),
        "trend": trend,
        "newness": newness,
        "promoted_now": np.log1p(now),
        "promoted_ever": np.log1p(ever),
        "promoted_next": np.log1p(soon),
        "rebought": (again + 1) / (buyers + 5),
        "price_level": level,
        "priced": np.isfinite(level).astype(np.float64),
        "shelf_popularity": shelf,
    }
    return np.stack([columns[name] for name in ITEM_FEATURES], axis=1)


def _standardise_items(
    columns: Float64[np.ndarray, "I Fi"],
    mean: Float64[np.ndarray, "Fi"],
    scale: Float64[np.ndarray, "Fi"],
    config: Config,
) -> Float32[np.ndarray, "I Fi"]:
    scaled = standardise(columns, mean, scale)
    if not config.purchase_power:
        scaled[:, [ITEM_FEATURES.index("price_level"), ITEM_FEATURES.index("priced")]] = 0.0
    if not config.time:
        scaled[:, [ITEM_FEATURES.index("trend"), ITEM_FEATURES.index("newness")]] = 0.0
    return scaled.astype(np.float32)


def _shares(node: Int32[np.ndarray, "L I"], recent: Float64[np.ndarray, "I"], nodes: int) -> Float32[np.ndarray, "L I"]:
    share = np.zeros(node.shape, np.float32)
    for row, at_level in enumerate(node):
        there = at_level >= 0
        if there.any():
            whole = np.bincount(at_level[there], recent[there] + 0.1, minlength=nodes)
            share[row, there] = np.sqrt((recent[there] + 0.1) / whole[at_level[there]])
    return share


def _item_item(
    edges: Edges,
    position: Int32[np.ndarray, "I"],
    U: int,
    config: Config,
) -> dict[str, Any]:
    I, P = len(position), int((position >= 0).sum())  # noqa: E741
    known = position[edges.item] >= 0
    if not config.item_edges or not known.any():
        return {**{name: item_edges.none(I) for name in MATRICES}, "walk_mass": np.zeros(I, np.float32)}
    rows, columns = edges.user[known], position[edges.item[known]]

    def table(weight: Float64[np.ndarray, "N"]) -> sp.csr_matrix:
        return sp.csr_matrix((weight[known], (rows, columns)), shape=(U, P))

    counts = table(edges.base[:, 0])
    counts = counts[np.diff(counts.indptr) > 0]
    strength = min(config.ease_lambda, config.ease_lambda * counts.shape[0] / 1000)
    ease = item_edges.ease(counts, replace(config, ease_lambda=max(strength, 1e-3)))
    counts.data = np.ones_like(counts.data)
    cosine = item_edges.cosine(counts, config.neighbours)
    lately = np.log1p(edges.days_decayed[:, 1]) if edges.days_decayed.any() else edges.base[:, 0]
    long = edges.base[:, min(1, edges.base.shape[1] - 1)]
    walk, mass = item_edges.walks(table(long), table(lately), config.neighbours)
    walk_mass = np.zeros(I, np.float32)
    walk_mass[position >= 0] = mass
    found = {"ease": cosine if ease is None else ease, "cosine": cosine, "walk": walk}
    return {**{name: _spread(found[name], position, I) for name in MATRICES}, "walk_mass": walk_mass}


def _spread(matrix: sp.csr_matrix, position: Int32[np.ndarray, "I"], I: int) -> ItemEdges:  # noqa: E741
    counts = np.zeros(I, np.int64)
    counts[position >= 0] = np.diff(matrix.indptr)
    return ItemEdges(
        indptr=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        target=np.ascontiguousarray(matrix.indices, np.int32),
        weight=np.ascontiguousarray(matrix.data, np.float32),
    )
