"""The caller's own list (search results, say) in the order that suits a user: these items and no others."""

from collections.abc import Sequence
from dataclasses import replace

import strawberry

from api import arguments, explanation, filters, lists
from api.context import Info
from api.errors import bad_input
from api.explanation import Explanation
from api.feedback import passed
from api.filters import ListFilter
from api.ids import Cursor, list_name
from api.imagined import nobody
from api.lists import Wish
from api.shoppers import Shopper, present_us
from api.types import ESTIMATED, Item, PageInfo
from api.user import User
from graph.explore import ItemRow

MAX_RERANK = 1_000
"""Most items of a list that is put in order."""


@strawberry.type(description="An item of the caller's list.")
class RerankedItem:
    """Rank 1 is the best."""

    item: Item
    rank: int
    score: float | None = strawberry.field(
        description="The model's, plus what the request added; null for an item that the model does not know."
    )
    estimated: bool = strawberry.field(description=ESTIMATED)
    explanation: Explanation | None = strawberry.field(
        description="Why the item stands where it stands; null where there is no score."
    )


@strawberry.type
class RerankedEdge:
    """An entry of the list."""

    cursor: str
    node: RerankedItem


@strawberry.type(description="The caller's list, best first; what the model does not know follows in the given order.")
class RerankedConnection:
    """Relay's connection."""

    edges: list[RerankedEdge]
    page_info: PageInfo
    unknown: list[str] = strawberry.field(description="Items that the graph does not know; they are not in the list.")
    model_version: str

    @strawberry.field(description="The nodes of `edges`, for those who need no cursors.")
    def nodes(self) -> list[RerankedItem]:
        """Return what the edges hold."""
        return [edge.node for edge in self.edges]


async def rerank(
    info: Info,
    items: Sequence[str],
    user_id: str | None,
    first: int | None,
    after: str | None,
    filter: ListFilter | None,  # noqa: A002 - the argument's name
) -> RerankedConnection:
    """Put these items in order. Without a filter none is left out, also what cannot be had now."""
    if len(items) > MAX_RERANK:
        raise bad_input("items", f"`items` may have up to {MAX_RERANK} ids, not {len(items)}.")
    context = info.context
    artefact = await context.model()
    asked = filters.query(filter)
    given = arguments.given(filter)
    wish = Wish(arguments.page_size(first, 20), arguments.given(after), asked, filters.only_available(filter))
    name = list_name("rerank", user_id, list(items), filters.canonical(asked), given is None, wish.available)
    cursor = Cursor.parse(wish.after, source=name, version=artefact.version, anchors=2) if wish.after else None
    known = arguments.external_id(user_id) if user_id else None
    found = await context.loaders.shoppers.load(known) if known else None
    user, shopper = (User.of(found.row.id), found) if found else (None, Shopper(nobody(), present_us()))
    if cursor:
        shopper = shopper.at(*cursor.anchor)
    artefact = await context.recommender.newcomers.at(artefact, shopper.now)
    rows = await context.loaders.items.load_all(items)
    query = passed(shopper.row, artefact, shopper.now).into(replace(asked, only=frozenset(rows)))
    ranked = context.recommender.rank(shopper, artefact, query, len(rows))
    scored = [artefact.item_ids[row] for row in ranked.item]
    whole = [*scored, *(name for name in rows if name not in artefact.item_index)]
    if given is not None:
        whole = [name for name in whole if _kept(rows[name], wish, by_model=name in artefact.item_index)]
    begin = cursor.position if cursor else 0
    page = whole[begin : begin + wish.first]
    place = {name: n for n, name in enumerate(scored)}
    parts = {
        name: {kind: float(values[place[name]]) for kind, values in ranked.added.items()}
        for name in page
        if name in place
    }
    told: dict[str, Explanation] = {}
    if parts and lists.asks_for(info, "explanation"):
        indices = [artefact.item_index[name] for name in page if name in place]
        told = await explanation.explain(context, shopper, artefact, indices, user, parts)
    edges = [
        RerankedEdge(
            cursor=str(Cursor(name, rank, artefact.version, (shopper.now, shopper.newest))),
            node=RerankedItem(
                item=Item.of(rows[item]),
                rank=rank,
                score=float(ranked.score[place[item]]) if item in place else None,
                estimated=item in artefact.newcomers,
                explanation=told.get(item),
            ),
        )
        for rank, item in enumerate(page, begin + 1)
    ]
    return RerankedConnection(
        edges=edges,
        page_info=lists.page_info([e.cursor for e in edges], more=len(whole) > begin + wish.first, before=begin > 0),
        unknown=[name for name in dict.fromkeys(items) if name not in rows],
        model_version=artefact.version,
    )


def _kept(row: ItemRow, wish: Wish, *, by_model: bool) -> bool:
    # What the model knows has passed its filter already; what the graph says now must hold for all.
    return lists.shown(row, wish) if by_model else filters.holds(row, wish.query, available=wish.available)
