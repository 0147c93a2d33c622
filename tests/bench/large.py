"""A shop of any size, drawn: shelves, brands and what is bought together, few favourites and a long tail of each."""

from dataclasses import asdict, replace

import numpy as np

from gnn import channels, weights
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.features import DAY_US
from gnn.history import Scheme, fold
from gnn.item_edges import ItemEdges
from gnn.manifest import FORMAT, Manifest
from gnn.ranking import History
from gnn.state import ITEM_FEATURES, USER_NAMES, State

NEIGHBOURS = 30
_EVENTS = 300
_NOW = 400 * DAY_US
_SCHEME = Scheme(
    event_types=("purchase",),
    target=0,
    type_weights=(1.0,),
    contexts=(),
    half_lives_days=(120.0, 60.0, 30.0),
    head_half_lives_days=(float("inf"), 120.0, 30.0, 60.0),
    clock=_NOW,
    timed=True,
    traits=(),
)


def shop(I: int, seed: int = 0) -> Artefact:  # noqa: E741 - the axis of items
    """Return a model of a shop of `I` items, all of them candidates."""
    rng = np.random.default_rng(seed)
    shelves = max(I // 300, 10)
    leaf = np.sort(rng.integers(0, shelves, I)).astype(np.int32)
    popularity = rng.pareto(1.2, I) + 0.1
    brand = rng.integers(0, max(I // 200, 5), I).astype(np.int32)
    levels = np.stack([leaf % 20, leaf % max(shelves // 10, 1), leaf]).astype(np.int32)
    line = (leaf.astype(np.int64) * 7 + brand % 7).astype(np.int32)
    x_item = rng.standard_normal((I, len(ITEM_FEATURES))).astype(np.float32)
    wanted = np.log(popularity)
    x_item[:, 0] = x_item[:, 1] = np.clip((wanted - wanted.mean()) / wanted.std(), -5, 5)
    none = np.zeros(0, np.float32)
    state = State(
        candidates=np.arange(I),
        position=np.arange(I, dtype=np.int32),
        x_item=x_item,
        item_mean=np.zeros(len(ITEM_FEATURES)),
        item_scale=np.ones(len(ITEM_FEATURES)),
        price=rng.uniform(1, 50, I),
        price_level=rng.uniform(0, 1, I),
        node=levels,
        node_share=np.stack([_share(level, popularity) for level in levels]),
        brand=brand,
        brand_share=_share(brand, popularity),
        line=line,
        line_share=_share(line, popularity),
        ease=_edges(rng, leaf, popularity),
        cosine=_edges(rng, leaf, popularity),
        walk=_edges(rng, leaf, popularity),
        walk_mass=popularity.astype(np.float32),
        edge_mean=np.zeros(len(_SCHEME.edge_names)),
        edge_scale=np.ones(len(_SCHEME.edge_names)),
        user_mean=np.zeros(len(USER_NAMES)),
        user_scale=np.ones(len(USER_NAMES)),
        channel_scale=none,
        seen_mean=none,
        seen_scale=none,
    )
    few = [history(state, rng) for _ in range(4)]
    edges = fold(
        _SCHEME,
        user=np.repeat(np.arange(len(few)), _EVENTS),
        now=_NOW,
        **{
            name: np.concatenate([getattr(one, name) for one in few])
            for name in ("item", "type", "at", "quantity", "value", "context")
        },
    )
    state = replace(state, **channels.units(state, edges))
    config = Config()
    drawn = weights.initial(config, _SCHEME, state)
    for name, size in (("semantic.head.weight", 0.02), ("fusion.gates", 0.05)):
        drawn[name] = drawn[name] + rng.standard_normal(drawn[name].shape).astype(np.float32) * size
    manifest = Manifest(FORMAT, "large", "", "", "", _NOW, config.as_dict(), asdict(_SCHEME), seed, True, True, "")
    names = tuple(map(str, range(I)))
    parents = np.full(shelves, -1, np.int32)
    return Artefact(
        manifest,
        names,
        tuple(f"c{n}" for n in range(shelves)),
        tuple(f"b{n}" for n in range(int(brand.max()) + 1)),
        parents,
        leaf,
        config,
        _SCHEME,
        state,
        drawn,
    )


def history(state: State, rng: np.random.Generator) -> History:
    """Return what somebody bought who shops on a dozen shelves."""
    leaf = state.node[2]
    mine = np.flatnonzero(np.isin(leaf, rng.choice(int(leaf.max()) + 1, 12)))
    chance = state.walk_mass[mine].astype(np.float64)
    item = rng.choice(mine, _EVENTS, p=chance / chance.sum()).astype(np.int32)
    unknown = np.full(_EVENTS, np.nan)
    return History(
        item=item,
        type=np.zeros(_EVENTS, np.int16),
        at=rng.integers(0, _NOW, _EVENTS),
        quantity=np.ones(_EVENTS),
        amount=state.price[item],
        value=unknown,
        context=np.full(_EVENTS, -1, np.int16),
        bought=np.ones(_EVENTS, np.bool_),
    )


def _share(node: np.ndarray, popularity: np.ndarray) -> np.ndarray:
    whole = np.bincount(node, popularity)
    return np.sqrt(popularity / whole[node]).astype(np.float32)


def _edges(rng: np.random.Generator, leaf: np.ndarray, popularity: np.ndarray) -> ItemEdges:
    """Lead each item to others of its shelf (two of three) and to the most popular of all."""
    I, K = len(leaf), NEIGHBOURS  # noqa: E741
    first, last = np.searchsorted(leaf, leaf), np.searchsorted(leaf, leaf, side="right")
    inside = first[:, None] + (rng.random((I, K), np.float32) * (last - first)[:, None]).astype(np.int64)
    best = np.argsort(-popularity)[: max(I // 100, K)]
    anywhere = best[rng.integers(0, len(best), (I, K))]
    target = np.sort(np.where(rng.random((I, K), np.float32) < 0.67, inside, anywhere), axis=1).astype(np.int32)
    weight = rng.exponential(0.05, (I, K)).astype(np.float32)
    return ItemEdges(np.arange(I + 1, dtype=np.int64) * K, target.ravel(), weight.ravel())
