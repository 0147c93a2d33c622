"""The stage holds each good row once, tells what became of the others, and goes on after any interruption."""

import json
from pathlib import Path

import polars as pl
import pytest

from loaders import encode, stage, staging
from loaders.declarations import Declarations
from loaders.errors import LoadError, StrictRejection
from loaders.files import Folder
from loaders.progress import Silent
from loaders.records import EVENTS
from loaders.stage import Stage

HEADER = "event_id,user_id,item_id,type,at,amount\n"
ROWS = [
    "1,u1,i1,purchase,2023-01-01,5",
    "2,u1,i2,purchase,2023-01-01,5",
    "1,u1,i1,purchase,2023-01-01T00:00,5.0",  # the same once more
    "2,u1,i2,purchase,2023-01-02,5",  # another under the same id
    "3,u2,i1,view,never,",
    "1,u2,i1,view,2023-01-03,",  # ids are the graph's: unique within a relationship type
    "4,u2,i1,view,2023-01-03,-1",
]


@pytest.fixture
def shop_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "events.csv").write_text(HEADER + "\n".join(ROWS))
    (folder / "items.csv").write_text("item_id,category,title\ni1,A > B,One\ni9,A,\ni1,A > B,One\ni1,A,Other\n")
    (folder / "users.csv").write_text("user_id,age\nu1,31\nu9,\n")
    return folder


class Cut(Exception):  # noqa: N818 - an interruption
    """Stands for Ctrl-C."""


class CutAfter(Silent):
    """Stops the run after so many steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def advance(self, n: int) -> None:
        self.steps -= 1
        if self.steps == 0:
            raise Cut


def contents(staged: Stage) -> dict[str, list[dict[str, object]]]:
    return {
        table: [] if (scan := staged.scan(table)) is None else scan.collect().to_dicts()
        for table in ("users", "items", "events", "exposures")
    }


def test_duplicates_are_counted_and_conflicts_refused_across_chunks(tmp_path: Path, shop_folder: Path) -> None:
    source = Folder(shop_folder, chunk_rows=2)
    with stage.opened(tmp_path, source) as staged:
        staging.run(source, staged, strict=False, progress=Silent())
        events = staged.scan("events")
        assert events is not None
        assert events.select(EVENTS.names()).collect().select("event_id", "type").rows() == [
            ("1", "purchase"),
            ("2", "purchase"),
            ("1", "view"),
        ]
        parts = staged.table("events").parts
        assert [part.read for part in parts] == [2, 2, 2, 1]
        assert sum(part.duplicates for part in parts) == 1
        items = staged.table("items").parts
        assert sum(part.rows for part in items) == 2
        assert sum(part.duplicates for part in items) == 1
        lines = [json.loads(line) for line in staged.quarantine.read_text().splitlines()]
    assert [(line["file"], line["row"], line["column"], line["reason"]) for line in lines] == [
        ("shop/items.csv", 4, "item_id", "duplicate id with other content"),
        ("shop/events.csv", 4, "event_id", "duplicate id with other content"),
        ("shop/events.csv", 5, "at", "not a time"),
        ("shop/events.csv", 7, "amount", "negative amount"),
    ]
    assert lines[2]["raw"] == {
        "event_id": "3",
        "user_id": "u2",
        "item_id": "i1",
        "type": "view",
        "at": "never",
        "amount": None,
    }


@pytest.mark.parametrize("steps", range(1, 9))
def test_a_run_that_was_cut_off_anywhere_ends_like_an_undisturbed_one(
    tmp_path: Path, shop_folder: Path, steps: int
) -> None:
    source = Folder(shop_folder, chunk_rows=1)
    with stage.opened(tmp_path / "whole", source) as staged:
        staging.run(source, staged, strict=False, progress=Silent())
        expected = contents(staged), staged.manifest.tables, staged.quarantine.read_text()
    with pytest.raises(Cut), stage.opened(tmp_path / "cut", source) as staged:
        staging.run(source, staged, strict=False, progress=CutAfter(steps))
    with stage.opened(tmp_path / "cut", Folder(shop_folder, chunk_rows=1)) as staged:
        staging.run(source, staged, strict=False, progress=Silent())
        assert (contents(staged), staged.manifest.tables, staged.quarantine.read_text()) == expected


def test_what_the_manifest_does_not_name_is_not_there(tmp_path: Path, shop_folder: Path) -> None:
    source = Folder(shop_folder, chunk_rows=2)
    with stage.opened(tmp_path, source) as staged:
        # A process died between writing a part and entering it.
        (staged.parts / "events-00000.parquet").write_bytes(b"half")
        (staged.parts / "events-00000.tmp").write_bytes(b"half")
        staging.run(source, staged, strict=False, progress=Silent())
        events = staged.scan("events")
        assert events is not None
        assert events.collect().height == 3


def test_strict_stops_at_the_first_bad_row_of_the_files_and_says_where(tmp_path: Path, shop_folder: Path) -> None:
    source = Folder(shop_folder)
    with stage.opened(tmp_path, source) as staged, pytest.raises(StrictRejection) as raised:
        staging.run(source, staged, strict=True, progress=Silent())
    error = raised.value
    assert (error.file, error.row, error.column) == ("shop/items.csv", 4, "item_id")
    assert "duplicate id with other content" in str(error)


def test_one_process_at_a_time_stages_the_same_data(tmp_path: Path, shop_folder: Path) -> None:
    source = Folder(shop_folder)
    with (
        stage.opened(tmp_path, source),
        pytest.raises(LoadError, match="another process"),
        stage.opened(tmp_path, source),
    ):
        pass


def test_other_declarations_are_another_load(tmp_path: Path, shop_folder: Path) -> None:
    before = stage.load_id(Folder(shop_folder))
    (shop_folder / "source.toml").write_text('time_zone = "Europe/Oslo"')
    assert stage.load_id(Folder(shop_folder)) != before


def test_nodes_are_sorted_by_id_and_those_only_events_name_are_added(tmp_path: Path, shop_folder: Path) -> None:
    source = Folder(shop_folder)
    with stage.opened(tmp_path, source) as staged:
        staging.run(source, staged, strict=False, progress=Silent())
        found = encode.run(staged, source.declarations)
        assert staged.read("nodes-users").to_dicts() == [
            {"id": "u1", "key": 0, "age": 31.0},
            {"id": "u2", "key": 1, "age": None},
            {"id": "u9", "key": 2, "age": None},
        ]
        items = staged.read("nodes-items")
        assert items.select("id", "key", "title", "category").rows() == [
            ("i1", 0, "One", "A > B"),
            ("i2", 1, None, None),
            ("i9", 2, None, "A"),
        ]
        assert staged.read("nodes-categories").rows() == [("A", "A", 0, None), ("A > B", "B", 1, "A")]
        assert (found.users_from_events, found.items_from_events) == (1, 1)
        assert [row.name for row in found.attributes] == ["age"]


def test_an_event_only_shop_needs_no_other_table(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id,type,at\nu,i,view,0\n")
    source = Folder(tmp_path)
    with stage.opened(tmp_path / "home", source) as staged:
        staging.run(source, staged, strict=False, progress=Silent())
        encode.run(staged, Declarations())
        assert staged.read("nodes-users").rows() == [("u", 0)]
        assert staged.read("nodes-categories").is_empty()
        assert staged.read("promotions").is_empty()


def test_channels_that_show_an_item_at_once_are_one_period(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id,type,at\nu,i,view,0\n")
    (tmp_path / "exposures.csv").write_text(
        "item_id,at,until,channel,share\n"
        "i,2023-01-01,2023-01-08,mailer,0.5\n"
        "i,2023-01-01,2023-01-09,display,0.25\n"
        "j,2023-01-01,2023-01-08,,\n"
    )
    source = Folder(tmp_path)
    with stage.opened(tmp_path / "home", source) as staged:
        staging.run(source, staged, strict=False, progress=Silent())
        encode.run(staged, Declarations())
        day = 86_400_000_000
        start = 1_672_531_200_000_000
        assert staged.read("promotions").rows() == [
            ("i", start, start + 8 * day, 0.5),
            ("j", start, start + 7 * day, 1.0),
        ]
        assert staged.read("nodes-items")["id"].to_list() == ["i", "j"]


def test_a_part_is_bounded_whatever_the_file(tmp_path: Path) -> None:
    pl.DataFrame({"user_id": "u", "item_id": "i", "type": "view", "at": range(10_000)}).write_parquet(
        tmp_path / "events.parquet"
    )
    source = Folder(tmp_path, chunk_rows=1000)
    assert {chunk.height for chunk in source.events()} == {1000}
