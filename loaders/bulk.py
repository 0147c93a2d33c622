"""Stage -> CSV files -> offline import: a first load of millions of events near the speed of the disk."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from graph import schema, server
from graph.client import Settings
from loaders.stage import Stage

# Arrays in neo4j-admin's CSV are separated by semicolons; only numbers are in them.
_ITEM_HEADER = {
    "id": "id:ID(Item)",
    "key": "key:long",
    "title": "title:string",
    "description": "description:string",
    "price": "price:double",
    "currency": "currency:string",
    "image": "image:string",
    "available": "available:boolean",
    "promoted_at": "promoted_at:long[]",
    "promoted_until": "promoted_until:long[]",
    "promoted_share": "promoted_share:double[]",
}
_EVENT_HEADER = {
    "user_id": ":START_ID(User)",
    "item_id": ":END_ID(Item)",
    "event_id": "event_id:string",
    "at": "at:long",
    "quantity": "quantity:double",
    "amount": "amount:double",
    "value": "value:double",
    "basket_id": "basket_id:string",
    "context": "context:string",
}


def run(stage: Stage, home: Path, report: Callable[[str], None]) -> Settings:
    """Import everything that is staged into the empty local graph; return how to reach it afterwards.

    Raises the errors of `graph.server.import_csv`; a crash leaves the graph empty or whole.
    """
    folder = stage.parts / "csv"
    folder.mkdir(exist_ok=True)
    nodes = {schema.USER: [_users(stage, folder)], schema.ITEM: [_items(stage, folder)]}
    relationships: dict[str, list[Path]] = {}
    if path := _categories(stage, folder, relationships):
        nodes[schema.CATEGORY] = [path]
    if path := _brands(stage, folder):
        nodes[schema.BRAND] = [path]
    _links(stage, folder, relationships)
    _events(stage, folder, relationships)
    return server.import_csv(home, nodes, relationships, report)


def _users(stage: Stage, folder: Path) -> Path:
    users = stage.read("nodes-users")
    names = [name for name in users.columns if name not in ("id", "key")]
    columns: list[pl.Expr | pl.Series] = [pl.col("id").alias("id:ID(User)"), pl.col("key").alias("key:long")]
    for name in names:
        kind = "double" if users.schema[name].is_float() else "string"
        columns.append(pl.col(name).alias(f"{schema.ATTRIBUTE_PREFIX}{name}:{kind}"))
    if "income" in names:
        # As `graph.write.users` does: Python's text of a number is the same in both ways of loading.
        texts = [None if value is None else str(value) for value in users["income"].to_list()]
        columns.append(pl.Series("income:string", texts, pl.String))
    return _csv(users.select(columns), folder / "users.csv")


def _items(stage: Stage, folder: Path) -> Path:
    promoted = (
        stage.read("promotions")
        .group_by("item_id", maintain_order=True)
        .agg(
            *(pl.col(name).cast(pl.String).str.join(";").alias(f"promoted_{name}") for name in ("at", "until", "share"))
        )
    )
    items = stage.read("nodes-items").with_columns(pl.col("title").fill_null(pl.col("id")))
    items = items.join(promoted, left_on="id", right_on="item_id", how="left", maintain_order="left")
    return _csv(items.select(pl.col(ours).alias(theirs) for ours, theirs in _ITEM_HEADER.items()), folder / "items.csv")


def _categories(stage: Stage, folder: Path, relationships: dict[str, list[Path]]) -> Path | None:
    categories = stage.read("nodes-categories")
    if categories.is_empty():
        return None
    key = pl.int_range(pl.len(), dtype=pl.Int64).alias("key:long")
    nodes = categories.select(
        pl.col("id").alias("id:ID(Category)"),
        key,
        pl.col("name").alias("name:string"),
        pl.col("level").alias("level:long"),
    )
    children = categories.drop_nulls("parent").select(
        pl.col("id").alias(":START_ID(Category)"), pl.col("parent").alias(":END_ID(Category)")
    )
    if not children.is_empty():
        relationships[schema.CHILD_OF] = [_csv(children, folder / "child_of.csv")]
    return _csv(nodes, folder / "categories.csv")


def _brands(stage: Stage, folder: Path) -> Path | None:
    brands = stage.read("nodes-brands")
    if brands.is_empty():
        return None
    key = pl.int_range(pl.len(), dtype=pl.Int64).alias("key:long")
    nodes = brands.select(pl.col("id").alias("id:ID(Brand)"), key, pl.col("id").alias("name:string"))
    return _csv(nodes, folder / "brands.csv")


def _links(stage: Stage, folder: Path, relationships: dict[str, list[Path]]) -> None:
    items = stage.read("nodes-items")
    for kind, column, label in ((schema.IN_CATEGORY, "category", "Category"), (schema.MADE_BY, "brand", "Brand")):
        links = items.drop_nulls(column).select(
            pl.col("id").alias(":START_ID(Item)"), pl.col(column).alias(f":END_ID({label})")
        )
        if not links.is_empty():
            relationships[kind] = [_csv(links, folder / f"{kind.lower()}.csv")]


def _events(stage: Stage, folder: Path, relationships: dict[str, list[Path]]) -> None:
    """Write one file per part and relationship type; every file of a type but the first goes without a header."""
    kind = pl.col("type").replace_strict(
        dict(schema.EVENT_RELATIONSHIPS), default=schema.OTHER_EVENT, return_dtype=pl.String
    )
    for part in stage.table("events").parts:
        events = stage.read(part.name).with_columns(kind.alias("kind"))
        for (name,), rows in events.partition_by("kind", as_dict=True).items():
            header = _EVENT_HEADER | ({"type": "type:string"} if name == schema.OTHER_EVENT else {})
            files = relationships.setdefault(str(name), [])
            columns = (pl.col(ours).alias(theirs) for ours, theirs in header.items())
            files.append(_csv(rows.select(columns), folder / f"{part.name}-{name}.csv", header=not files))


def _csv(frame: pl.DataFrame, path: Path, *, header: bool = True) -> Path:
    frame.write_csv(path, include_header=header)
    return path
