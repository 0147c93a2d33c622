"""A folder becomes a graph: the whole shop, once, whatever the files look like and however often it is loaded."""

import csv
import json
import random
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from graph import schema, snapshot, write
from graph.census import census
from graph.client import Client, Settings
from graph.errors import Unavailable
from loaders.complete_journey import CompleteJourney
from loaders.errors import StrictRejection, WrongMode
from loaders.files import Folder
from loaders.load import load
from loaders.report import TAKEN, Report
from tests import shop as shops
from tests.loading import export, killed_load, snapshot_id
from tests.shop import Shop

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def folder(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shops.write_folder(shop, tmp_path_factory.mktemp("data") / "shop")


def run(folder: Path, client: Client, home: Path, *, strict: bool = False) -> Report:
    return load(Folder(folder), home=home, client_settings=client.settings, strict=strict)


def test_the_graph_holds_the_shop_and_the_report_adds_up(
    client: Client, folder: Path, shop: Shop, tmp_path: Path
) -> None:
    report = run(folder, client, tmp_path)
    assert report.mode == "online"
    for name, table in report.tables.items():
        rows = getattr(shop, name, [])
        assert (table.read, table.loaded, table.duplicate, table.rejected) == (len(rows), len(rows), 0, {})
    assert report.nodes["categories"] == 6
    assert report.event_types.keys() == {"view", "purchase", "rate", "wish"}
    assert any("own type 'wish'" in note for note in report.notes)
    assert report.quarantine is None
    assert json.loads((tmp_path / "loads" / report.load_id / "report.json").read_text())["rejected"] == 0

    found = snapshot.read(client)
    assert found.user_ids == tuple(sorted(str(row["user_id"]) for row in shop.users))
    assert found.item_ids == tuple(sorted(str(row["item_id"]) for row in shop.items))
    assert len(found.events) == len(shop.events)
    assert found.attributes["income"].kind == "ordinal"
    assert found.attributes["income"].levels == ("low", "high")
    assert found.attributes["age"].kind == "numeric"
    assert found.attributes["city"].kind == "categorical"
    assert found.category_ids[found.item_category[found.item_ids.index("i5")]] == "Food > Tea"
    assert not found.item_available[found.item_ids.index("i47")]


def test_loading_again_changes_nothing(client: Client, folder: Path, tmp_path: Path) -> None:
    first = run(folder, client, tmp_path)
    before = snapshot_id(client)
    again = run(folder, client, tmp_path)
    assert (first.already, again.already) == (False, True)
    assert replace(again, already=False) == first
    elsewhere = run(folder, client, tmp_path / "another home")
    assert not elsewhere.already
    assert snapshot_id(client) == before


def test_the_same_events_under_another_id_are_told(client: Client, folder: Path, tmp_path: Path) -> None:
    def told(report: Report) -> list[str]:
        return [note for note in report.notes if "count twice" in note]

    def moment(at_us: str) -> str:
        return str(datetime(1970, 1, 1) + timedelta(microseconds=int(at_us)))

    assert told(run(folder, client, tmp_path)) == []
    events = census(client).total_events
    zoned = tmp_path / "zoned"
    shutil.copytree(folder, zoned)
    declared = (folder / "source.toml").read_text()
    assert "time_zone" not in declared
    (zoned / "source.toml").write_text('time_zone = "Asia/Kolkata"\n' + declared)
    table = pl.read_csv(zoned / "events.csv", infer_schema=False)
    # Without ids and offsets: what an event is, is what its row says.
    table = table.drop("event_id").with_columns(pl.col("at").map_elements(moment, pl.String))
    table.write_csv(zoned / "events.csv")
    (note,) = told(run(zoned, client, tmp_path))
    assert "attune empty" in note
    assert census(client).total_events > 1.9 * events
    assert told(run(zoned, client, tmp_path)) == [note]  # nothing is written: it is still so

    # A day later the same deeds are others.
    days = tmp_path / "next day"
    days.mkdir()
    later = table.with_columns(
        pl.col("at").map_elements(lambda at: str(datetime.fromisoformat(at) + timedelta(days=400)), pl.String)
    )
    later.write_csv(days / "events.csv")
    assert told(run(days, client, tmp_path)) == []


def test_another_form_of_the_same_shop_is_the_same_graph(
    client: Client, folder: Path, shop: Shop, tmp_path: Path
) -> None:
    run(folder, client, tmp_path)
    expected = snapshot_id(client)
    other = tmp_path / "other"
    other.mkdir()
    events = list(shop.events)
    random.Random(5).shuffle(events)
    half = len(events) // 2
    pl.DataFrame(events[:half], infer_schema_length=None).rename({"item_id": "sku"}).write_parquet(
        other / "events-1.parquet"
    )
    with (other / "events-2.csv").open("w", newline="", encoding="utf-16") as out:
        names = ("event_id", "user_id", "item_id", "type", "quantity", "amount", "value", "basket_id", "context")
        writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL)
        writer.writerow([*("sku" if name == "item_id" else name for name in names), "at"])
        for row in events[half:]:
            at = int(str(row["at"]))
            writer.writerow([*(row.get(name, "") for name in names), f"{at // 1000}.{at % 1000:03}"])
    pl.DataFrame(shop.users).sample(fraction=1, shuffle=True, seed=1).write_csv(other / "users.csv")
    items = pl.DataFrame(shop.items).with_columns(pl.col("category").str.split(" > "))
    items.reverse().write_ndjson(other / "items.jsonl")
    (other / "source.toml").write_text(
        '[columns.events]\nitem_id = "sku"\n[attributes]\nincome = { kind = "ordinal", order = ["low", "high"] }\n'
    )
    _empty(client)
    run(other, client, tmp_path)
    assert snapshot_id(client) == expected


def test_complete_journey_as_files_is_the_graph_of_its_own_source(client: Client, tmp_path: Path) -> None:
    source = CompleteJourney(12)
    direct = load(source, home=tmp_path, client_settings=client.settings)
    expected = snapshot_id(client)
    assert direct.tables["events"].rejected.keys() == {"pseudo-item", "quantity not positive"}
    _empty(client)
    folder = export(source, tmp_path / "exported")
    report = load(Folder(folder), home=tmp_path, client_settings=client.settings)
    assert snapshot_id(client) == expected
    assert report.tables["events"].loaded == direct.tables["events"].loaded
    assert report.nodes == direct.nodes


def test_an_increment_adds_its_events_and_takes_nothing_away(
    client: Client, folder: Path, shop: Shop, tmp_path: Path
) -> None:
    run(folder, client, tmp_path)
    more = tmp_path / "more"
    more.mkdir()
    known = shop.events[0]
    (more / "events.csv").write_text(
        "event_id,user_id,item_id,type,at,basket_id,context\n"
        f"{known['event_id']},{known['user_id']},{known['item_id']},view,{known['at']},{known['basket_id']},"
        f"{known['context']}\n"
        "new1,u1,i3,view,2024-01-01,,\n"
        "new2,newcomer,novelty,cart,2024-01-01,,\n"
        # An id that the graph gives to another event.
        f"{known['event_id']},u5,i5,view,2024-01-01,,\n"
    )
    report = run(more, client, tmp_path)
    assert report.tables["events"].rejected == {"duplicate id with other content": 1}
    found = snapshot.read(client)
    assert len(found.events) == len(shop.events) + 2
    assert found.user_ids[-1] == "newcomer"
    titles = dict(zip(found.item_ids, found.item_titles, strict=True))
    assert titles["i3"] == "Tools No. 3", "an item that only events name keeps the title it had"
    assert titles["novelty"] == "novelty"


def dearer(folder: Path, tmp_path: Path) -> Path:
    """Return a folder of the same files in which one item costs more."""
    corrected = tmp_path / "corrected"
    shutil.copytree(folder, corrected)
    items = (folder / "items.jsonl").read_text()
    (corrected / "items.jsonl").write_text(items.replace('"price": 2.0,', '"price": 99.0,'))
    return corrected


def test_a_correction_is_taken_back_by_the_files_of_before(client: Client, folder: Path, tmp_path: Path) -> None:
    run(folder, client, tmp_path)
    before, corrected = snapshot_id(client), dearer(folder, tmp_path)
    assert not run(corrected, client, tmp_path).already
    assert snapshot_id(client) != before
    again = run(folder, client, tmp_path)
    assert not again.already
    assert snapshot_id(client) == before
    assert run(folder, client, tmp_path).already


def test_an_attribute_that_becomes_another_kind_is_told(client: Client, folder: Path, tmp_path: Path) -> None:
    assert not any("attribute" in note for note in run(folder, client, tmp_path).notes)
    more = tmp_path / "more"
    more.mkdir()
    (more / "events.csv").write_text("user_id,item_id,type,at\nu1,i3,view,2024-01-01\nu2,i3,view,2024-01-01\n")
    (more / "users.csv").write_text("user_id,income,age,city\nu1,high,old,Oslo\nu2,high,old,Oslo\n")
    notes = "\n".join(run(more, client, tmp_path).notes)
    assert "attribute 'income' was ordinal (low, high) in the graph and is categorical now" in notes
    assert "attribute 'age' was numeric in the graph and is categorical now" in notes
    assert "'city'" not in notes
    assert "source.toml" in notes


def test_a_load_that_was_cut_off_leaves_none_before_it_for_loaded(client: Client, folder: Path, tmp_path: Path) -> None:
    run(folder, client, tmp_path)
    before, corrected = snapshot_id(client), dearer(folder, tmp_path)
    killed_load(corrected, tmp_path, client.settings, phase="write users", step=1)
    assert snapshot_id(client) != before
    assert not run(folder, client, tmp_path).already
    assert snapshot_id(client) == before


def test_an_event_id_of_another_event_in_the_graph_is_counted(client: Client, folder: Path, tmp_path: Path) -> None:
    run(folder, client, tmp_path)
    before = snapshot_id(client)
    other = tmp_path / "other"
    other.mkdir()
    (other / "events.csv").write_text("event_id,user_id,item_id,type,at\nv0-1,u1,i1,view,2024-01-01\n")
    report = run(other, client, tmp_path)
    assert (report.tables["events"].loaded, report.tables["events"].rejected) == (0, {TAKEN: 1})
    assert snapshot_id(client) == before


def test_users_without_events_and_items_never_bought_are_in_the_graph(client: Client, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "events.csv").write_text("user_id,item_id,type,at\nu1,i1,view,2023-01-01\n")
    (data / "users.csv").write_text("user_id\nu1\nidle\n")
    (data / "items.csv").write_text("item_id,price\ni1,2\nshelf-warmer,2\n")
    run(data, client, tmp_path)
    found = snapshot.read(client)
    assert found.user_ids == ("idle", "u1")
    assert found.item_ids == ("i1", "shelf-warmer")
    assert found.item_price.tolist() == [2.0, 2.0]


def test_a_slip_in_a_type_is_told_with_the_nearest_word_also_of_the_shop(client: Client, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    types = ("hartbeat", "vieww", "dismiss", "wishlist")
    rows = "".join(f"u,i,{name},2024-01-0{day}\n" for day, name in enumerate(types, start=1))
    (tmp_path / "shop" / "events.csv").write_text("user_id,item_id,type,at\n" + rows)
    (tmp_path / "shop" / "source.toml").write_text('[types]\nheartbeat = ""\n')
    told = run(tmp_path / "shop", client, tmp_path).notes
    assert any(note.endswith("own type 'hartbeat'. Did you mean 'heartbeat'?") for note in told)
    assert any(note.endswith("own type 'vieww'. Did you mean 'view'?") for note in told)
    assert any(note.endswith("own type 'wishlist'.") for note in told)
    assert not any("dismiss" in note for note in told)


def test_events_in_the_future_are_told(client: Client, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "events.csv").write_text("user_id,item_id,type,at\nu1,i1,view,2023-05-01\nu1,i1,view,2099-05-01\n")
    (note,) = run(data, client, tmp_path).notes
    assert note.startswith("1 events lie in the future, the latest on 2099-05-01")


def test_a_strict_load_stops_before_anything_is_written(client: Client, shop: Shop, tmp_path: Path) -> None:
    data = shops.write_folder(shop, tmp_path / "data")
    with (data / "events.csv").open("a") as out:
        out.write("bad,u1,i1,view,whenever\n")
    with pytest.raises(StrictRejection) as raised:
        run(data, client, tmp_path, strict=True)
    assert (raised.value.row, raised.value.column) == (len(shop.events) + 1, "at")
    assert "'whenever'" in str(raised.value)
    assert census(client).users == 0
    lenient = run(data, client, tmp_path)
    assert lenient.tables["events"].rejected == {"not a time": 1}
    (example,) = lenient.tables["events"].examples
    assert (example.rows, example.row, example.column, example.value) == (1, len(shop.events) + 1, "at", "whenever")
    assert lenient.quarantine is not None
    assert json.loads(lenient.quarantine.read_text())["raw"]["at"] == "whenever"
    assert census(client).total_events == len(shop.events)


def test_a_load_without_a_database_loses_nothing(client: Client, folder: Path, shop: Shop, tmp_path: Path) -> None:
    nowhere = Settings(uri="bolt://127.0.0.1:1", user="neo4j", password="none")
    with pytest.raises(Unavailable):
        load(Folder(folder), home=tmp_path, client_settings=nowhere)
    assert run(folder, client, tmp_path).tables["events"].loaded == len(shop.events)
    assert census(client).total_events == len(shop.events)


def test_an_import_into_a_server_elsewhere_is_refused(client: Client, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongMode, match="not the local server"):
        load(Folder(folder), home=tmp_path, client_settings=client.settings, online=False)
    assert census(client).users == 0


def _empty(client: Client) -> None:
    write.wipe(client)
    schema.migrate(client)
