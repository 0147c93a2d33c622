"""Relay connections of things that are not the model's own lists: made whole, cut into pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from api import arguments, filters
from api.context import Context
from api.errors import bad_input
from api.filters import ListFilter
from api.ids import Cursor, list_name
from api.types import Connection, Edge, Item, PageInfo
from gnn.filters import Mode, Query
from graph.explore import ItemRow

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page of which list, and what the list may hold."""

    first: int
    after: str | None
    query: Query
    available: bool
    name: str
    """Of the list, for cursors."""

    def begun(self, *, version: str = "", anchors: int = 0) -> Cursor | None:
        """Return the cursor that the page begins after; raises `Refused` for one of another list."""
        return Cursor.parse(self.after, source=self.name, version=version, anchors=anchors) if self.after else None


def asked(first: int | None, after: str | None, given: ListFilter | None, *of: object, mode: bool = False) -> Asked:
    """Check the arguments of a list that the model does not rank; `mode`: whether the list is one user's.

    Raises `Refused` for what only the model's lists can do.
    """
    query = filters.query(given)
    for name, odd in (
        ("mode", query.mode is not Mode.ALL and not mode),
        ("diversity", query.diversity > 0),
        ("priceFit", query.price_fit > 0),
        ("boosts", bool(query.boosts)),
        ("pins", bool(query.pins)),
    ):
        if odd:
            raise bad_input(name, f"`{name}` does not apply to this list, whose order is not the model's for one user.")
    available = filters.only_available(given)
    name = list_name(*of, filters.canonical(query), available)
    return Asked(arguments.page_size(first, 20), arguments.given(after), query, available, name)


async def of_items(
    context: Context,
    asked: Asked,
    ordered: Sequence[tuple[str, K]],
    node: Callable[[Item, int, K], T],
    *,
    version: str = "",
    anchor: tuple[int, ...] = (),
) -> Connection[T]:
    """Cut a page out of items in their order, with what `node` needs to know of each; cursors carry anchor and rank.

    Rows of the graph are read as far as the page needs them. The filter is held against them as they are now; a cap per
    category counts from the beginning of the list, so all before the page is then read as well.
    """
    cursor = asked.begun(version=version, anchors=len(anchor) + 1)
    position, rank = (cursor.position, cursor.anchor[-1]) if cursor else (0, 0)
    cap, counts = asked.query.per_category, dict[str, int]()
    at = 0 if cap else position
    found: list[tuple[int, ItemRow, K]] = []
    window = asked.first + 4
    while at < len(ordered) and len(found) <= asked.first:
        rows = await context.loaders.items.load_all(name for name, _ in ordered[at : at + window])
        for place, (name, known) in enumerate(ordered[at : at + window], at + 1):
            row = rows.get(name)
            if row is None or not filters.holds(row, asked.query, available=asked.available):
                continue
            if cap and row.category_id:
                counts[row.category_id] = counts.get(row.category_id, 0) + 1
                if counts[row.category_id] > cap:
                    continue
            if place > position:
                found.append((place, row, known))
        at, window = at + window, min(window * 4, 500)
    return page(
        [(place, (*anchor, n), node(Item.of(row), n, known)) for n, (place, row, known) in enumerate(found, rank + 1)],
        asked,
        version=version,
        before=position > 0,
    )


def page(
    entries: Sequence[tuple[int, tuple[int, ...], T]], asked: Asked, *, version: str = "", before: bool
) -> Connection[T]:
    """Return a page of (position, anchor, node); one entry more than the page holds says that there are more."""
    edges = [
        Edge(cursor=str(Cursor(asked.name, position, version, anchor)), node=node)
        for position, anchor, node in entries[: asked.first]
    ]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(entries) > asked.first,
            has_previous_page=before,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )
