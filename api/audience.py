"""For analysts: who would most likely buy. Candidates come from the graph, the model ranks them by their events."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from api import pages
from api.context import Context
from api.feedback import passed
from api.ids import Cursor
from api.pages import Asked
from api.shoppers import Shopper, present_us
from api.types import AudienceMember, Connection, Item
from gnn import newcomers, ranking
from gnn.artefact import Artefact
from gnn.filters import Mode, Query
from graph import audience
from graph.explore import UserRow

# Of the items that go with the one asked about, the buyers of so many are looked at.
_ALIKE = 10


async def of_item(
    context: Context, item_id: str, first: int | None, after: str | None, mode: Mode
) -> Connection[AudienceMember]:
    """Rank the candidates by the model's score of the item; none for an item that it does not know."""
    artefact = await context.model()
    asked, cursor, now, seen = _begun(first, after, artefact, "audience of item", item_id, mode.name)
    artefact = await context.recommender.newcomers.at(artefact, now)
    row = artefact.item_index.get(item_id)
    if row is None:
        return pages.page([], asked, before=False)
    targets, weights = newcomers.similar(artefact, row, _ALIKE)
    top = float(weights[0]) if len(weights) else 1.0
    alike = [(artefact.item_ids[t], float(w) / top) for t, w in zip(targets, weights, strict=True)]
    client = context.recommender.client
    ids = await audience.of_items(client, item_id, alike, model=artefact.version, seen=seen)
    query = Query(mode=mode, only=frozenset({item_id}))
    return await _ranked(context, artefact, asked, cursor, ids, query, now, seen)


async def of_category(
    context: Context, category_id: str, first: int | None, after: str | None, mode: Mode
) -> Connection[AudienceMember]:
    """Rank the candidates by the model's score of the best item for each in the category or below it."""
    artefact = await context.model()
    asked, cursor, now, seen = _begun(first, after, artefact, "audience of category", category_id, mode.name)
    artefact = await context.recommender.newcomers.at(artefact, now)
    ids = await audience.of_category(context.recommender.client, category_id, seen=seen)
    query = Query(mode=mode, categories=frozenset({category_id}))
    return await _ranked(context, artefact, asked, cursor, ids, query, now, seen)


def _begun(
    first: int | None, after: str | None, artefact: Artefact, *of: object
) -> tuple[Asked, Cursor | None, int, int | None]:
    asked = pages.asked(first, after, None, *of)
    cursor = asked.begun(version=artefact.version, anchors=2)
    if cursor is None:
        return asked, None, present_us(), None
    now, seen = cursor.anchor
    return asked, cursor, now, seen


async def _ranked(
    context: Context,
    artefact: Artefact,
    asked: Asked,
    cursor: Cursor | None,
    ids: Sequence[str],
    query: Query,
    now: int,
    seen: int | None,
) -> Connection[AudienceMember]:
    from api.user import User  # it stands on the types that lead here

    rows = await audience.users(context.recommender.client, ids, seen=seen) if ids else []
    # A later page goes by what was disputed when the first one was asked for.
    rows = [replace(row, disputes=tuple(one for one in row.disputes if one.at <= now)) for row in rows]
    seen = max((moment for row in rows for moment in row.recorded), default=0) if seen is None else seen

    def scored() -> list[tuple[float, str, str]]:
        found = (_best(artefact, row, query, now) for row in rows)
        return sorted(best for best in found if best)

    best = await asyncio.to_thread(scored)
    begin = cursor.position if cursor else 0
    wanted = best[begin : begin + asked.first + 1]
    items = await context.loaders.items.load_all(item for _, _, item in wanted)
    entries = [
        (
            rank,
            (now, seen),
            AudienceMember(
                user=User.of(user),
                item=Item.of(items[item]),
                rank=rank,
                score=-negative,
                estimated=item in artefact.newcomers,
            ),
        )
        for rank, (negative, user, item) in enumerate(wanted, begin + 1)
        if item in items
    ]
    return pages.page(entries, asked, version=artefact.version, before=begin > 0)


def _best(artefact: Artefact, row: UserRow, query: Query, now: int) -> tuple[float, str, str] | None:
    """Return (minus the score, user, item) of the item that this user would most likely buy."""
    shopper = Shopper(row, now)
    # Whoever dismissed it is no audience of it.
    query = passed(row, artefact, now).strictly(query)
    ranked = ranking.rank(artefact, shopper.history(artefact), now=now, k=1, query=query, attributes=shopper.attributes)
    if not len(ranked.item):
        return None
    return -float(ranked.score[0]), row.id, artefact.item_ids[ranked.item[0]]
