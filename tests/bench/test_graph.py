"""Loading and reading Complete Journey's first households, each way in one run on the same machine."""

import time
from pathlib import Path

import pytest

from graph import schema, server, snapshot, write
from graph.client import Client
from loaders.complete_journey import CompleteJourney
from loaders.load import load
from loaders.report import Report
from tests.bench.report import show

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

HOUSEHOLDS = 300
ROW_PER_EDGE = """
MATCH (u:User)-[e:PURCHASED]->(i:Item)
RETURN u.id AS user, i.id AS item, e.at AS at, e.quantity AS quantity, e.amount AS amount, e.context AS context,
       e.basket_id AS basket
"""


class Clock:
    """Progress that remembers when each phase began."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, float]] = []

    def phase(self, name: str, total: int | None = None) -> None:
        self.phases.append((name, time.monotonic()))

    def advance(self, n: int) -> None:
        pass

    def seconds(self, start: str) -> float:
        """Return how long the phase took whose name starts so."""
        for (name, begun), (_, ended) in zip(self.phases, self.phases[1:], strict=False):
            if name.startswith(start):
                return ended - begun
        raise AssertionError((start, self.phases))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("bench")
    source = CompleteJourney(households=HOUSEHOLDS)
    settings = server.up(home, heap_mb=1024, report=print)
    try:
        clock = Clock()
        bulk = load(source, home=home, client_settings=settings, online=False, progress=clock)
        with Client(server.up(home, heap_mb=1024, report=print)) as client:
            bulk_id = snapshot.read(client).id
            write.wipe(client)
            schema.migrate(client)
            online = load(source, home=home, client_settings=client.settings, online=True)
            yield client, clock, bulk, online, bulk_id
    finally:
        server.down(home)


def test_load_each_way(loaded: tuple[Client, Clock, Report, Report, str], tmp_path: Path):
    client, clock, bulk, online, bulk_id = loaded
    events = bulk.tables["events"].loaded
    offline = clock.seconds("Importing")
    rows = [
        ("neo4j-admin import alone", offline, events / offline, 1.0),
        (
            "bulk, whole write phase",
            bulk.seconds["write"],
            events / bulk.seconds["write"],
            bulk.seconds["write"] / offline,
        ),
        (
            "online, write phase",
            online.seconds["write"],
            events / online.seconds["write"],
            online.seconds["write"] / offline,
        ),
    ]
    title = (
        f"Load of {events:,} events of {HOUSEHOLDS} households (reading and validating: {bulk.seconds['stage']:.1f} s)"
    )
    show(title, ("way", "s", "events/s", "x import alone"), rows)
    assert snapshot.read(client).id == bulk_id


def test_snapshot_against_a_row_per_edge(loaded: tuple[Client, Clock, Report, Report, str]):
    client, *_ = loaded
    snapshot.read(client)  # warm the page cache for both
    begun = time.monotonic()
    found = snapshot.read(client)
    columns = time.monotonic() - begun
    begun = time.monotonic()
    edges = len(client.read(ROW_PER_EDGE, timeout_s=600))
    by_row = time.monotonic() - begun
    rows = [
        ("columns", columns, len(found.events) / columns, 1.0),
        ("row per edge", by_row, edges / by_row, by_row / columns),
    ]
    show(f"Reading {edges:,} purchases", ("way", "s", "events/s", "x columns"), rows)
    assert edges <= len(found.events)
