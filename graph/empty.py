"""Takes everything of Attune out of the graph, so that a shop can begin anew; what others keep beside it stays."""

from collections.abc import Callable
from typing import LiteralString

from graph import schema
from graph.client import Client
from graph.write_events import KINDS

_REMOVE_RELATIONSHIPS: LiteralString = "MATCH (:User)-[r:KIND]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 20000 ROWS"
_REMOVE_NODES: LiteralString = "MATCH (n:LABEL) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 1000 ROWS"
_OF_USERS: tuple[LiteralString, ...] = (*KINDS, "RECOMMENDED", "ATTENDS", "DISPUTES")
_LABELS: tuple[LiteralString, ...] = ("User", "Item", "Category", "Brand", "Model", "Attune")

STEPS = len(_OF_USERS) + len(_LABELS)
"""How often `empty` calls `done`."""


def empty(client: Client, done: Callable[[str], None]) -> None:
    """Remove users, items, categories, brands, events, what models wrote, and the declarations of attributes.

    In batches, so that memory is bounded: what was interrupted goes on when it is called again. `done` is told each
    relationship type and label that is gone. Constraints and indexes stay.
    """
    for kind in _OF_USERS:
        client.in_batches(_REMOVE_RELATIONSHIPS.replace("KIND", kind))
        done(kind)
    for label in _LABELS:
        client.in_batches(_REMOVE_NODES.replace("LABEL", label))
        done(label)
    schema.migrate(client)
