"""What everybody buys: popular and trending items of a period, counted in the graph at most once a minute."""

import numpy as np
import strawberry

from api import pages
from api.context import Context
from api.counted import DOUBT, Key, Period, Row
from api.filters import ListFilter
from api.types import Connection, Item
from gnn import filters
from gnn.artefact import Artefact
from gnn.filters import Query


@strawberry.type(description="An item by what everybody bought in a period.")
class DemandedItem:
    """Rank 1 is the first."""

    item: Item
    rank: int
    purchases: int = strawberry.field(description="Lines bought in the period.")
    before: int = strawberry.field(description="Lines bought in the period before, of the same length.")
    growth: float = strawberry.field(description="(purchases + 5) / (before + 5).")


async def demanded(
    context: Context,
    period: Period,
    first: int | None,
    after: str | None,
    given: ListFilter | None,
    *,
    trending: bool,
) -> Connection[DemandedItem]:
    """Return a page of the items bought most often, or of those whose purchases grew most beyond chance."""
    asked = pages.asked(first, after, given, "trending" if trending else "popular", period.name)
    cursor = asked.begun(anchors=3)
    recommender = context.recommender
    await recommender.models.look()
    if cursor:
        key = Key(period, cursor.anchor[0], cursor.anchor[1])
        counts = await recommender.demand.as_of(recommender.client, key)
    else:
        found = await recommender.demand.newest(recommender.client, period)
        if found is None:
            return pages.page([], asked, before=False)
        key, counts = found
    ordered = counts.trending if trending else counts.popular
    if artefact := context.artefact:
        ordered = _possible(artefact, asked.query, ordered)

    def node(item: Item, rank: int, n: tuple[int, int]) -> DemandedItem:
        growth = (n[0] + DOUBT) / (n[1] + DOUBT)
        return DemandedItem(item=item, rank=rank, purchases=n[0], before=n[1], growth=growth)

    return await pages.of_items(context, asked, ordered, node, anchor=(key.end, key.seen))


def _possible(artefact: Artefact, asked: Query, ordered: list[Row]) -> list[Row]:
    """Leave out what cannot pass the filter by what the model knows of it: not every row must then be read."""
    if asked.categories is None and not asked.exclude_categories:
        return ordered
    rows = np.array([artefact.item_index.get(name, -1) for name, _ in ordered], np.int64)
    known = np.flatnonzero(rows >= 0)
    kept = np.ones(len(ordered), np.bool_)
    # Prices may have changed since: those are looked at in the graph alone.
    query = Query(categories=asked.categories, exclude_categories=asked.exclude_categories)
    kept[known] = filters.allowed(artefact, query, rows[known], np.zeros(len(artefact.item_ids), np.bool_))
    return [ordered[n] for n in np.flatnonzero(kept)]
