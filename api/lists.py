"""A user's recommendations as a Relay connection: one list per user, arguments and model, cut into pages by rank."""

from dataclasses import dataclass

import strawberry
from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, SelectionSetNode

from api import explanation
from api.context import Context, Info
from api.explanation import Explanation
from api.ids import Cursor, list_name
from api.recommender import Shopper
from api.types import Item, Node, PageInfo
from gnn import ranking
from gnn.artefact import Artefact


@strawberry.type(description="An item on a user's list.")
class Recommendation:
    """Rank 1 is the best."""

    item: Item
    rank: int
    score: float
    told: strawberry.Private[Explanation | None]
    shopper: strawberry.Private[Shopper]
    artefact: strawberry.Private[Artefact]
    user: strawberry.Private[Node]

    @strawberry.field(description="Why the item is on the list.")
    async def explanation(self, info: Info) -> Explanation:
        """Return what was explained for the whole page, or explain this one."""
        if self.told is None:
            index = self.artefact.item_index[self.item.external_id]
            found = await explanation.explain(info.context, self.shopper, self.artefact, [index], self.user)
            self.told = found[self.item.external_id]
        return self.told


@strawberry.type
class RecommendationEdge:
    """An entry of a list."""

    cursor: str
    node: Recommendation


@strawberry.type(description="A page of a user's list. Its cursors go with the user, the arguments and the model.")
class RecommendationConnection:
    """Best first."""

    edges: list[RecommendationEdge]
    page_info: PageInfo
    model_version: str = strawberry.field(description="The model that made the list.")

    @strawberry.field(description="The nodes of `edges`, for those who need no cursors.")
    def nodes(self) -> list[Recommendation]:
        """Return what the edges hold."""
        return [edge.node for edge in self.edges]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which list is asked for, and which page of it."""

    first: int
    after: str | None
    query: ranking.Query

    def name(self, user_id: str) -> str:
        """Return the name of the list that cursors carry."""
        query = self.query
        categories = None if query.categories is None else sorted(query.categories)
        return list_name(user_id, query.mode.name, query.budget, categories, sorted(query.exclude), query.diversity)


async def connection(
    context: Context, shopper: Shopper, user: Node, wish: Wish, *, explained: bool
) -> RecommendationConnection:
    """Make one page; `explained` says whether the client reads explanations, which are then made for all at once.

    Raises `Refused` for a cursor of another list, and without a model.
    """
    recommender = context.recommender
    artefact = await recommender.models.get()
    name = wish.name(shopper.row.id)
    begin = Cursor.parse(wish.after, source=name, version=artefact.version).position if wish.after else 0
    ranked = recommender.rank(shopper, artefact, wish.query, begin + wish.first + 1)
    recommender.metrics.listed(cold=not shopper.row.item_ids)
    page = ranked.item[begin : begin + wish.first]
    told: dict[str, Explanation] = {}
    if explained and len(page):
        told = await explanation.explain(context, shopper, artefact, [int(i) for i in page], user)
    ids = [artefact.item_ids[i] for i in page]
    rows = await context.loaders.items.load_all(ids)
    edges = [
        RecommendationEdge(
            cursor=str(Cursor(name, rank, artefact.version)),
            node=Recommendation(
                item=Item.of(rows[item]),
                rank=rank,
                score=float(ranked.score[rank - 1]),
                told=told.get(item),
                shopper=shopper,
                artefact=artefact,
                user=user,
            ),
        )
        for rank, item in enumerate(ids, begin + 1)
        # An item that left the graph since the model was trained is not shown.
        if item in rows
    ]
    return RecommendationConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(ranked.item) > begin + wish.first,
            has_previous_page=begin > 0,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        model_version=artefact.version,
    )


def asks_for(info: Info, name: str) -> bool:
    """Whether a field of this name is selected somewhere below the field that is being resolved."""
    raw: GraphQLResolveInfo = info._raw_info  # pyright: ignore
    waiting: list[SelectionSetNode] = [node.selection_set for node in raw.field_nodes if node.selection_set]
    seen: set[str] = set()
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode) and selection.name.value == name:
                return True
            if isinstance(selection, FragmentSpreadNode):
                fragment = selection.name.value
                if fragment not in seen and fragment in raw.fragments:
                    seen.add(fragment)
                    waiting.append(raw.fragments[fragment].selection_set)
            elif inside := getattr(selection, "selection_set", None):
                waiting.append(inside)
    return False
