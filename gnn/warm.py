"""A start from an earlier model: its weights carried over to a newer snapshot of the same shop.

Channels are told in units of their moment, so weights found at one moment mean the same at the next.
"""

from dataclasses import replace

import numpy as np

from gnn import weights
from gnn.artefact import Artefact
from gnn.config import NETWORK, Config
from gnn.errors import CannotCarryOver
from gnn.history import Scheme
from gnn.moment import category_levels
from gnn.state import State
from gnn.weights import Weights
from graph.snapshot import Snapshot

# What decides which weights there are and what they stand for.
_SHAPING = (
    *("model", "attention", "fusion", "semantic_width", "heads", "width"),
    *("own_history", "item_edges", "categories", "brands", "purchase_power", "time"),
)


def scheme_for(earlier: Artefact, scheme: Scheme) -> Scheme:
    """Return how the newer snapshot is read so that the earlier weights fit: with the contexts that they know.

    `scheme` is what the snapshot itself gives. Raises `CannotCarryOver` when the two do not read alike.
    """
    known = earlier.scheme
    for name, ours, theirs in (
        ("event types", scheme.event_types, known.event_types),
        ("the predicted type", scheme.target, known.target),
        ("the users' attributes", scheme.traits, known.traits),
        ("whether events differ in time", scheme.timed, known.timed),
    ):
        if ours != theirs:
            raise CannotCarryOver(f"model {earlier.version} is of another kind of graph: {name} changed")
    return replace(scheme, contexts=known.contexts)


def check_settings(earlier: Artefact, config: Config) -> None:
    """Raise `CannotCarryOver` when the earlier model is built otherwise than this config says."""
    for name in _SHAPING:
        ours, theirs = getattr(config, name), getattr(earlier.config, name)
        if ours != theirs:
            raise CannotCarryOver(f"model {earlier.version} was trained with {name}={theirs}, not {ours}")


def check_tree(earlier: Artefact, snapshot: Snapshot, config: Config) -> None:
    """Raise `CannotCarryOver` when the snapshot's category tree has other levels than the one that the weights know."""
    ours, theirs = len(category_levels(snapshot)) if config.categories else 0, len(earlier.state.node)
    if ours != theirs:
        raise CannotCarryOver(
            f"model {earlier.version} is of another category tree: it had {theirs} levels, the graph has {ours} now"
        )


def weights_for(earlier: Artefact, snapshot: Snapshot, config: Config, scheme: Scheme, state: State) -> Weights:
    """Return the earlier model's weights for a newer state of the graph; items that it never saw start anew.

    Raises `CannotCarryOver` when the category tree has another depth.
    """
    found = weights.initial(config, scheme, state)
    if config.model != NETWORK:
        return found  # a baseline is made anew: its gates stand in units of the moment
    own = np.array([earlier.item_index.get(name, -1) for name in snapshot.item_ids], np.int64)
    for name, fresh in found.items():
        value = earlier.weights[name]
        if name == "attention.self.item.weight":
            fresh[own >= 0] = value[own[own >= 0]]
        elif value.shape == fresh.shape:
            found[name] = value.copy()
        else:
            raise CannotCarryOver(f"model {earlier.version} is of another category tree: {name} has another shape")
    return found
