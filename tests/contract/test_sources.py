"""What every source of `loaders` keeps: the same chunks each time, of the columns that validation takes."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from loaders import stage, staging, validate
from loaders.complete_journey import CompleteJourney
from loaders.files import Folder
from loaders.progress import Silent
from loaders.records import FILE, REQUIRED, RESERVED, ROW, TABLES, Source, chunks
from loaders.taobao import AT, Taobao
from tests import shop

Make = Callable[[Path], Source]


def csv_folder(path: Path) -> Source:
    return Folder(shop.write_folder(shop.make(), path), chunk_rows=1000)


def parquet_folder(path: Path) -> Source:
    path.mkdir(exist_ok=True)
    made = shop.make()
    for table, rows in (("users", made.users), ("items", made.items), ("events", made.events)):
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(path / f"{table}.parquet")
    return Folder(path, chunk_rows=1000)


def complete_journey(path: Path) -> Source:
    del path
    return CompleteJourney(5, chunk_rows=1000)


def taobao(path: Path) -> Source:
    path.mkdir(exist_ok=True)
    pairs = [(user, item, kind) for user in range(30) for item in range(40) for kind in ("view", "cart", "buy")]
    frame = pl.DataFrame(pairs, schema=["user", "item", "behaviour"], orient="row")
    frame.with_columns(pl.col("user", "item").cast(pl.Int32), pl.col("behaviour").cast(pl.Categorical)).write_parquet(
        path / "train.parquet"
    )
    frame.head(1).with_columns(pl.lit(999).alias("user")).write_parquet(path / "test.parquet")
    return Taobao(path, chunk_rows=1000)


MAKERS: list[Make] = [csv_folder, parquet_folder, complete_journey, taobao]


@pytest.fixture(params=MAKERS, ids=lambda make: make.__name__, scope="module")
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Path:
    return tmp_path_factory.mktemp(make.__name__) / "data"


@pytest.fixture(scope="module")
def source(make: Make, folder: Path) -> Source:
    return make(folder)


@pytest.mark.parametrize("table", TABLES)
def test_chunks_are_bounded_numbered_and_named(source: Source, table: str) -> None:
    numbers: list[tuple[str, int]] = []
    for chunk in chunks(source, table):
        assert 0 < chunk.height <= 1000 or table in ("users", "items")
        assert set(REQUIRED[table]) <= set(chunk.columns)
        assert {FILE, ROW} <= set(chunk.columns)
        if table != "users":
            assert set(chunk.columns) <= {*TABLES[table], *RESERVED}
        assert chunk.schema[ROW] == pl.Int64
        numbers += zip(chunk[FILE], chunk[ROW], strict=True)
    assert len(numbers) == len(set(numbers))
    assert all(row >= 1 for _, row in numbers)


@pytest.mark.parametrize("table", TABLES)
def test_reading_twice_gives_the_same(source: Source, table: str) -> None:
    for first, second in zip(chunks(source, table), chunks(source, table), strict=True):
        assert first.equals(second)


def test_a_source_made_anew_from_the_same_data_is_the_same_load(make: Make, folder: Path, source: Source) -> None:
    del folder
    assert stage.load_id(source) == stage.load_id(source)
    assert isinstance(source.identity(), tuple)
    assert make.__name__ != "complete_journey" or stage.load_id(CompleteJourney(6)) != stage.load_id(source)


def test_validation_takes_every_chunk_and_loses_no_row(source: Source) -> None:
    for table in TABLES:
        for chunk in chunks(source, table):
            checked = validate.CHECKS[table](chunk, source.declarations)
            assert checked.records.height + len(checked.rejected) + checked.dropped == chunk.height


def test_staging_adds_up(source: Source, tmp_path: Path) -> None:
    with stage.opened(tmp_path, source) as staged:
        staging.run(source, staged, strict=False, progress=Silent())
        for name, table in staged.manifest.tables.items():
            read = sum(part.read for part in table.parts)
            kept = sum(part.rows + part.duplicates + part.dropped + sum(part.rejected.values()) for part in table.parts)
            assert read == kept, name
            known = source.rows(name)
            assert known is None or table.parts == [] or name == "users" or abs(known - read) <= read
        assert sum(part.rows for part in staged.table("events").parts) > 0


def test_taobao_has_attention_of_three_kinds_and_no_time(tmp_path: Path) -> None:
    source = taobao(tmp_path / "taobao")
    events = pl.concat(validate.events(chunk, source.declarations).records for chunk in source.events())
    assert events["type"].value_counts().sort("type").rows() == [("cart", 1200), ("purchase", 1200), ("view", 1200)]
    assert events["at"].unique().to_list() == [AT]
    assert "999" not in events["user_id"].to_list(), "the test pairs stay out"
    assert any("leak" in note for note in source.notes())
