"""Staged records -> what the graph holds: nodes with dense keys, the category tree, promotions per item.

Everything is sorted by id: the same records give the same keys, whatever the order of the files, and whether they are
imported offline or written online into an empty graph. In memory at once: all users and items, never all events.
"""

from dataclasses import dataclass

import polars as pl

from loaders import attributes
from loaders.attributes import Inferred
from loaders.clean import SEPARATOR
from loaders.declarations import Declarations
from loaders.records import EXPOSURES, ITEMS
from loaders.stage import Stage, columns_of


@dataclass(frozen=True, slots=True)
class Encoded:
    """What was found while encoding."""

    attributes: list[Inferred]
    users_from_events: int
    """Users that events name and the users table does not."""
    items_from_events: int
    """Items that events or exposures name and the items table does not."""


def run(stage: Stage, declarations: Declarations) -> Encoded:
    """Write the staged frames `nodes-users`, `nodes-items`, `nodes-categories`, `nodes-brands` and `promotions`.

    Users: `id`, `key`, one column per attribute. Items: `id`, `key`, and the columns of `ITEMS`, of which `category`
    and `brand` are ids. Categories: `id`, `name`, `level`, `parent`. Promotions: `item_id`, `at`, `until`, `share`,
    one row for each item and start.
    """
    known = stage.scan("users")
    users = pl.DataFrame(schema={"user_id": pl.String}) if known is None else known.collect()
    users = users.select(columns_of(users.columns))
    new_users = _missing(stage, users, "user_id", ("events",))
    users, inferred = attributes.read(users, declarations)
    users = _keyed(pl.concat([users, new_users], how="diagonal"), "user_id")

    known = stage.scan("items")
    items = pl.DataFrame(schema=ITEMS) if known is None else known.select(ITEMS.names()).collect()
    new_items = _missing(stage, items, "item_id", ("events", "exposures"))
    items = _keyed(pl.concat([items, new_items], how="diagonal"), "item_id")

    stage.write("nodes-users", users)
    stage.write("nodes-items", items)
    stage.write("nodes-categories", _categories(items["category"]))
    stage.write("nodes-brands", items.select(pl.col("brand").alias("id")).drop_nulls().unique().sort("id"))
    stage.write("promotions", _promotions(stage))
    return Encoded(inferred, new_users.height, new_items.height)


def _missing(stage: Stage, known: pl.DataFrame, column: str, tables: tuple[str, ...]) -> pl.DataFrame:
    """Return the ids that these tables name and `known` does not have."""
    found = [scan.select(column).unique() for table in tables if (scan := stage.scan(table)) is not None]
    if not found:
        return pl.DataFrame(schema={column: pl.String})
    named = pl.concat(found).unique()
    return named.join(known.lazy().select(column), on=column, how="anti").collect(engine="streaming")


def _keyed(nodes: pl.DataFrame, column: str) -> pl.DataFrame:
    nodes = nodes.rename({column: "id"}).sort("id")
    key = pl.int_range(pl.len(), dtype=pl.Int64).alias("key")
    return nodes.select("id", key, pl.exclude("id"))


def _categories(paths: pl.Series) -> pl.DataFrame:
    """Return every category on the paths, ancestors included; a parent's id sorts before its children's."""
    ids: set[str] = set()
    for path in paths.drop_nulls().unique():
        names = path.split(SEPARATOR)
        ids.update(SEPARATOR.join(names[:depth]) for depth in range(1, len(names) + 1))
    rows = [
        (path, path.rsplit(SEPARATOR, 1)[-1], path.count(SEPARATOR), path.rpartition(SEPARATOR)[0] or None)
        for path in sorted(ids)
    ]
    schema = {"id": pl.String, "name": pl.String, "level": pl.Int64, "parent": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _promotions(stage: Stage) -> pl.DataFrame:
    """Return one row per item and start: channels that show an item at the same time reach at least the widest's."""
    scan = stage.scan("exposures")
    if scan is None:
        return pl.DataFrame(schema=EXPOSURES).select("item_id", "at", "until", "share")
    return (
        scan.group_by("item_id", "at")
        .agg(pl.col("until").max(), pl.col("share").max())
        .sort("item_id", "at")
        .collect(engine="streaming")
    )
