"""What can be read."""

import asyncio
from collections.abc import Sequence

import strawberry

from api import arguments, demand, lists, rerank, session
from api.context import Context, Info
from api.counted import Period
from api.demand import DemandedItem
from api.errors import bad_input
from api.facts import Model
from api.filters import ListFilter
from api.ids import Cursor, list_name, parse_global_id
from api.imagined import SessionEventInput
from api.limits import MAX_NODES
from api.lists import RecommendationConnection
from api.rerank import RerankedConnection
from api.session import Basket, BasketLineInput
from api.types import Brand, Category, Connection, Item, ItemConnection, ItemEdge, Node, PageInfo
from api.user import User, UserConnection, UserEdge
from graph import explore


@strawberry.type
class Query:
    """The entry points; an id that is unknown gives null and no error."""

    @strawberry.field(description="A user by the shop's own id.")
    async def user(self, info: Info, id: str) -> User | None:  # noqa: A002 - the contract's name
        """Return the user if the graph holds it."""
        context = info.context
        await context.loaders.presence.look(id)
        # What such a list showed last is most likely what it will show: read beside the user, not after it.
        ahead = context.recommender.shoppers.shown(id) if lists.asks_for(info, "recommendations", "whatIf") else {}
        if ahead and context.recommender.steady(id):
            with context.recommender.metrics.phase("read"):
                await context.loaders.load(users=(id,), **ahead)
            return await _user(context, id)
        return (await asyncio.gather(_user(context, id), context.loaders.load(**ahead)))[0]

    @strawberry.field(description="An item by the shop's own id.")
    async def item(self, info: Info, id: str) -> Item | None:  # noqa: A002
        """Return the item if the graph holds it."""
        return await _item(info.context, id)

    @strawberry.field(description="A category by its full path, `A > B > C`.")
    async def category(self, info: Info, id: str) -> Category | None:  # noqa: A002
        """Return the category if the graph holds it."""
        return await _category(info.context, id)

    @strawberry.field(description="Anything by its global id.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002
        """Return the node if the graph holds it."""
        return await _node(info.context, id)

    @strawberry.field(description="Several things by their global ids, in the same order; null where there is none.")
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        """Return the nodes, loaded in batches."""
        if len(ids) > MAX_NODES:
            raise bad_input("ids", f"`ids` may have up to {MAX_NODES} ids, not {len(ids)}.")
        return list(await asyncio.gather(*(_node(info.context, i) for i in ids)))

    @strawberry.field(description="The catalogue, searched by words of titles, within a category and what is below it.")
    async def items(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        search: str | None = strawberry.UNSET,
        category: str | None = strawberry.UNSET,
    ) -> ItemConnection:
        """Return a page of items."""
        size, text = arguments.page_size(first, 20), arguments.search(search)
        within = arguments.given(category)
        name = list_name("items", text, within)
        after_key = Cursor.parse(after, source=name).position if after else None
        rows = await explore.search_items(info.context.recommender.client, text, within, size, after_key)
        edges = [ItemEdge(cursor=str(Cursor(name, key)), node=Item.of(row)) for key, row in rows[:size]]
        return ItemConnection(edges=edges, page_info=_page_info(edges, len(rows) > size, after))

    @strawberry.field(description="The users whose id contains a text.")
    async def users(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        search: str | None = strawberry.UNSET,
    ) -> UserConnection:
        """Return a page of users."""
        size, text = arguments.page_size(first, 20), arguments.search(search)
        name = list_name("users", text)
        after_key = Cursor.parse(after, source=name).position if after else None
        rows = await explore.users(info.context.recommender.client, size, after_key, text)
        edges = [UserEdge(cursor=str(Cursor(name, key)), node=User.of(user)) for key, user in rows[:size]]
        return UserConnection(edges=edges, page_info=_page_info(edges, len(rows) > size, after))

    @strawberry.field(description="What to show somebody of whom only these events are known. Nothing is written.")
    async def session(
        self,
        info: Info,
        events: list[SessionEventInput],
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002 - the argument's name
    ) -> RecommendationConnection:
        """Rank every item for the session."""
        return await session.of_session(info, events, first, after, filter)

    @strawberry.field(description="A basket: what it costs, and what completes it.")
    async def basket(
        self,
        info: Info,
        items: list[BasketLineInput],
        budget: float | None = strawberry.UNSET,
        user: str | None = strawberry.UNSET,
    ) -> Basket:
        """Add the basket up; the user, when the graph knows it, brings its own history."""
        return await session.basket(info.context, items, budget, arguments.given(user))

    @strawberry.field(description="The caller's own items in the order that suits a user, or anybody without one.")
    async def rerank(
        self,
        info: Info,
        items: list[str],
        user: str | None = strawberry.UNSET,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002
    ) -> RerankedConnection:
        """Put up to 1,000 items in order."""
        return await rerank.rerank(info, items, arguments.given(user), first, after, filter)

    @strawberry.field(description="What is bought most in a period that ends with the newest purchase.")
    async def popular(
        self,
        info: Info,
        period: Period = Period.MONTH,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002
    ) -> Connection[DemandedItem]:
        """Return a page of them; needs no model."""
        return await demand.demanded(info.context, period, first, after, filter, trending=False)

    @strawberry.field(description="What is bought more than in the period before, the least by chance first.")
    async def trending(
        self,
        info: Info,
        period: Period = Period.WEEK,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002
    ) -> Connection[DemandedItem]:
        """Return a page of them; needs no model."""
        return await demand.demanded(info.context, period, first, after, filter, trending=True)

    @strawberry.field(description="The model that is being served; null before the first training.")
    async def model(self, info: Info) -> Model | None:
        """Return what the manifest says."""
        await info.context.recommender.models.look()
        artefact = info.context.artefact
        return Model.of(artefact) if artefact else None


async def _user(context: Context, external_id: str) -> User | None:
    known = arguments.external_id(external_id)
    return User.of(known) if known and await context.loaders.shoppers.load(known) else None


async def _item(context: Context, external_id: str) -> Item | None:
    known = arguments.external_id(external_id)
    row = await context.loaders.items.load(known) if known else None
    return Item.of(row) if row else None


async def _category(context: Context, external_id: str) -> Category | None:
    row = await context.loaders.categories.load(external_id) if external_id else None
    return Category.of(row) if row else None


async def _brand(context: Context, external_id: str) -> Brand | None:
    row = await context.loaders.brands.load(external_id) if external_id else None
    return Brand.of(row) if row else None


async def _node(context: Context, text: str) -> Node | None:
    match parse_global_id(text):
        case ("User", external_id):
            return await _user(context, external_id)
        case ("Item", external_id):
            return await _item(context, external_id)
        case ("Category", external_id):
            return await _category(context, external_id)
        case ("Brand", external_id):
            return await _brand(context, external_id)
        case _:
            return None


def _page_info(edges: Sequence[ItemEdge | UserEdge], more: bool, after: str | None) -> PageInfo:
    return PageInfo(
        has_next_page=more,
        has_previous_page=bool(after),
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
