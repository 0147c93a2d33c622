"""A folder is understood or refused as a whole before a row is read, and the refusal says what to do."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from loaders.errors import BadDeclaration, EmptyFile, LoadError, MissingColumn, UnreadableFile
from loaders.files import Folder

EVENTS = "user_id,item_id,type,at\nu,i,view,2023-01-01\n"


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / name.replace("__", "-").replace("_dot_", ".")).write_text(text, encoding="utf-8")
    return tmp_path


def test_all_parts_are_read_in_natural_order_whatever_their_format(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        text = EVENTS.replace("u,i", f"u{number},i")
        if number == 2:
            (tmp_path / "events-2.csv.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (tmp_path / f"events-{number}.csv").write_text(text)
    pl.DataFrame({"user_id": [3], "item_id": [4], "type": ["view"], "at": [0]}).write_parquet(
        tmp_path / "events_part.3.parquet"
    )
    rows = [row for chunk in Folder(tmp_path).events() for row in chunk["user_id"].cast(pl.String)]
    assert rows == ["u1", "u2", "u10", "3"]


def test_a_missing_column_is_named_with_the_nearest_one_there_is(tmp_path: Path) -> None:
    folder(tmp_path, events_dot_csv="userid,item_id,type,at\nu,i,view,2023-01-01\n")
    with pytest.raises(MissingColumn) as raised:
        Folder(tmp_path)
    error = raised.value
    assert (error.file, error.column) == (f"{tmp_path.name}/events.csv", "user_id")
    assert "Did you mean 'userid'?" in str(error)
    assert '[columns.events] user_id = "..."' in str(error)


def test_a_column_may_have_another_name_and_any_capitals(tmp_path: Path) -> None:
    folder(
        tmp_path,
        events_dot_csv="Customer,SKU,Type,AT\nu,i,view,2023-01-01\n",
        source_dot_toml='[columns.events]\nuser_id = "Customer"\nitem_id = "SKU"\n',
    )
    chunk = next(Folder(tmp_path).events())
    assert chunk.select("user_id", "item_id", "type", "at").rows() == [("u", "i", "view", "2023-01-01")]


def test_a_declared_column_that_no_file_has_is_an_error(tmp_path: Path) -> None:
    folder(tmp_path, events_dot_csv=EVENTS, source_dot_toml='[columns.events]\namount = "Total"\n')
    with pytest.raises(MissingColumn, match="'Total' is missing"):
        Folder(tmp_path)


@pytest.mark.parametrize("name", ["purchases.csv", "events.xlsx", "event.csv"])
def test_a_folder_without_events_says_what_it_has(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(EVENTS)
    with pytest.raises(UnreadableFile, match=f"no events file.*{name}"):
        Folder(tmp_path)


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such folder"):
        Folder(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "user_id,item_id,type,at\n"])
def test_events_without_a_row_are_an_error(tmp_path: Path, text: str) -> None:
    folder(tmp_path, events_dot_csv=text)
    with pytest.raises(EmptyFile, match="no events"):
        list(Folder(tmp_path).events())


def test_an_empty_part_among_others_is_a_note(tmp_path: Path) -> None:
    folder(tmp_path, events__1_dot_csv=EVENTS, events__2_dot_csv="", items_dot_csv="item_id\n")
    source = Folder(tmp_path)
    assert sum(chunk.height for chunk in source.events()) == 1
    assert list(source.items()) == []
    assert [note.split("/")[1] for note in source.notes()] == [
        "events-2.csv: no rows in it",
        "items.csv: no rows in it",
    ]


def test_unknown_columns_are_left_out_with_a_note(tmp_path: Path) -> None:
    folder(tmp_path, events_dot_csv="user_id,item_id,type,at,mood\nu,i,view,2023-01-01,good\n")
    source = Folder(tmp_path)
    assert "mood" not in next(source.events()).columns
    assert source.notes() == [f"{tmp_path.name}/events.csv: columns that Attune does not know were left out: mood"]


def test_every_other_column_of_users_is_an_attribute(tmp_path: Path) -> None:
    folder(tmp_path, events_dot_csv=EVENTS, users_dot_csv="user_id,Age (years),City\nu,3,Oslo\n")
    assert next(Folder(tmp_path).users()).select("user_id", "age_years", "city").rows() == [("u", "3", "Oslo")]


def test_two_columns_cannot_be_one_attribute(tmp_path: Path) -> None:
    folder(tmp_path, events_dot_csv=EVENTS, users_dot_csv="user_id,Age,age \nu,3,4\n")
    with pytest.raises(LoadError, match="'age'"):
        Folder(tmp_path)


def test_json_lines_may_bring_up_an_attribute_late(tmp_path: Path) -> None:
    lines = [f'{{"user_id": "u{n}"}}\n' for n in range(1500)]
    folder(tmp_path, events_dot_csv=EVENTS, users_dot_jsonl="".join(lines) + '{"user_id": "x", "Late": 1}\n')
    last = list(Folder(tmp_path).users())[-1]
    assert last.row(-1, named=True)["late"] == "1"


def test_a_bad_declaration_names_the_file(tmp_path: Path) -> None:
    folder(tmp_path, events_dot_csv=EVENTS, source_dot_toml="wat = 1\n")
    with pytest.raises(BadDeclaration, match=r"source\.toml"):
        Folder(tmp_path)


def test_the_identity_changes_with_the_files_and_only_then(tmp_path: Path) -> None:
    folder(tmp_path, events_dot_csv=EVENTS)
    first = Folder(tmp_path).identity()
    assert Folder(tmp_path).identity() == first
    (tmp_path / "events.csv").write_text(EVENTS + EVENTS.splitlines()[1])
    assert Folder(tmp_path).identity() != first


def test_rows_are_known_beforehand_where_that_is_cheap(tmp_path: Path) -> None:
    folder(tmp_path, events_dot_csv=EVENTS)
    pl.DataFrame({"item_id": range(7)}).write_parquet(tmp_path / "items.parquet")
    source = Folder(tmp_path)
    assert (source.rows("events"), source.rows("items"), source.rows("users")) == (None, 7, 0)
