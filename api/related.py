"""What goes with an item: by the model, and by what lies in the same baskets."""

from api import pages
from api.context import Context
from api.errors import Code, Refused
from api.filters import ListFilter
from api.types import Connection, Item, SimilarItem, TogetherItem
from gnn import newcomers
from graph import baskets


async def similar(
    context: Context,
    item_id: str,
    first: int | None,
    after: str | None,
    filter: ListFilter | None,  # noqa: A002
) -> Connection[SimilarItem]:
    """Return a page of the items that the model connects with this one, strongest first."""
    artefact = await context.model()
    asked = pages.asked(first, after, filter, "similar", item_id)
    row = artefact.item_index.get(item_id)
    found: list[tuple[str, float]] = []
    if row is not None:
        targets, weights = newcomers.similar(artefact, row, len(artefact.item_ids))
        found = [(artefact.item_ids[t], float(w)) for t, w in zip(targets, weights, strict=True) if t != row]

    def node(item: Item, _: int, weight: float) -> SimilarItem:
        return SimilarItem(item=item, weight=weight)

    return await pages.of_items(context, asked, found, node, version=artefact.version)


async def bought_together(
    context: Context,
    item_id: str,
    first: int | None,
    after: str | None,
    filter: ListFilter | None,  # noqa: A002
) -> Connection[TogetherItem]:
    """Return a page of what lies in the same baskets; later pages look at the baskets that the first one saw."""
    asked = pages.asked(first, after, filter, "together", item_id)
    cursor = asked.begun(anchors=2)
    recommender = context.recommender
    found = await baskets.bought_together(
        recommender.client, item_id, fewest=recommender.fewest, seen=cursor.anchor[0] if cursor else None
    )
    if found is None:
        raise Refused(Code.NOT_FOUND, "The item is no longer in the graph.")
    ordered = [(item.id, item) for item in baskets.strongest(found.items)]

    def node(item: Item, _: int, companion: baskets.Companion) -> TogetherItem:
        return TogetherItem(item=item, support=companion.together, confidence=companion.confidence, lift=companion.lift)

    return await pages.of_items(context, asked, ordered, node, anchor=(found.seen,))
