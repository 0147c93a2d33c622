"""Files of every documented format and encoding give the same rows; damaged ones say where they are damaged."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from loaders import readers
from loaders.errors import UnreadableFile
from loaders.readers import NOT_AN_OBJECT, TOO_MANY_FIELDS, Part
from loaders.records import FILE, REJECT, ROW


def part(path: Path) -> Part:
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    return Part(path, path.name, suffixes[-1].removeprefix("."))


def read(path: Path, *, rows: int = 1000, separator: str | None = None) -> tuple[pl.DataFrame, list[str]]:
    notes: list[str] = []
    chunks = list(readers.chunks(part(path), notes.append, rows=rows, separator=separator))
    return (pl.concat(chunks, how="diagonal") if chunks else pl.DataFrame()), notes


ROWS = [{"a": "1", "b": "å"}, {"a": "2", "b": "x"}, {"a": "3", "b": None}]


def test_csv_jsonl_and_their_gzip_give_the_same_rows(tmp_path: Path) -> None:
    csv_text = "a,b\n1,å\n2,x\n3,\n"
    json_text = "".join(json.dumps(row) + "\n" for row in ROWS)
    for name, text in (("t.csv", csv_text), ("t.jsonl", json_text)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with gzip.open(tmp_path / f"{name}.gz", "wt", encoding="utf-8") as out:
            out.write(text)
        for path in (tmp_path / name, tmp_path / f"{name}.gz"):
            found, notes = read(path)
            assert found.select("a", "b").to_dicts() == ROWS, path
            assert found[ROW].to_list() == [1, 2, 3]
            assert found[FILE].to_list() == [path.name] * 3
            assert notes == []


def test_parquet_chunks_have_the_asked_size_whatever_the_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"n": range(1000)}).write_parquet(path, row_group_size=70)
    chunks = list(readers.chunks(part(path), print, rows=300))
    assert [chunk.height for chunk in chunks] == [300, 300, 300, 100]
    assert pl.concat(chunks)["n"].to_list() == list(range(1000))
    assert pl.concat(chunks)[ROW].to_list() == list(range(1, 1001))


def test_parquet_types_become_plain_ones(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"path": [["A", "B"], None], "kind": ["x", "y"], "price": ["1.50", "2.00"]})
    frame = frame.with_columns(pl.col("kind").cast(pl.Categorical), pl.col("price").cast(pl.Decimal(10, 2)))
    frame.write_parquet(path)
    found, _ = read(path)
    assert found.select("path", "kind", "price").rows() == [("A > B", "x", 1.5), (None, "y", 2.0)]


@pytest.mark.parametrize(
    ("encoding", "noted"),
    [("utf-8", False), ("utf-8-sig", False), ("utf-16", False), ("latin-1", True), ("cp1252", True)],
)
def test_every_encoding_gives_the_same_text(tmp_path: Path, encoding: str, noted: bool) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("name,n\nSmörgåsbord,1\nété,2\n".encode(encoding))
    found, notes = read(path)
    assert found["name"].to_list() == ["Smörgåsbord", "été"]
    assert bool(notes) == noted
    assert all("Windows-1252" in note and "t.csv" in note for note in notes)


def test_a_file_of_mixed_encodings_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("name,n\nété,1\n".encode() + "€ été,2\n".encode("cp1252"))
    found, notes = read(path)
    assert found["name"].to_list() == ["été", "€ été"]
    assert notes == ["t.csv: 3 bytes were not UTF-8 and were read as Windows-1252"]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_separator_is_found_from_the_header(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"a{sign}b{sign}c\n1{sign}2{sign}3\n")
    found, _ = read(path)
    assert found.select("a", "b", "c").rows() == [("1", "2", "3")]


def test_quotes_hold_separators_newlines_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n"x, y","two\nlines"\n"say ""hi""",5" pipe\n', newline="")
    found, _ = read(path)
    assert found.select("a", "b").rows() == [("x, y", "two\nlines"), ('say "hi"', '5" pipe')]


def test_a_quoted_field_may_cross_the_border_of_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_BLOCK_CHARS", 20)
    path = tmp_path / "t.csv"
    rows = [(str(n), f"line\n{n}, and more" if n % 3 == 0 else f"plain {n}") for n in range(50)]
    path.write_text("a,b\n" + "".join(f'{a},"{b}"\n' if "\n" in b else f"{a},{b}\n" for a, b in rows), newline="")
    found, _ = read(path, rows=7)
    assert found.select("a", "b").rows() == rows
    assert found[ROW].to_list() == list(range(1, 51))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_every_line_ending_is_one(tmp_path: Path, ending: str, last: bool) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(("a,b" + ending + "1,2" + ending + "3,4" + (ending if last else "")).encode())
    found, _ = read(path)
    assert found.select("a", "b").rows() == [("1", "2"), ("3", "4")]


def test_a_row_with_too_many_fields_is_marked_and_a_short_one_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n1,2,3\n4\n\n5,6\n")
    found, _ = read(path)
    assert found[REJECT].to_list() == [None, TOO_MANY_FIELDS, None, None]
    assert found.select("a", "b").rows() == [("1", "2"), ("1", "2,3"), ("4", ""), ("5", "6")]
    assert found[ROW].to_list() == [1, 2, 3, 4]


def test_a_line_that_is_no_object_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n[1]\n{"a": \n\n{"a": true, "c": {"d": [1]}, "p": ["A", "B"]}\n')
    found, _ = read(path)
    assert found[REJECT].to_list() == [None, NOT_AN_OBJECT, NOT_AN_OBJECT, None]
    assert found["a"].to_list() == ["1", None, None, "true"]
    assert found[-1].select("c", "p").rows() == [('{"d":[1]}', "A > B")]


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    for name in ("t.csv", "t.jsonl", "t.parquet"):
        (tmp_path / name).touch()
        assert read(tmp_path / name)[0].is_empty()
        assert readers.header(part(tmp_path / name)) == []


def test_a_quote_that_is_never_closed_is_an_error_not_a_huge_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_LONGEST_FIELD", 1000)
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,"open\n' + "2,3\n" * 1000)
    with pytest.raises(UnreadableFile, match="never closed"):
        read(path)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("later", [0, 3])
def test_a_quote_that_is_never_closed_does_not_take_the_end_of_the_file_for_a_field(
    tmp_path: Path, later: int, end: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,"closed"\n2,"open' + "\n3,4" * later + end, newline="")
    with pytest.raises(UnreadableFile, match=r"t\.csv: .*ends within the quotation mark of row 2.*never closed"):
        read(path)


def test_a_quote_at_the_end_of_the_file_is_closed_there(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for end in ("", "\n", "\r\n", "\n\n"):
        path.write_text('a,b\n1,"two\nlines"' + end, newline="")
        assert read(path)[0]["b"].to_list() == ["two\nlines"]


def test_a_gzip_file_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFile, match=r"t\.csv\.gz: the gzip file is damaged"):
        read(path)
    path.write_bytes(b"not gzip at all")
    with pytest.raises(UnreadableFile, match="damaged"):
        read(path)


def test_what_is_no_parquet_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(UnreadableFile, match="not a Parquet file"):
        readers.header(part(path))


def test_a_header_that_names_a_column_twice_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,a\n1,2\n")
    with pytest.raises(UnreadableFile, match="'a' twice"):
        read(path)
