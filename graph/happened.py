"""Single events of a user by their ids."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from graph.client import AsyncClient
from graph.explore import UserRow, user_row

_EVENTS: LiteralString = """
MATCH (u:User {id: $id})-[r:VIEWED|CLICKED|SEARCHED|CARTED|RATED|EXPOSED_TO|RECEIVED_COUPON|PURCHASED|RETURNED
  |INTERACTED]->(i:Item)
WHERE r.event_id IN $ids
WITH u, r, i ORDER BY r.at DESC, r.event_id
RETURN u.key AS key, {} AS properties, collect(r.event_id) AS ids, collect(i.id) AS item_ids,
  collect(coalesce(r.type, type(r))) AS types, collect(r.at) AS at,
  collect(coalesce(r.quantity, $nan)) AS quantity, collect(coalesce(r.amount, $nan)) AS amount,
  collect(coalesce(r.value, $nan)) AS value, collect(coalesce(r.context, '')) AS context,
  collect(coalesce(r.recorded_at, 0)) AS recorded
"""


@dataclass(frozen=True, slots=True)
class Happened:
    """Events of one user, newest first."""

    ids: list[str]
    """An id may come twice: it is unique within a type of events only."""
    row: UserRow
    """The user with these events alone."""


async def events(client: AsyncClient, user_id: str, ids: Sequence[str]) -> Happened | None:
    """Return the events with these ids that are this user's; None when none is."""
    rows = await client.read(_EVENTS, id=user_id, ids=list(ids), nan=math.nan)
    return Happened(rows[0]["ids"], user_row(user_id, rows[0])) if rows else None
