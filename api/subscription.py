"""What can be followed."""

from collections.abc import AsyncGenerator

import strawberry

from api import arguments, filters, lists
from api.context import Info
from api.errors import Code, Refused
from api.filters import ListFilter
from api.lists import RecommendationConnection, Wish
from api.user import User


@strawberry.type
class Subscription:
    """Over graphql-transport-ws and server-sent events."""

    @strawberry.subscription(description="A user's list: at once, and again after each change of its events.")
    async def recommendations(
        self,
        info: Info,
        user: str,
        first: int | None = 20,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002 - the argument's name
    ) -> AsyncGenerator[RecommendationConnection, None]:
        """Yield the first page; ends when the user is erased or the service stops."""
        context = info.context
        wish = Wish(arguments.page_size(first, 20), None, filters.query(filter), filters.only_available(filter))
        explained = lists.asks_for(info, "explanation")
        begun = False
        # Over a WebSocket the identity belongs to the connection, and is known by now.
        ended = None if context.identity.lasting else context.identity.over
        async for _ in context.recommender.broadcast.follow(user, ended=ended):
            context.identity.renew()
            context.renew()
            if begun:  # it was woken because something has changed
                context.recommender.shoppers.doubt(user)
            shopper = await context.loaders.shoppers.load(user)
            if shopper is None:
                if begun:
                    return
                raise Refused(Code.NOT_FOUND, "There is no such user to follow.", argument="user")
            begun = True
            context.recommender.broadcast.shown[user] = shopper.row.state
            yield await lists.connection(context, shopper, User.of(user), wish, explained=explained)
