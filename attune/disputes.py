"""What users dispute, from the graph in the model's words; and the share of it in the reasons that they are told."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from attune.home import home, models

if TYPE_CHECKING:
    from gnn.artefact import Artefact
    from gnn.evaluation.disputed import Disputed
    from gnn.paths import Dispute
    from graph.client import Client
    from graph.explore import UserRow

ITEMS = 5
"""First items of each list whose reasons are looked at."""


def everybody(client: "Client") -> "dict[str, frozenset[Dispute]]":
    """Return the ways that are disputed, by the id of the user; users who dispute nothing are left out."""
    from api.shoppers import disputed
    from graph import disputes

    return {user: disputed(rows) for user, rows in disputes.everybody(client).items()}


def read() -> "dict[str, frozenset[Dispute]]":
    """Return the same from a connection of its own."""
    from graph.client import Client, settings

    with Client(settings(home())) as client:
        return everybody(client)


def share(client: "Client", of_users: int) -> dict[str, object] | None:
    """Return what share of the reasons that the served model tells is disputed by those who are told them.

    Of the newest events of up to `graph.audience.MOST` users who dispute anything; None where nobody does, or no model
    is served. Raises the errors of `graph.client` and `gnn.errors`.
    """
    from gnn.registry import Registry
    from graph import audience

    disputes = everybody(client)
    registry = Registry(models())
    if not disputes or registry.current() is None:
        return None
    rows = asyncio.run(_rows(sorted(disputes)[: audience.MOST]))
    found = _counted(registry.load(), rows, of_users)
    if found is None:
        return None
    return {
        "users": found.users,
        "ofUsers": found.of_users,
        "disputes": found.disputes,
        "byKind": found.by_kind,
        "reasonsTold": found.told,
        "reasonsDisputed": found.disputed,
        "share": round(found.share, 4),
    }


async def _rows(users: list[str]) -> "list[UserRow]":
    from graph import audience
    from graph.client import AsyncClient, settings

    async with AsyncClient(settings(home())) as client:
        return await audience.users(client, users)


def _counted(artefact: "Artefact", rows: "list[UserRow]", of_users: int) -> "Disputed | None":
    from api.shoppers import Shopper, disputed, present_us
    from gnn.evaluation.disputed import Doubter, count

    now = present_us()
    doubters = (
        Doubter(
            ways=disputed(row.disputes),
            history=Shopper(replace(row, disputes=()), now).history(artefact),
            attributes=Shopper(row, now).attributes,
        )
        for row in rows
    )
    return count(artefact, doubters, now=now, of_users=of_users, items=ITEMS)
