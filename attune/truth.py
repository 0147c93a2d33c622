"""Pairs of users and items to be foretold, from a file: a published split's test set, or what happened since."""

from pathlib import Path

import polars as pl

from gnn.errors import BadConfig
from loaders.taobao import TYPES

_USER, _ITEM, _TYPE = ("user_id", "user"), ("item_id", "item"), ("type", "behaviour")


def read(path: Path, target: str) -> tuple[list[str], list[str]]:
    """Return the users' and items' ids of a Parquet or CSV file with columns `user_id` and `item_id`.

    Where it has a column `type`, rows of the predicted type alone; `user`, `item` and `behaviour`, as in Taobao's
    `test.parquet`, are understood as well. Raises `BadConfig` that names the file and the column.
    """
    try:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadConfig("--truth", (), f"{path} cannot be read: {error}") from None
    user, item = (_column(table, path, names) for names in (_USER, _ITEM))
    kind = next((name for name in _TYPE if name in table.columns), None)
    if kind is not None:
        table = table.filter(pl.col(kind).cast(pl.String).replace(TYPES) == target)
    if not len(table):
        raise BadConfig("--truth", (), f"{path} has no row of the predicted type, {target}")
    return table[user].cast(pl.String).to_list(), table[item].cast(pl.String).to_list()


def _column(table: pl.DataFrame, path: Path, names: tuple[str, ...]) -> str:
    found = next((name for name in names if name in table.columns), None)
    if found is None:
        raise BadConfig(
            "--truth", (), f"{path} has no column {names[0]}; its columns are {', '.join(table.columns) or 'none'}"
        )
    return found
