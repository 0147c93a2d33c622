"""What several tests of the network's room need."""

import numpy as np

from gnn.ranking import History
from graph.snapshot import Snapshot


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
