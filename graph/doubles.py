"""Events that look like others of the graph: the same deed at a shifted hour, or with another amount."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, LiteralString

from graph.client import Client
from graph.write_events import KINDS, EventRow, row_of

# Time zones are whole quarters of an hour, up to 14 hours, from UTC: a shop's day, or a week, later is another deed.
_LOOK: LiteralString = """
UNWIND $rows AS row
MATCH (u:User {id: row[0]})-[r:KIND]->(i:Item {id: row[1]})
WHERE coalesce(r.type, '') = coalesce(row[9], '')
WITH row, collect(r) AS there
WITH any(r IN there WHERE r.event_id = row[2]) AS known,
     any(r IN there WHERE abs(r.at - row[3]) <= 50400000000 AND (r.at - row[3]) % 900000000 = 0) AS alike
RETURN count(CASE WHEN known THEN 1 END) AS known, count(CASE WHEN alike AND NOT known THEN 1 END) AS alike
"""
_LOOKS: Mapping[str, LiteralString] = MappingProxyType({kind: _LOOK.replace("KIND", kind) for kind in KINDS})


@dataclass(frozen=True, slots=True)
class Doubles:
    """What the graph has of some events."""

    new: int
    """Of which it has no event with their id."""
    alike: int
    """Of those: of which it has one of the same user, item and type, at the same minute of an hour up to 14 away."""


def look(client: Client, events: Iterable[Mapping[str, Any]]) -> Doubles:
    """Compare events, as `graph.write.events` takes them, with the graph; nothing is written."""
    rows: defaultdict[LiteralString, list[EventRow]] = defaultdict(list)
    for event in events:
        kind, row = row_of(event)
        rows[kind].append(row)
    found = [client.read(_LOOKS[kind], rows=batch)[0] for kind, batch in rows.items()]
    known = sum(int(row["known"]) for row in found)
    return Doubles(sum(map(len, rows.values())) - known, sum(int(row["alike"]) for row in found))
