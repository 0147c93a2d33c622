"""Other shoppers who have much in common with a user: to everyone in groups, to analysts under made-up names."""

from collections import Counter

from api import private
from api.context import Context
from api.facts import Neighbor, PseudonymousNeighbor, SharedAttribute
from api.types import Item
from graph import neighbors


async def of(context: Context, user_id: str, first: int) -> list[Neighbor]:
    """Return the likeness of the `first` most alike; without a model none are told."""
    recommender = context.recommender
    k = recommender.fewest
    epoch = private.Epoch.of(await context.model())
    # Whole groups, so that a longer list begins with the shorter one.
    size = -(-first // k) * k
    rows = await neighbors.neighbors(recommender.client, user_id, size, until=epoch.until) if size else []
    return [
        Neighbor(
            similarity=found.similarity, shared_items=found.shared_items, shared_categories=found.shared_categories
        )
        for found in private.likenesses(rows, k)[:first]
    ]


async def pseudonymous(context: Context, user_id: str, first: int) -> list[PseudonymousNeighbor]:
    """Return the `first` most alike by pseudonym; attributes that fewer than `k` of them share are left out."""
    recommender = context.recommender
    epoch = private.Epoch.of(await context.model())
    rows = await neighbors.neighbors(recommender.client, user_id, first, until=epoch.until) if first else []
    shared = Counter((name, str(value)) for row in rows for name, value in row.attributes.items())
    items = await context.loaders.items.load_all(name for row in rows for name in row.shared_items)
    return [
        PseudonymousNeighbor(
            pseudonym=epoch.pseudonym(row.id),
            similarity=row.similarity,
            shared_items=[Item.of(items[name]) for name in row.shared_items if name in items],
            shared_categories=row.shared_categories,
            attributes=[
                SharedAttribute(name=name, value=str(value))
                for name, value in sorted(row.attributes.items())
                if shared[name, str(value)] >= recommender.fewest
            ],
        )
        for row in rows
    ]
