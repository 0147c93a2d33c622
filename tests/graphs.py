"""Writes the small shop into a graph."""

from typing import Any

from graph import write
from graph.client import Client
from graph.write import EventCounts
from tests.shop import Shop


def write_shop(client: Client, shop: Shop) -> EventCounts:
    """Write users, items, categories, brands and events, as a loader would."""
    write.attributes(client, {"income": {"kind": "ordinal", "order": ["low", "high"]}})
    write.users(client, [_renamed(row, "user_id", prefix="attr_") for row in shop.users])
    write.categories(client, [{"id": name} for name in sorted({str(row["category"]) for row in shop.items})])
    write.brands(client, [{"id": name} for name in sorted({str(row["brand"]) for row in shop.items})])
    write.items(client, [_renamed(row, "item_id") for row in shop.items])
    return write.events(client, shop.events)


def _renamed(row: dict[str, Any], id_column: str, prefix: str = "") -> dict[str, Any]:
    return {"id": row[id_column], **{prefix + name: value for name, value in row.items() if name != id_column}}
