"""kill -9 at any moment, then the same command again: exact counts, and the graph of an undisturbed load."""

from pathlib import Path

import pytest

from graph import schema, write
from graph.census import census
from graph.client import Client
from loaders import online
from loaders.files import Folder
from loaders.load import load
from loaders.progress import Silent
from loaders.stage import Manifest
from tests import shop as shops
from tests.loading import killed_load, snapshot_id
from tests.shop import Shop

pytestmark = pytest.mark.integration

BATCH = 400


@pytest.fixture(scope="module")
def folder(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = shops.write_folder(shop, tmp_path_factory.mktemp("data") / "shop")
    # Some of everything that is not a plain good row.
    lines = (path / "events.csv").read_text().splitlines()
    lines += [lines[5], lines[7].replace("u0", "u1"), "x,u1,i1,view,never,,,,,", "y,new,i1,view,2023-01-01,,,,,"]
    (path / "events.csv").write_text("\n".join(lines) + "\n")
    (path / "exposures.csv").write_text(
        "item_id,at,until,share\n"
        + "".join(f"i{n % 48},{1_672_531_200 + n * 9999},1700000000,0.5\n" for n in range(900))
    )
    return path


@pytest.fixture(scope="module")
def undisturbed(session_client: Client, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    _empty(session_client)
    load(
        Folder(folder, chunk_rows=BATCH),
        home=tmp_path_factory.mktemp("home"),
        client_settings=session_client.settings,
        online=True,
    )
    return snapshot_id(session_client)


@pytest.mark.parametrize(
    ("phase", "step"),
    [
        ("read events", 3),
        ("read exposures", 1),
        ("write items", 1),
        ("write promotions", 1),
        ("write events", 4),
        # After the batch is in the graph, before the journal says so.
        ("journal", 2),
        ("journal", 8),
    ],
)
def test_a_killed_loader_goes_on_to_the_same_graph(
    client: Client, folder: Path, shop: Shop, undisturbed: str, tmp_path: Path, phase: str, step: int
) -> None:
    _empty(client)
    killed_load(folder, tmp_path, client.settings, phase=phase, step=step, batch=BATCH)
    report = load(Folder(folder, chunk_rows=BATCH), home=tmp_path, client_settings=client.settings, online=True)
    assert snapshot_id(client) == undisturbed
    events = report.tables["events"]
    assert census(client).total_events == events.loaded == len(shop.events) + 1
    assert (events.read, events.duplicate) == (len(shop.events) + 4, 1)
    assert events.rejected == {"duplicate id with other content": 1, "not a time": 1}
    assert report.quarantine is not None
    assert len(report.quarantine.read_text().splitlines()) == 2


def test_what_was_staged_is_not_staged_again(client: Client, folder: Path, tmp_path: Path) -> None:
    killed_load(folder, tmp_path, client.settings, phase="read events", step=3, batch=BATCH)
    (path,) = (tmp_path / "loads").glob("*/manifest.json")
    parts = Manifest.model_validate_json(path.read_bytes()).tables["events"].parts
    assert len(parts) == 3
    staged = path.parent / "stage" / f"{parts[0].name}.parquet"
    before = staged.stat().st_mtime_ns
    killed_load(folder, tmp_path, client.settings, phase="write events", step=2, batch=BATCH)
    assert staged.stat().st_mtime_ns == before


def test_ctrl_c_is_as_good_as_any_kill(
    client: Client, folder: Path, undisturbed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient(Silent):
        name = ""

        def phase(self, name: str, total: int | None = None) -> None:
            self.name = name

        def advance(self, n: int) -> None:
            if self.name == "write events" and n == BATCH:
                raise KeyboardInterrupt

    monkeypatch.setattr(online, "BATCH", BATCH)
    _empty(client)
    source = Folder(folder, chunk_rows=BATCH)
    with pytest.raises(KeyboardInterrupt):
        load(source, home=tmp_path, client_settings=client.settings, online=True, progress=Impatient())
    assert 0 < census(client).total_events < 2000
    load(source, home=tmp_path, client_settings=client.settings, online=True)
    assert snapshot_id(client) == undisturbed


def test_a_graph_that_was_emptied_in_between_is_written_from_the_start(
    client: Client, folder: Path, undisturbed: str, tmp_path: Path
) -> None:
    _empty(client)
    killed_load(folder, tmp_path, client.settings, phase="write events", step=4, batch=BATCH)
    _empty(client)
    load(Folder(folder, chunk_rows=BATCH), home=tmp_path, client_settings=client.settings, online=True)
    assert snapshot_id(client) == undisturbed
    _empty(client)
    report = load(Folder(folder, chunk_rows=BATCH), home=tmp_path, client_settings=client.settings, online=True)
    assert not report.already
    assert snapshot_id(client) == undisturbed


def _empty(client: Client) -> None:
    write.wipe(client)
    schema.migrate(client)
