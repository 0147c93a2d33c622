"""Stage -> graph through the driver: batch by batch, with a journal, into any Neo4j and any graph."""

import asyncio
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from graph import explore, write
from graph.client import AsyncClient, Client
from graph.errors import GraphError
from graph.schema import ATTRIBUTE_PREFIX
from loaders.progress import Progress
from loaders.records import EVENTS, ITEMS
from loaders.stage import Stage, write_atomically

BATCH = 10_000
"""Rows between two entries of the journal."""


class Journal(BaseModel):
    """How far the writing has come; events are counted in staged order."""

    steps: list[str] = []
    """Kinds of nodes that are written."""
    events: int = 0
    conflicts: int = 0
    promotions: int = 0


def read_journal(stage: Stage) -> Journal:
    """Return how far an earlier run came."""
    path = stage.folder / "journal.json"
    return Journal.model_validate_json(path.read_bytes()) if path.is_file() else Journal()


def forget_journal(stage: Stage) -> None:
    """Begin from the first row: the graph is not the one that the journal is about."""
    (stage.folder / "journal.json").unlink(missing_ok=True)


def run(stage: Stage, client: Client, progress: Progress) -> Journal:
    """Write what the journal does not hold yet. Raises the errors of `graph`; a later run goes on from there."""
    journal = read_journal(stage)
    for name in ("categories", "brands", "items", "users"):
        if name not in journal.steps:
            _nodes(stage, client, name, progress)
            journal.steps.append(name)
            _save(stage, journal)
    promotions = stage.read("promotions")
    if promotions.height > journal.promotions:
        progress.phase("write promotions", promotions.height)
        # Sorted by item: an item's periods lie together, and its node is read and written about once.
        for batch in promotions[journal.promotions :].iter_slices(5 * BATCH):
            write.promotions(client, batch.rows(named=True))
            journal.promotions += batch.height
            _save(stage, journal)
            progress.advance(batch.height)
    progress.phase("write events", sum(part.rows for part in stage.table("events").parts))
    progress.advance(journal.events)
    for batch in _events(stage, journal.events):
        counts = write.events(client, batch)
        if counts.missing:
            raise GraphError(
                f"{counts.missing} events have lost their user or item in the graph while they were loaded.",
                "Something else removed them; load again.",
            )
        journal.events += len(batch)
        journal.conflicts += counts.conflicts
        _save(stage, journal)
        progress.advance(len(batch))
    return journal


def _nodes(stage: Stage, client: Client, name: str, progress: Progress) -> None:
    """Write all nodes of one kind; without keys of their own, since the graph may hold others already."""
    frame = stage.read(f"nodes-{name}")
    progress.phase(f"write {name}", frame.height)
    if name == "categories":
        # At once: the function writes the ancestors of what it is given, and would draw their keys out of order.
        write.categories(client, frame.select("id").rows(named=True))
        progress.advance(frame.height)
        return
    for batch in frame.drop("key", strict=False).iter_slices(BATCH):
        rows = batch.rows(named=True)
        if name == "brands":
            write.brands(client, rows)
        elif name == "items":
            write.items(client, _titled(stage, client, rows))
        else:
            write.users(client, _user_rows(rows))
        progress.advance(batch.height)


def holds(client: Client, rows: list[dict[str, Any]]) -> bool:
    """Return whether the graph has these events; those that it lacks are written where it has their user and item."""
    counts = write.events(client, rows)
    return counts.created == 0 and counts.missing == 0


def _events(stage: Stage, skip: int) -> Iterator[list[dict[str, Any]]]:
    for part in stage.table("events").parts:
        if skip >= part.rows:
            skip -= part.rows
            continue
        events = stage.read(part.name).select(EVENTS.names())[skip:]
        skip = 0
        for batch in events.iter_slices(BATCH):
            yield batch.rows(named=True)


def _user_rows(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name if name == "id" else f"{ATTRIBUTE_PREFIX}{name}": value for name, value in row.items()} for row in batch
    ]


def _titled(stage: Stage, client: Client, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items with their id as the title where they have none, in this batch or in the graph.

    An item that only events name must not lose the title that an earlier load gave it.
    """
    untitled = [row["id"] for row in batch if row["title"] is None]
    known = set[str]() if stage.manifest.fresh or not untitled else asyncio.run(_known_items(client, untitled))
    names = ("id", *(name for name in ITEMS.names() if name != "item_id"))
    return [
        {
            name: row["id"] if name == "title" and row[name] is None and row["id"] not in known else row[name]
            for name in names
        }
        for row in batch
    ]


async def _known_items(client: Client, ids: list[str]) -> set[str]:
    async with AsyncClient(client.settings) as reader:
        return set(await explore.items(reader, ids))


def _save(stage: Stage, journal: Journal) -> None:
    write_atomically(stage.folder / "journal.json", journal.model_dump_json().encode())
