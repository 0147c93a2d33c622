"""Complete Journey, whole, with a model on it that nobody trained: what the speed of answers does not depend on."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from attune import derive
from gnn import artefact, untrained
from gnn.registry import Registry
from graph import client, server, snapshot
from graph.client import Client, Settings
from loaders.complete_journey import CompleteJourney
from loaders.load import load

WIDTH = 0.02
"""Size of what the semantic attention adds: first weights add nothing, and would be computed all the same."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A graph and a model to be served."""

    neo4j: Settings
    models: Path
    users: tuple[str, ...]
    """Ids, each with events."""
    writable: bool


@contextmanager
def complete_journey() -> Generator[Bench]:
    """Load all households into a fresh graph. `ATTUNE_BENCH_HOME`: take a home as it is, and only read from it.

    With `NEO4J_URI` beside it the graph is that one.
    """
    given = os.environ.get("ATTUNE_BENCH_HOME")
    if given:
        settings = client.settings(Path(given))
        with Client(settings) as reader:
            yield Bench(settings, Path(given) / "models", _users(reader), writable=False)
        return
    with TemporaryDirectory() as folder:
        home = Path(folder)
        settings = server.up(home, heap_mb=1024, report=print)
        try:
            load(CompleteJourney(), home=home, client_settings=settings, online=False)
            settings = server.up(home, heap_mb=1024, report=print)
            with Client(settings) as writer:
                found = snapshot.read(writer)
                derive.write_derived(writer, found)
                made = untrained.build(found)
                name = "semantic.head.weight"
                drawn = np.random.default_rng(0).standard_normal(made.weights[name].shape) * WIDTH
                made = replace(made, weights={**made.weights, name: drawn.astype(np.float32)})
                Registry(home / "models").promote(artefact.save(made, home / "models").name)
                yield Bench(settings, home / "models", _users(writer), writable=True)
        finally:
            server.down(home)


def _users(reader: Client) -> tuple[str, ...]:
    rows = reader.read("MATCH (u:User) WHERE EXISTS { (u)-->(:Item) } RETURN collect(u.id) AS ids")
    return tuple(sorted(rows[0]["ids"]))
