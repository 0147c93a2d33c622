"""A servable model without any training: EASE, own history and popularity on the shop's graph as it is now.

It is what a shop gets that has too little data to learn from, and where training starts. A baseline in the network's
place (`Config.model`) is made the same way: the network's channels, weighed once and for all.
"""

from dataclasses import replace

from gnn import artefact, history, weights
from gnn.artefact import Artefact
from gnn.config import NETWORK, Config
from gnn.moment import make
from gnn.split import standing_now
from graph.snapshot import Snapshot


def build(snapshot: Snapshot, config: Config | None = None) -> Artefact:
    """Return a model with first weights on this snapshot; it works for a shop without a single event."""
    config = as_built(Config() if config is None else config)
    scheme = history.scheme_of(snapshot, config)
    moment = make(standing_now(snapshot, config), config, scheme)
    first = weights.initial(config, moment.scheme, moment.state)
    return artefact.build(snapshot, config, moment.scheme, moment.state, first, trained=config.model != NETWORK)


def as_built(config: Config) -> Config:
    """Return the settings that a model has: a baseline in the network's place attends to nothing and bends nothing."""
    if config.model == NETWORK:
        return config
    return replace(
        config, attention="uniform", fusion="sum", semantic_width=0, heads=max(config.heads, 2), own_history=True
    )
