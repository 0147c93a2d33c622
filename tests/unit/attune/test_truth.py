"""Pairs to be foretold, read from a file."""

from pathlib import Path

import polars as pl
import pytest

from attune import truth
from gnn.errors import BadConfig


def test_ids_are_texts_whatever_they_are_in_the_file(tmp_path: Path):
    file = tmp_path / "truth.csv"
    file.write_text("user_id,item_id,note\n007,1,x\n8,2,y\n", "utf-8")
    assert truth.read(file, "purchase") == (["007", "8"], ["1", "2"])


def test_rows_of_the_predicted_type_alone_by_the_names_of_the_source_too(tmp_path: Path):
    file = tmp_path / "test.parquet"
    pl.DataFrame({"user": [1, 1, 2], "item": [10, 11, 12], "behaviour": ["view", "buy", "cart"]}).write_parquet(file)
    assert truth.read(file, "purchase") == (["1"], ["11"])
    assert truth.read(file, "view") == (["1"], ["10"])


def test_what_is_wrong_with_the_file_is_said(tmp_path: Path):
    file = tmp_path / "truth.csv"
    file.write_text("who,item_id\n1,2\n", "utf-8")
    with pytest.raises(BadConfig, match=r"truth\.csv has no column user_id; its columns are who, item_id"):
        truth.read(file, "purchase")
    file.write_text("user_id,item_id,type\n1,2,view\n", "utf-8")
    with pytest.raises(BadConfig, match="no row of the predicted type, purchase"):
        truth.read(file, "purchase")
    file = tmp_path / "truth.parquet"
    file.write_bytes(b"no parquet")
    with pytest.raises(BadConfig, match="cannot be read"):
        truth.read(file, "purchase")
