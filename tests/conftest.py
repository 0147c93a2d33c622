"""Fixtures for the whole run: one real Neo4j, one small shop, and the API over it for one module.

`make test` runs whole files side by side (pytest-xdist): each process has a Neo4j and a home of its own.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jaxtyping import install_import_hook

from tests import shapes
from tests import shop as shops

if TYPE_CHECKING:
    from graph.client import Client, Settings
    from tests.served import Served

# `pytest.importorskip` would hide a broken house; imports of rooms stay inside the fixtures so that unit tests of one
# room do not pay for the others.


def pytest_configure(config: pytest.Config) -> None:
    """Let Java compile quickly instead of well, and processes side by side keep to a thread each."""
    if config.getoption("markexpr") != "bench":
        # Rooms that tests import, not those that run in processes of their own.
        install_import_hook("gnn", f"{shapes.__name__}.{shapes.checked.__name__}")
        # Each start of a Neo4j costs a third of the time.
        os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
    if config.getoption("numprocesses", None):
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shop() -> shops.Shop:
    """The small shop's rows."""
    return shops.make()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh `ATTUNE_HOME` for the whole run."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def neo4j(home: Path) -> Iterator["Settings"]:
    """One local Neo4j for the whole run; never the one that `NEO4J_URI` may name."""
    from graph import rehearsal, server

    rehearsal.make(print)  # `make setup` has done it, and a run without it does it once
    saved = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("NEO4J_")}
    try:
        yield server.up(home, heap_mb=512, report=print)
        server.down(home)
    finally:
        os.environ.update(saved)


@pytest.fixture(scope="session")
def session_client(neo4j: "Settings") -> Iterator["Client"]:
    """One client for the whole run."""
    from graph.client import Client

    with Client(neo4j) as client:
        yield client


@pytest.fixture
def client(session_client: "Client") -> "Client":
    """A client on an empty graph with the current schema."""
    from graph import schema, write

    write.wipe(session_client)
    schema.migrate(session_client)
    return session_client


@pytest.fixture(scope="module")
def models(session_client: "Client", shop: shops.Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models over the freshly loaded small shop; other modules empty the graph."""
    from tests import served

    folder = tmp_path_factory.mktemp("models")
    served.load_shop(session_client, shop)
    served.first_model(session_client, folder)
    return folder


@pytest.fixture(scope="module")
def api(neo4j: "Settings", models: Path) -> Iterator["Served"]:
    """The API over the small shop."""
    from tests import served

    with served.serving(served.settings(neo4j, models)) as running:
        yield running
