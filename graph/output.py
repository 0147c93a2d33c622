"""Writes what a model found into the graph, so that it can be explored there: whole or not at all.

A new version's relationships are written beside the old one's; one small transaction then makes it the current one, and
only after that the old ones go. Whoever reads asks for the current model's (`docs/explore.md`), so a crash anywhere
leaves the last whole version in view, and the next write cleans up.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, LiteralString, TypeVar

from graph.client import Client

BATCH = 10_000

_CURRENT: LiteralString = "MATCH (m:Model {current: true}) RETURN m.version AS version"

_SWITCH: LiteralString = """
MERGE (new:Model {version: $version})
SET new += $metrics, new.current = true, new.written_at = datetime()
WITH new
OPTIONAL MATCH (old:Model {current: true}) WHERE old <> new
SET old.current = false
"""

# Sorted by item (the second end), for the reason that graph.write_events gives. MERGE: a batch whose commit was not
# answered is written again.
_RECOMMENDED: LiteralString = """
UNWIND $rows AS row
MATCH (u:User {id: row.user_id}) MATCH (i:Item {id: row.item_id})
MERGE (u)-[r:RECOMMENDED {model: $version}]->(i)
SET r.rank = row.rank, r.score = row.score
RETURN count(*) AS found
"""
_SIMILAR: LiteralString = """
UNWIND $rows AS row
MATCH (a:Item {id: row.item_id}) MATCH (b:Item {id: row.similar_id})
MERGE (a)-[r:SIMILAR {model: $version}]->(b)
SET r.weight = row.weight
RETURN count(*) AS found
"""
_ATTENDS: LiteralString = """
UNWIND $rows AS row
MATCH (u:User {id: row.user_id}) MATCH (i:Item {id: row.item_id})
MERGE (u)-[r:ATTENDS {model: $version}]->(i)
SET r.weight = row.weight
RETURN count(*) AS found
"""

_CLEAN: tuple[LiteralString, ...] = (
    "MATCH ()-[r:RECOMMENDED]->() WHERE r.model <> $version CALL (r) { DELETE r } IN TRANSACTIONS OF 10000 ROWS",
    "MATCH ()-[r:SIMILAR]->() WHERE r.model <> $version CALL (r) { DELETE r } IN TRANSACTIONS OF 10000 ROWS",
    "MATCH ()-[r:ATTENDS]->() WHERE r.model <> $version CALL (r) { DELETE r } IN TRANSACTIONS OF 10000 ROWS",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutputCounts:
    """Relationships written; 0 each when the version was in the graph already."""

    recommended: int
    similar: int
    attends: int


def model_output(
    client: Client,
    version: str,
    metrics: Mapping[str, Any],
    recommended: Iterable[Mapping[str, Any]],
    similar: Iterable[Mapping[str, Any]],
    attends: Iterable[Mapping[str, Any]],
    *,
    phase: Callable[[str], None] | None = None,
) -> OutputCounts:
    """Write a model's output and make it the current one; a version that is current already is left as it is.

    `phase` is told what begins beside the rows, which tell of themselves.

    Rows: `recommended` {user_id, item_id, rank (1 best), score}, `similar` {item_id, similar_id, weight}, `attends`
    {user_id, item_id, weight}; rows whose ends are not in the graph are left out of the counts. `metrics` become
    properties of the (:Model {version}); what is neither number, string nor boolean is written as JSON.
    """
    rows = client.read(_CURRENT)
    current = str(rows[0]["version"]) if rows else ""
    if phase:
        phase("Removing what an interrupted run wrote")
    clean(client, current)
    if current == version:
        return OutputCounts(0, 0, 0)
    counts = OutputCounts(
        recommended=_write(client, _RECOMMENDED, recommended, "item_id", version),
        similar=_write(client, _SIMILAR, similar, "similar_id", version),
        attends=_write(client, _ATTENDS, attends, "item_id", version),
    )
    client.write(_SWITCH, version=version, metrics={name: _property(value) for name, value in metrics.items()})
    if phase:
        phase("Removing what the model before wrote")
    clean(client, version)
    return counts


def batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut rows into lists of at most `size`."""
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch


def clean(client: Client, version: str) -> None:
    """Remove the output of every version but this one."""
    for statement in _CLEAN:
        client.in_batches(statement, version=version)


def _write(client: Client, statement: LiteralString, rows: Iterable[Mapping[str, Any]], last: str, version: str) -> int:
    found = 0
    for batch in batches(rows, BATCH):
        ordered = sorted(({**row} for row in batch), key=lambda row: row[last])
        found += int(client.write(statement, rows=ordered, version=version)[0]["found"])
    return found


def _property(value: object) -> bool | int | float | str:
    if isinstance(value, bool | int | float | str):
        return value
    return json.dumps(value, sort_keys=True, default=str)
