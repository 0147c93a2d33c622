"""A source into the graph: stage, encode, write; each phase goes on where an earlier run of it was cut off.

After Ctrl-C, kill -9 or the death of Neo4j, the same call on the same data ends in the same graph.
"""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from graph import doubles, schema, server, write
from graph.census import census
from graph.client import Client, Settings
from graph.schema import EVENT_RELATIONSHIPS, EVENT_TYPES
from loaders import bulk, encode, online, report, stage, staging
from loaders.declarations import Declarations
from loaders.errors import WrongMode, nearest
from loaders.progress import Progress, Silent
from loaders.records import EVENTS, Source
from loaders.report import Report
from loaders.stage import Stage

BULK_FROM = 50_000
"""Events from which the offline import, with its restart of the server, is worth its 20 seconds."""

SAMPLE = 200
"""Events by which a graph is recognised as holding a load."""


def load(
    source: Source,
    *,
    home: Path,
    client_settings: Settings,
    online: bool | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Bring a source into the graph and say what became of every row.

    `online` True writes through the running database, False imports offline (which only an empty local graph allows,
    else `WrongMode`), None chooses. An offline import restarts the server: read `graph.client.settings` anew after it.
    `strict` stops at the first bad row (`StrictRejection`) before anything is written. Raises the errors of
    `loaders.errors` and `graph.errors`; the same call later goes on where this one stopped.
    """
    shown = progress or Silent()
    with stage.opened(home, source) as staged:
        with Client(client_settings) as client:
            # Before minutes are spent on reading: does the graph answer, and is it one of ours?
            schema.migrate(client)
            loaded = staged.manifest.done and _is_loaded(staged, client)
        if loaded:
            return _report(staged, source.declarations, already=True)
        if staged.manifest.done:
            staged.restart()
            _forget(staged)
        with _timed(staged, "stage"):
            if strict and any(part.rejected for table in staged.manifest.tables.values() for part in table.parts):
                # An earlier run set bad rows aside; this one is to stop at the first of them.
                staged.restart()
            staging.run(source, staged, strict=strict, progress=shown)
        if not staged.manifest.encoded:
            with _timed(staged, "encode"):
                shown.phase("encode")
                _encode(staged, source.declarations)
        with _timed(staged, "write"):
            _write(staged, home, client_settings, _declared(staged, source.declarations), online, shown)
        with _timed(staged, "finish"):
            staged.clear()
        staged.manifest.done = True
        staged.save()
        made = _report(staged, source.declarations)
        stage.write_atomically(staged.folder / "report.json", stage.as_json(made.to_json()))
        return made


def _encode(staged: Stage, declarations: Declarations) -> None:
    found = encode.run(staged, declarations)
    nodes = {name: staged.read(f"nodes-{name}").height for name in ("users", "items", "categories", "brands")}
    staged.manifest.found = {
        "attributes": [asdict(row) for row in found.attributes],
        "nodes": nodes
        | {
            "promotions": staged.read("promotions").height,
            "users_from_events": found.users_from_events,
            "items_from_events": found.items_from_events,
        },
    }
    _note(staged, declarations)
    _sample(staged).write_parquet(staged.folder / stage.SAMPLE)
    staged.manifest.encoded = True
    staged.save()


def _note(staged: Stage, declarations: Declarations) -> None:
    notes = staged.manifest.notes
    events = staged.scan("events")
    if events is not None:
        counts = events.group_by("type").len().sort("type").collect(engine="streaming").rows()
        for name, rows in counts:
            if name not in EVENT_TYPES and name not in declarations.types.values():
                hint = nearest(name, [*EVENT_RELATIONSHIPS, *declarations.types])
                notes[f"events have the shop's own type {name!r}. {hint}".strip()] = rows
        first = events.select(pl.col("at").min()).collect(engine="streaming").item()
        late = events.filter(pl.col("at") > int((time.time() + _A_DAY_S) * 1e6)).select(pl.len(), pl.col("at").max())
        rows, last = late.collect(engine="streaming").row(0)
        if rows:
            day = datetime.fromtimestamp(last / 1e6, UTC).date()
            notes[
                f"events lie in the future, the latest on {day}: models take the last events for the present. "
                "Correct them and load anew"
            ] = rows
        if first is not None and 0 < first < _1980_US:
            notes["the first event is before 1980: is its column `at` really a time?"] = 0
    currencies = staged.read("nodes-items")["currency"].drop_nulls().unique().sort().to_list()
    if len(currencies) > 1:
        notes[f"prices are in several currencies and are compared as they are: {', '.join(currencies)}"] = 0


def _note_attributes(
    staged: Stage, before: Mapping[str, Mapping[str, object]], declared: Mapping[str, Mapping[str, object]]
) -> None:
    """Note what the graph now takes an attribute of all its users for: a file without declarations has it guessed."""
    for name, was in before.items():
        staged.manifest.notes[
            f"attribute {name!r} was {_told(was)} in the graph and is {_told(declared[name])} now, of all users: if "
            f"this is not meant, say so under [attributes] in source.toml and load again"
        ] = 0
    staged.save()


def _told(declaration: Mapping[str, object]) -> str:
    order = declaration.get("order")
    return (
        f"{declaration['kind']} ({', '.join(map(str, order))})" if isinstance(order, list) else str(declaration["kind"])
    )


def _note_doubles(staged: Stage, client: Client) -> None:
    """Note that events would count twice: without ids of their own, corrected ones are others to the graph."""
    if staged.manifest.fresh or online.read_journal(staged).events:
        return
    found = doubles.look(client, pl.read_parquet(staged.folder / stage.SAMPLE).rows(named=True))
    if found.alike * 2 > found.new:
        staged.manifest.notes[
            f"of {found.new} new events looked at, {found.alike} are in the graph already with another hour or "
            "other values: if these are corrections, they count twice now. To begin anew: attune empty, then load what "
            "is right"
        ] = 0
        staged.save()


_A_DAY_S = 86_400
_1980_US = 315_532_800_000_000


def _sample(staged: Stage) -> pl.DataFrame:
    """Return some events, the first and the last of them included, by which the load is recognised in a graph."""
    parts = [part for part in staged.table("events").parts if part.rows]
    total = sum(part.rows for part in parts)
    step = max(1, total // SAMPLE)
    frames: list[pl.DataFrame] = [pl.DataFrame(schema=EVENTS)]
    for part in parts:
        events = staged.read(part.name).select(EVENTS.names())
        frames.append(events.gather_every(step))
    if parts:
        frames.append(staged.read(parts[-1].name).select(EVENTS.names()).tail(1))
    return pl.concat(frames)


def _write(
    staged: Stage,
    home: Path,
    settings: Settings,
    declared: dict[str, dict[str, object]],
    wanted: bool | None,
    progress: Progress,
) -> None:
    with Client(settings) as client:
        way = _way(staged, home, client, wanted)
        staged.save()
    if way == "bulk":
        settings = bulk.run(staged, home, lambda text: progress.phase(text))
    with Client(settings) as client:
        # What another load wrote since is not what this one says of users and items, whatever became of the latter.
        write.keep_load(client, "")
        before = write.attributes(client, declared)
        _note_attributes(staged, before, declared)
        if way == "online":
            _note_doubles(staged, client)
            online.run(staged, client, progress)
        write.keep_load(client, staged.manifest.load_id)
        counted = census(client)
    staged.manifest.counts = {"users": counted.users, "items": counted.items, "events": counted.total_events}
    staged.save()


def _way(staged: Stage, home: Path, client: Client, wanted: bool | None) -> str:
    """Return what is to be done: `bulk`, `online`, or `nothing` when an import was cut off after its last step."""
    manifest = staged.manifest
    counted = census(client)
    empty = counted.users == counted.items == counted.total_events == 0
    if manifest.mode == "bulk" and not empty and _is_imported(staged, client):
        return "nothing"
    journal = online.read_journal(staged)
    if journal.steps and (empty or (journal.events and not online.holds(client, _head(staged)))):
        # Somebody emptied the graph since the last run.
        online.forget_journal(staged)
        journal = online.read_journal(staged)
    if not journal.steps:
        manifest.fresh = empty
    events = sum(part.rows for part in staged.table("events").parts)
    local = server.status(home)
    possible = empty and local.running and local.bolt == client.settings.uri
    if wanted is False and not possible:
        why = "holds data already" if not empty else "is not the local server of this home"
        raise WrongMode(f"an offline import is not possible: the graph {why}.", remedy="Load online.")
    manifest.mode = "bulk" if possible and (wanted is False or (wanted is None and events >= BULK_FROM)) else "online"
    return manifest.mode


def _head(staged: Stage) -> list[dict[str, object]]:
    first = next(part for part in staged.table("events").parts if part.rows)
    return staged.read(first.name).select(EVENTS.names()).head(10).rows(named=True)


def _is_imported(staged: Stage, client: Client) -> bool:
    counted = census(client)
    nodes = staged.manifest.found["nodes"]
    events = sum(part.rows for part in staged.table("events").parts)
    whole = (counted.users, counted.items, counted.total_events) == (nodes["users"], nodes["items"], events)
    return whole and _has_sample(staged, client)


def _is_loaded(staged: Stage, client: Client) -> bool:
    if write.last_load(client) not in (staged.manifest.load_id, None):
        # Another load has corrected users and items since: this one is asked for to correct them back.
        return False
    counted = census(client)
    now = {"users": counted.users, "items": counted.items, "events": counted.total_events}
    return all(now[name] >= count for name, count in staged.manifest.counts.items()) and _has_sample(staged, client)


def _has_sample(staged: Stage, client: Client) -> bool:
    sample = staged.folder / stage.SAMPLE
    return sample.is_file() and online.holds(client, pl.read_parquet(sample).rows(named=True))


def _declared(staged: Stage, declarations: Declarations) -> dict[str, dict[str, object]]:
    """Return what the graph keeps about the attributes that were not ignored."""
    kept: dict[str, dict[str, object]] = {}
    for row in staged.manifest.found["attributes"]:
        if row["kind"] != "ignore":
            order = declarations.attributes[row["name"]].order if row["kind"] == "ordinal" else ()
            kept[row["name"]] = {"kind": row["kind"], "order": list(order)} if order else {"kind": row["kind"]}
    return kept


def _report(staged: Stage, declarations: Declarations, *, already: bool = False) -> Report:
    conflicts = online.read_journal(staged).conflicts
    return report.make(staged, declarations, conflicts, already=already)


def _forget(staged: Stage) -> None:
    online.forget_journal(staged)
    for name in ("report.json", stage.SAMPLE):
        (staged.folder / name).unlink(missing_ok=True)
    staged.quarantine.unlink(missing_ok=True)


@contextmanager
def _timed(staged: Stage, phase: str) -> Generator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        seconds = staged.manifest.seconds
        seconds[phase] = seconds.get(phase, 0.0) + time.monotonic() - started
