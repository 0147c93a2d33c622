"""Reasons that users do not want used: written and taken back at request time, read with the user (`graph.explore`)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, LiteralString

from graph.client import AsyncClient, Client
from graph.explore import DisputeRow

# `events_at` tells who read the user before that something of it is another (`graph.explore.user`).
_WRITE: LiteralString = """
MATCH (u:User {id: $user}) MATCH (n:LABEL {id: $id})
OPTIONAL MATCH (u)-[old:DISPUTES {kind: $kind, within: $within}]->(n)
WITH u, n, count(old) AS before
MERGE (u)-[r:DISPUTES {kind: $kind, within: $within}]->(n) ON CREATE SET r.at = $at, u.events_at = timestamp()
RETURN before = 0 AS created
"""
_REMOVE: LiteralString = """
MATCH (u:User {id: $user})-[r:DISPUTES {kind: $kind, within: $within}]->(n:LABEL {id: $id})
DELETE r SET u.events_at = timestamp()
RETURN count(*) AS removed
"""
_LABELS: tuple[LiteralString, ...] = ("Item", "Category", "Brand")
_WRITES: Mapping[str, LiteralString] = MappingProxyType({name: _WRITE.replace("LABEL", name) for name in _LABELS})
_REMOVES: Mapping[str, LiteralString] = MappingProxyType({name: _REMOVE.replace("LABEL", name) for name in _LABELS})

_ALL: LiteralString = """
MATCH (u:User)-[d:DISPUTES]->(n)
RETURN u.id AS user, collect([d.kind, labels(n)[0], n.id, d.within, d.at]) AS disputes
"""


async def write(client: AsyncClient, user: str, row: DisputeRow) -> bool | None:
    """Write what a user disputes; return whether it is new, None where the user or the node is not in the graph.

    Written twice it is there once. Raises `ValueError` for another label than Item, Category and Brand.
    """
    found = await client.write(_statement(_WRITES, row), about_users=(user,), **_of(user, row), at=row.at)
    return bool(found[0]["created"]) if found else None


async def remove(client: AsyncClient, user: str, row: DisputeRow) -> bool:
    """Take back what a user disputes; return whether it was there. Raises `ValueError` as `write` does."""
    return bool((await client.write(_statement(_REMOVES, row), about_users=(user,), **_of(user, row)))[0]["removed"])


def everybody(client: Client) -> dict[str, tuple[DisputeRow, ...]]:
    """Return what all users dispute, by user id; users who dispute nothing are left out."""
    return {row["user"]: tuple(DisputeRow(*one) for one in row["disputes"]) for row in client.read(_ALL)}


def _statement(of: Mapping[str, LiteralString], row: DisputeRow) -> LiteralString:
    if row.label not in of:
        raise ValueError(f"nobody disputes a {row.label}; known are {', '.join(of)}")
    return of[row.label]


def _of(user: str, row: DisputeRow) -> dict[str, Any]:
    return {"user": user, "id": row.id, "kind": row.kind, "within": row.within}
