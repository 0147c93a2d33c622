"""What several tests of the network's room need."""

import numpy as np

from gnn import untrained
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.ranking import History
from graph.snapshot import Snapshot

SMALL = Config(epochs=1, min_buyers=1)
"""Enough to train in a second."""


def history_of(snapshot: Snapshot, user: int) -> History:
    """Return a user's events as the API would give them to the ranking."""
    events = snapshot.events.take(snapshot.events.user == user)
    bought = np.array([name == "purchase" for name in snapshot.event_types], np.bool_)
    return History(
        item=events.item,
        type=events.type,
        at=events.at,
        quantity=events.quantity.astype(np.float64),
        amount=events.amount,
        value=events.value.astype(np.float64),
        context=events.context,
        bought=bought[events.type],
    )


def stirred(shop: Snapshot, config: Config | None = None) -> Artefact:
    """Return a model whose every weight speaks."""
    made = untrained.build(shop, config or Config(heads=2, width=4))
    rng = np.random.default_rng(3)
    for name, value in made.weights.items():
        made.weights[name] = value + rng.normal(0, 0.3, value.shape).astype(np.float32)
    return made
