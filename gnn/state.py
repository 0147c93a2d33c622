"""The item side of the graph at a moment: everything that a score needs besides the user's own events and the weights.

Built from a snapshot for every cut that is learned from and once more for serving; the artefact keeps the last one.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int64

from gnn import features
from gnn.compact import CompactEdges, Rows
from gnn.config import Config
from gnn.history import Edges, Scheme
from gnn.item_edges import ItemEdges

LEVELS = 4
"""Levels of the category tree that carry messages, from the root; deeper trees keep their root, and the lowest ones."""

PRIORS = ("popularity", "popularity_recent", "trend", "newness", "promoted_now", "promoted_ever", "promoted_next")
"""What an item brings with it, whoever looks: channels whose weight depends on the user."""

PROMOTIONS = np.array([name.startswith("promoted") for name in PRIORS])
"""Which of the priors tell of promotions; the others tell of popularity."""

ITEM_FEATURES = (*PRIORS, "rebought", "price_level", "priced", "shelf_popularity")
"""Node features of items, in this order; the first ones are the priors."""

MATRICES = ("ease", "cosine", "walk")
"""Item-item edges: regression weights, likeness of the buyers, and what the buyers bought lately."""


@dataclass(frozen=True, slots=True)
class State:
    """Arrays per item (I), candidate (P) and category level (L), standardised as the network sees them."""

    candidates: Int64[np.ndarray, "P"]
    """Rows of the items that lists are made of, ascending."""
    position: Int[np.ndarray, "I"]
    """Where an item stands among the candidates; -1 when it is none."""
    x_item: Float[np.ndarray, "I Fi"]
    """`ITEM_FEATURES`, standardised over the candidates."""
    item_mean: Float64[np.ndarray, "Fi"]
    item_scale: Float64[np.ndarray, "Fi"]
    """One over the standard deviation; 0 for features that never differ, nan where an old artefact does not say."""
    price: Float64[np.ndarray, "I"]
    price_level: Float64[np.ndarray, "I"]
    node: Int[np.ndarray, "L I"]
    """The item's category at each level; -1 for none."""
    node_share: Float[np.ndarray, "L I"]
    """Square root of the item's recent share in that category."""
    brand: Int[np.ndarray, "I"]
    brand_share: Float[np.ndarray, "I"]
    line: Int[np.ndarray, "I"]
    """The item's product line: what its brand makes within its category; -1 where it lacks one of the two."""
    line_share: Float[np.ndarray, "I"]
    ease: ItemEdges | CompactEdges
    cosine: ItemEdges | CompactEdges
    walk: ItemEdges | CompactEdges
    walk_mass: Float32[np.ndarray, "I"]
    """In proportion to this a walk starts at the items of a history; 0 for items that are no candidates."""
    edge_mean: Float64[np.ndarray, "F"]
    edge_scale: Float64[np.ndarray, "F"]
    """One over the standard deviation; 0 for features that never differ."""
    user_mean: Float64[np.ndarray, "Fu"]
    user_scale: Float64[np.ndarray, "Fu"]
    channel_scale: Float32[np.ndarray, "C"]
    """Unit of each channel (`gnn.channels.Units`); 0 for one that is silent."""
    seen_mean: Float32[np.ndarray, "C"]
    seen_scale: Float32[np.ndarray, "C"]
    """Of squashed channels, as semantic attention sees them: mean, and one over the standard deviation."""

    @property
    def matrices(self) -> tuple[ItemEdges, ...]:
        """The item-item graphs in the order of `MATRICES`, those of a compressed model written out."""
        return tuple(
            edges if isinstance(edges, ItemEdges) else edges.unpacked(self.position)
            for edges in (self.ease, self.cosine, self.walk)
        )

    def served(self) -> tuple[Rows, ...]:
        """Return the item-item graphs as matrices, items x candidates, of which a history takes its rows."""
        return tuple(
            edges.matrix(len(self.candidates)) if isinstance(edges, ItemEdges) else edges.served(self.position)
            for edges in (self.ease, self.cosine, self.walk)
        )

    @property
    def groups(self) -> tuple[tuple[Int[np.ndarray, "I"], Float[np.ndarray, "I"]], ...]:
        """Each item's node, and its share in it, for every kind of node that joins items: levels, brand, line."""
        return (
            *zip(self.node, self.node_share, strict=True),
            (self.brand, self.brand_share),
            (self.line, self.line_share),
        )


USER_NAMES = ("size", "days", "recency", "repeats", "attention", "spend", "basket", "level", "discount")
"""Node features of users, before their traits."""


def user_names(scheme: Scheme) -> tuple[str, ...]:
    """Return the names of a user's node features, Fu of them."""
    names = list(USER_NAMES)
    for trait in scheme.traits:
        names += [f"{trait.name}={level}" for level in trait.levels] if trait.kind == "categorical" else [trait.name]
    return tuple(names)


def user_columns(
    scheme: Scheme,
    edges: Edges,
    U: int,
    power: features.PurchasePower,
    traits: Float64[np.ndarray, "U T"],
    config: Config,
) -> Float64[np.ndarray, "U Fu"]:
    """Return the users' node features, nan where unknown, from their history edges, purchase power and trait codes."""
    distinct = np.bincount(edges.user, minlength=U).astype(np.float64)
    days = np.bincount(edges.user, edges.days, minlength=U)
    recency = np.full(U, np.inf)
    np.minimum.at(recency, edges.user, edges.features[:, scheme.edge_names.index("age")])
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [
            np.log1p(distinct),
            np.log1p(days),
            np.where(distinct > 0, recency, np.nan),
            np.bincount(edges.user, edges.days > 1, minlength=U) / distinct,
            np.bincount(edges.user, edges.days == 0, minlength=U) / distinct,
            np.log1p(power.spend_per_week),
            np.log1p(np.maximum(power.basket_value, 0.0)),
            power.price_level,
            power.discount_share,
        ]
    for t, trait in enumerate(scheme.traits):
        code = traits[:, t]
        if trait.kind == "categorical":
            columns += [
                np.where(np.isfinite(code), (code == k).astype(np.float64), np.nan) for k in range(len(trait.levels))
            ]
        else:
            columns.append(code / max(len(trait.levels) - 1, 1) if trait.kind == "ordinal" else code)
    table = np.stack(columns, axis=1)
    if not config.purchase_power:
        poor = ("spend", "basket", "level", "discount", "income")
        table[:, [k for k, name in enumerate(user_names(scheme)) if name in poor]] = np.nan
    return table


def standardise(
    values: Float[np.ndarray, "*N F"], mean: Float[np.ndarray, "F"], scale: Float[np.ndarray, "F"]
) -> Float[np.ndarray, "*N F"]:
    """Return z-scores within five deviations; what is unknown lies in the middle."""
    return np.nan_to_num(np.clip((values - mean) * scale, -5.0, 5.0), nan=0.0)


def state_arrays(state: State) -> dict[str, np.ndarray]:
    """Return name -> array of everything in the state; item-item graphs as `name.part`."""
    arrays: dict[str, np.ndarray] = {}
    for field in fields(state):
        value = getattr(state, field.name)
        if isinstance(value, ItemEdges | CompactEdges):
            arrays |= {f"{field.name}.{part.name}": getattr(value, part.name) for part in fields(value)}
        else:
            arrays[field.name] = value
    return arrays
