"""Items that came after the training, taken in as candidates: what nobody can know of them is that of others.

How many have bought one and buy it lately, its trend, and how often it is bought again are taken to be as they are in
the middle of all candidates, the median: the same for every newcomer. Peers would tell worse: they are items that sold,
and in a category of bestsellers most of what is new is none (docs/model.md has the figures).

Peers are the `PEERS` candidates of the same category whose price levels are nearest to the newcomer's (all of them,
where one has no price); where the category holds fewer than `FEWEST`, those of its parent, at last of the whole shop.
Its promotions are as in the middle of them, and its share in each of its nodes (categories, brand, line) is what demand
in the middle of them is of the whole there, all newcomers counted. What is known is said: price and price level (its
rank among the prices of its category, as in training); and it is as new as the newest that the model has met. Nobody
has bought it together with anything: no item-item edge leads to it or from it.

Numpy alone, and nothing is learned: a training takes such items over like any other.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int32, Int64

from gnn import explain, features, levels
from gnn import reach as reaches
from gnn.artefact import Artefact
from gnn.compact import CompactEdges
from gnn.item_edges import ItemEdges
from gnn.state import ITEM_FEATURES, State, standardise
from graph.schema import CATEGORY_SEPARATOR

MOST = 500
"""Newcomers that a model takes in, the newest ones."""
PEERS = 20
FEWEST = 5

_POPULARITY = [
    ITEM_FEATURES.index(name) for name in ("popularity", "popularity_recent", "trend", "rebought", "shelf_popularity")
]
"""Features that follow from how many buy an item."""
_RECENT = ITEM_FEATURES.index("popularity_recent")
_NEWNESS = ITEM_FEATURES.index("newness")
_LEVEL, _PRICED = ITEM_FEATURES.index("price_level"), ITEM_FEATURES.index("priced")
_EMBEDDING = "attention.self.item.weight"
# As in training: demand of nothing is not quite nothing.
_LEAST = 0.1


@dataclass(frozen=True, slots=True)
class NewItem:
    """What is known of an item that the model has not met."""

    id: str
    category: str | None = None
    """Full path; the model need not know it."""
    brand: str | None = None
    price: float | None = None
    available: bool = True


def digest(items: Sequence[NewItem]) -> str:
    """Return what tells these items, and what is known of them, from others."""
    return hashlib.blake2b(repr(items).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def join(artefact: Artefact, items: Sequence[NewItem]) -> Artefact:
    """Return the artefact with these items as its last ones, the newest last; the given one stays.

    What it knows is passed over. An artefact of before units were kept (`State.item_scale`) takes in none.
    """
    base = artefact.base or artefact
    found = {item.id: item for item in items if item.id not in base.item_index}
    new = list(found.values())[-MOST:]
    if not new or not np.isfinite(base.state.item_scale).all():
        return base
    tree = _Tree.of(base, new)
    shop = _Peers(base, tree)
    level = np.array([shop.level(int(c), item.price) for c, item in zip(tree.category, new, strict=True)])
    peers = [shop.of(int(c), float(at)) for c, at in zip(tree.category, level, strict=True)]
    like_peers = np.stack([shop.middle(rows) for rows in peers])
    x_item = _features(base, shop, level, like_peers)
    grown = replace(
        base,
        base=base,
        joined=digest(new),
        item_ids=(*base.item_ids, *(item.id for item in new)),
        category_ids=tree.category_ids,
        brand_ids=tree.brand_ids,
        category_parent=tree.parent,
        item_category=np.concatenate([base.item_category, tree.category]),
        state=_state(base, tree, new, level, x_item, _recent(base.state, like_peers)),
        weights=_weights(base, len(new)),
    )
    known = base.item_index
    grown.__dict__["item_index"] = {**known, **{item.id: len(known) + n for n, item in enumerate(new)}}
    grown.__dict__["channel_rate"] = base.channel_rate
    if len(base.state.candidates) > reaches.FEW:
        places = np.arange(len(base.state.candidates), len(grown.state.candidates))
        grown.__dict__["reach"] = replace(base.reach, wanted=np.concatenate([base.reach.wanted, places]))
    return grown


def similar(artefact: Artefact, item: int, k: int) -> tuple[Int64[np.ndarray, "K"], Float64[np.ndarray, "K"]]:
    """Return the candidates that go with an item best, and how much, the strongest first: `explain.similar`.

    For a newcomer, which nobody has bought with anything, its peers under the same root category, and how near they are
    in price level, 0-1.
    """
    if artefact.base is None or artefact.item_ids[item] not in artefact.newcomers:
        return explain.similar(artefact, item, k)
    category = artefact.item_category[[item]]
    brand = np.full(1, -1, np.int32)  # peers are of any
    tree = _Tree(artefact.category_ids, artefact.brand_ids, artefact.category_parent, category, brand)
    shop = _Peers(artefact.base, tree)
    level = float(artefact.state.price_level[item])
    found = shop.beside(int(tree.category[0]), shop.of(int(tree.category[0]), level))
    near = np.maximum(np.nan_to_num(1.0 - np.abs(artefact.base.state.price_level[found] - level), nan=0.5), 0.01)
    order = np.lexsort((found, -near))[: max(k, 0)]
    return found[order], near[order]


@dataclass(frozen=True, slots=True)
class _Tree:
    """Categories and brands with those that newcomers bring, and where the n newcomers stand in them."""

    category_ids: tuple[str, ...]
    brand_ids: tuple[str, ...]
    parent: Int[np.ndarray, "C"]
    category: Int[np.ndarray, "n"]
    brand: Int[np.ndarray, "n"]

    @staticmethod
    def of(base: Artefact, new: Sequence[NewItem]) -> "_Tree":
        categories, parents = dict(base.category_index), list(np.asarray(base.category_parent))
        brands = {name: row for row, name in enumerate(base.brand_ids)}

        def category(path: str | None) -> int:
            if not path:
                return -1
            if path not in categories:
                names, above = path.split(CATEGORY_SEPARATOR), -1
                for depth in range(1, len(names) + 1):
                    step = CATEGORY_SEPARATOR.join(names[:depth])
                    if step not in categories:
                        categories[step] = len(parents)
                        parents.append(above)
                    above = categories[step]
            return categories[path]

        def brand(name: str | None) -> int:
            return brands.setdefault(name, len(brands)) if name and base.config.brands else -1

        found = [category(item.category) for item in new]
        made_by = [brand(item.brand) for item in new]
        return _Tree(
            tuple(categories),
            tuple(brands),
            np.array(parents, np.int32),
            np.array(found, np.int32),
            np.array(made_by, np.int32),
        )


class _Peers:
    """The shop that newcomers are compared with; what a category holds is looked up once."""

    def __init__(self, base: Artefact, tree: _Tree) -> None:
        self._state, self._parent = base.state, tree.parent
        self._depth = levels.depths(tree.parent)
        at = range(int(self._depth.max(initial=-1)) + 1)
        self._node = levels.nodes(tree.parent, self._depth, at, np.asarray(base.item_category))
        self._candidate = base.state.position >= 0
        self._priced = np.isfinite(base.state.price)
        self._levels = base.config.purchase_power
        self._prices: dict[int, np.ndarray] = {}
        self._members: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._middles: dict[bytes, np.ndarray] = {}

    def level(self, category: int, price: float | None) -> float:
        """Return the price level that training would find, 0-1; nan without a price, or for a model without levels."""
        if price is None or not np.isfinite(price) or price < 0 or not self._levels:
            return np.nan
        if category not in self._prices:
            rows = self._inside(category, self._priced, features.SMALLEST_SHELF - 1)
            self._prices[category] = np.sort(self._state.price[rows])
        prices = self._prices[category]
        below, upto = np.searchsorted(prices, price), np.searchsorted(prices, price, side="right")
        return float((below + (upto - below + 1) / 2) / (len(prices) + 1))

    def of(self, category: int, level: float) -> Int64[np.ndarray, "K"]:
        """Return the rows of the peers, ascending; none in a shop without candidates."""
        if category not in self._members:
            rows = self._inside(category, self._candidate, FEWEST)
            there = rows[np.isfinite(self._state.price_level[rows])]
            self._members[category] = rows, there[np.argsort(self._state.price_level[there], kind="stable")]
        rows, ordered = self._members[category]
        if not np.isfinite(level) or len(ordered) < FEWEST:
            return rows
        place = int(np.searchsorted(self._state.price_level[ordered], level))
        around = ordered[max(place - PEERS, 0) : place + PEERS]
        away = np.abs(self._state.price_level[around] - level)
        return np.sort(around[np.lexsort((around, away))[:PEERS]])

    def beside(self, category: int, rows: Int64[np.ndarray, "K"]) -> Int64[np.ndarray, "L"]:
        """Return those of these items that stand under the same root as a category; none for no category."""
        if category < 0:
            return rows[:0]
        while self._parent[category] >= 0:
            category = int(self._parent[category])
        return rows[self._node[0, rows] == category]

    def middle(self, rows: Int64[np.ndarray, "K"]) -> Float64[np.ndarray, "Fi"]:
        """Return the median of the features of these items; the middle of the shop where there are none."""
        key = rows.tobytes()
        if key not in self._middles:
            x = self._state.x_item[rows].astype(np.float64)
            self._middles[key] = np.median(x, axis=0) if len(rows) else np.zeros(x.shape[1])
        return self._middles[key]

    def _inside(self, category: int, of: np.ndarray, fewest: int) -> Int64[np.ndarray, "K"]:
        """Return the items in a category or below it, or in the nearest one above it that holds enough of them."""
        while category >= 0:
            rows = np.flatnonzero(of & (self._node[self._depth[category]] == category))
            if len(rows) >= fewest:
                return rows
            category = int(self._parent[category])
        return np.flatnonzero(of)


def _features(
    base: Artefact, shop: _Peers, level: Float64[np.ndarray, "n"], like_peers: Float64[np.ndarray, "n Fi"]
) -> Float32[np.ndarray, "n Fi"]:
    state = base.state
    x = like_peers.copy()
    x[:, _POPULARITY] = shop.middle(state.candidates)[_POPULARITY]
    x[:, _NEWNESS] = state.x_item[state.candidates, _NEWNESS].max(initial=0.0) if len(state.candidates) else 0.0
    if base.config.purchase_power:
        known = np.stack([level, np.isfinite(level).astype(np.float64)], axis=1)
        both = [_LEVEL, _PRICED]
        x[:, both] = standardise(known, state.item_mean[both], state.item_scale[both])
    return x.astype(np.float32)


def _recent(state: State, x_item: Float[np.ndarray, "N Fi"]) -> Float64[np.ndarray, "N"]:
    """Return the recent demand behind the features, and the least that counts."""
    scale = float(state.item_scale[_RECENT])
    x = x_item[:, _RECENT].astype(np.float64)
    raw = (x / scale if scale else 0.0 * x) + float(state.item_mean[_RECENT])
    return np.expm1(np.maximum(raw, 0.0)) + _LEAST


def _shares(
    node: Int[np.ndarray, "I"],
    share: Float[np.ndarray, "I"],
    recent: Float64[np.ndarray, "I"],
    least_last: Int64[np.ndarray, "I"],
    new_node: Int[np.ndarray, "n"],
    new_recent: Float64[np.ndarray, "n"],
) -> Float32[np.ndarray, "n"]:
    """Return the square root of each newcomer's share of the demand in its node, that of all newcomers counted.

    `least_last`: the known items, those least in demand at the end.
    """
    nodes = int(max(node.max(initial=-1), new_node.max(initial=-1))) + 1
    there = new_node >= 0
    whole = np.bincount(new_node[there], new_recent[there], minlength=nodes).astype(np.float64)
    # A known share says what the whole is. The item least in demand tells it best: features end at five deviations.
    order = least_last[(node[least_last] >= 0) & (share[least_last] > 0)]
    least = np.full(nodes, -1, np.int64)
    least[node[order]] = order
    known = least >= 0
    whole[known] += recent[least[known]] / share[least[known]].astype(np.float64) ** 2
    found = np.zeros(len(new_node), np.float32)
    found[there] = np.sqrt(new_recent[there] / whole[new_node[there]])
    return found


def _lines(base: Artefact, tree: _Tree) -> Int32[np.ndarray, "n"]:
    """Return each newcomer's product line: a known one where its brand makes something within its own category."""
    if not (base.config.brands and base.config.categories):
        return np.full(len(tree.category), -1, np.int32)
    state, B = base.state, len(tree.brand_ids)
    there = np.flatnonzero(state.line >= 0)
    pair = np.asarray(base.item_category)[there].astype(np.int64) * B + state.brand[there]
    pairs, first = np.unique(pair, return_index=True)
    known: Mapping[int, int] = dict(zip(pairs.tolist(), state.line[there[first]].tolist(), strict=True))
    lines = dict(known)
    following = int(state.line.max(initial=-1)) + 1
    found = np.full(len(tree.category), -1, np.int32)
    for n, (category, brand) in enumerate(zip(tree.category.tolist(), tree.brand.tolist(), strict=True)):
        if category >= 0 and brand >= 0:
            found[n] = lines.setdefault(category * B + brand, following + len(lines) - len(known))
    return found


def _state(
    base: Artefact,
    tree: _Tree,
    new: Sequence[NewItem],
    level: Float64[np.ndarray, "n"],
    x_item: Float32[np.ndarray, "n Fi"],
    mine: Float64[np.ndarray, "n"],
) -> State:
    """Return the state with newcomers; `mine`: the recent demand that their shares follow from."""
    state, n = base.state, len(new)
    recent = _recent(state, state.x_item)
    order = np.argsort(-recent, kind="stable")
    at = levels.carrying(levels.depths(np.asarray(base.category_parent)))[: len(state.node)]
    node = levels.nodes(tree.parent, levels.depths(tree.parent), at, tree.category)
    line = _lines(base, tree)
    node_share = [
        _shares(old, share, recent, order, now, mine)
        for old, share, now in zip(state.node, state.node_share, node, strict=True)
    ]
    listed = np.array([item.available for item in new], np.bool_)
    position = np.full(n, -1, np.int32)
    position[listed] = len(state.candidates) + np.arange(int(listed.sum()), dtype=np.int32)
    price = np.array([np.nan if item.price is None or item.price < 0 else item.price for item in new], np.float64)
    return replace(
        state,
        candidates=np.concatenate([state.candidates, len(state.position) + np.flatnonzero(listed)]),
        position=np.concatenate([state.position, position]),
        x_item=np.concatenate([state.x_item, x_item]),
        price=np.concatenate([state.price, price]),
        price_level=np.concatenate([state.price_level, level]),
        node=np.concatenate([state.node, node], axis=1),
        node_share=np.concatenate(
            [state.node_share, np.stack(node_share) if node_share else np.zeros((0, n), np.float32)], axis=1
        ),
        brand=np.concatenate([state.brand, tree.brand]),
        brand_share=np.concatenate(
            [state.brand_share, _shares(state.brand, state.brand_share, recent, order, tree.brand, mine)]
        ),
        line=np.concatenate([state.line, line]),
        line_share=np.concatenate([state.line_share, _shares(state.line, state.line_share, recent, order, line, mine)]),
        ease=_with_room(state.ease, position),
        cosine=_with_room(state.cosine, position),
        walk=_with_room(state.walk, position),
        walk_mass=np.concatenate([state.walk_mass, np.zeros(n, np.float32)]),
    )


def _with_room(edges: ItemEdges | CompactEdges, position: Int[np.ndarray, "n"]) -> ItemEdges | CompactEdges:
    """Return the same edges with empty rows for newcomers; targets and weights are shared."""
    compact = isinstance(edges, CompactEdges)  # it has rows for candidates alone
    rows = int((position >= 0).sum()) if compact else len(position)
    indptr = np.concatenate([edges.indptr, np.full(rows, edges.indptr[-1], edges.indptr.dtype)])
    if isinstance(edges, CompactEdges):
        return replace(edges, indptr=indptr, unit=np.concatenate([edges.unit, np.zeros(rows, np.float32)]))
    return replace(edges, indptr=indptr)


def _weights(base: Artefact, n: int) -> dict[str, np.ndarray]:
    """Return the weights; nothing is learned of newcomers themselves, so their own vectors are nought."""
    if _EMBEDDING not in base.weights:
        return base.weights
    known = base.weights[_EMBEDDING]
    return {**base.weights, _EMBEDDING: np.concatenate([known, np.zeros((n, known.shape[1]), known.dtype)])}
