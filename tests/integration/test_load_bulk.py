"""A first load by offline import gives the graph of an online load, and no kill -9 harms it."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph import schema, server, write
from graph.census import census
from graph.client import Client, settings
from graph.errors import GraphError
from loaders import load as loading
from loaders import online
from loaders.errors import WrongMode
from loaders.files import Folder
from loaders.load import load
from loaders.progress import Silent
from tests import shop as shops
from tests.loading import killed_load, snapshot_id, start_server
from tests.shop import Shop

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def folder(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = shops.write_folder(shop, tmp_path_factory.mktemp("data") / "shop")
    with (path / "items.jsonl").open("a") as out:
        # What CSV files stumble over.
        item = {"item_id": "odd", "title": '6" pan, "red"\nline 2', "category": "Home > Pans; pots", "brand": "A,B"}
        out.write(json.dumps(item) + "\n")
    with (path / "events.csv").open("a") as out:
        out.write('odd1,"u,1",odd,purchase,2023-02-01,0.5,1e-7,,"b ""1""",\n')
    (path / "exposures.csv").write_text(
        "item_id,at,until,share\ni1,2023-01-01,2023-01-08,0.5\ni1,2023-01-08,2023-01-15,1\n"
    )
    return path


@pytest.fixture(scope="module")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server of its own, in a home of an odd name: an import replaces the store and restarts it."""
    home = tmp_path_factory.mktemp("bulk home ñ中")
    saved = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("NEO4J_")}
    try:
        start_server(home)
        yield home
    finally:
        server.down(home)
        os.environ.update(saved)


@pytest.fixture(scope="module")
def expected(session_client: Client, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The snapshot of an online load."""
    write.wipe(session_client)
    schema.migrate(session_client)
    load(Folder(folder), home=tmp_path_factory.mktemp("home"), client_settings=session_client.settings, online=True)
    return snapshot_id(session_client)


def test_a_loader_killed_in_the_import_leaves_nothing_half_written(folder: Path, own_home: Path) -> None:
    killed_load(folder, own_home, None, phase="Importing", step=0.5)
    with Client(start_server(own_home)) as client:
        assert census(client).users == 0


def test_a_large_first_load_is_imported_and_equals_an_online_load(
    folder: Path, own_home: Path, shop: Shop, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "BULK_FROM", 1000)
    # The same chunks as the killed loader: its stage is taken over.
    source = Folder(folder, chunk_rows=400)
    report = load(source, home=own_home, client_settings=settings(own_home))
    assert report.mode == "bulk"
    assert report.tables["events"].loaded == len(shop.events) + 1
    with Client(settings(own_home)) as client:
        assert snapshot_id(client) == expected
        assert schema.version(client) == schema.VERSION
        titles = client.read("MATCH (i:Item {id: 'odd'}) RETURN i.title AS title, i.key AS key, i.price AS price")
        assert titles == [{"title": '6" pan, "red" line 2', "key": len(shop.items), "price": None}]
    again = load(source, home=own_home, client_settings=settings(own_home))
    assert again.already


def test_after_an_import_loads_are_online_and_a_second_import_is_refused(
    folder: Path, own_home: Path, shop: Shop, expected: str
) -> None:
    source = Folder(folder)
    with pytest.raises(WrongMode, match="holds data already"):
        load(source, home=own_home, client_settings=settings(own_home), online=False)
    assert load(source, home=own_home, client_settings=settings(own_home)).mode == "online"
    with Client(settings(own_home)) as client:
        assert snapshot_id(client) == expected
        assert census(client).total_events == len(shop.events) + 1


def test_neo4j_killed_in_mid_load_and_started_again_ends_in_the_same_graph(
    folder: Path, own_home: Path, shop: Shop, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Assassin(Silent):
        name, batches = "", 0

        def phase(self, name: str, total: int | None = None) -> None:
            self.name = name

        def advance(self, n: int) -> None:
            self.batches += self.name == "write events" and n > 0
            if self.batches == 3:
                pid = server.status(own_home).pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                self.batches = 100

    monkeypatch.setattr(online, "BATCH", 300)
    with Client(settings(own_home)) as client:
        write.wipe(client)
    source = Folder(folder)
    with pytest.raises(GraphError):
        load(source, home=tmp_path, client_settings=settings(own_home), online=True, progress=Assassin())
    found = start_server(own_home)
    report = load(source, home=tmp_path, client_settings=found, online=True)
    assert report.tables["events"].loaded == len(shop.events) + 1
    with Client(found) as client:
        assert census(client).total_events == len(shop.events) + 1
        assert snapshot_id(client) == expected
