"""The model with the items that came after it, for lists of everybody: the same ones as the API takes in."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gnn.artefact import Artefact
    from graph.client import Client


def taken_in(artefact: "Artefact", client: "Client") -> "Artefact":
    """Return the model with the newest items of the graph that it does not know."""
    from api.newcomers import READ, SPAN_MS, join, trained_ms, unknown
    from gnn.newcomers import MOST
    from graph import newcomers

    found = newcomers.newest_of(client, since=trained_ms(artefact) - SPAN_MS, limit=READ)
    return join(artefact, unknown(artefact, found)[-MOST:])
