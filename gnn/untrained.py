"""A servable model without any training: EASE, own history and popularity on the shop's graph as it is now.

It is what a shop gets that has too little data to learn from, and where training starts.
"""

from gnn import artefact, history, weights
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.moment import make
from graph.snapshot import Snapshot


def build(snapshot: Snapshot, config: Config | None = None) -> Artefact:
    """Return a model with first weights on this snapshot; it works for a shop without a single event."""
    config = Config() if config is None else config
    scheme = history.scheme_of(snapshot, config)
    moment = make(snapshot, config, scheme)
    first = weights.initial(config, moment.scheme, moment.state)
    return artefact.build(snapshot, config, moment.scheme, moment.state, first, trained=False)
