"""A user of the shop: purchase power, lists, neighbours, explanations."""

import strawberry

from api import arguments, bubble, disputes, explanation, filters, lists, neighbors, past, replay, what_if, why_not
from api.bubble import Bubble
from api.context import Info
from api.disputes import Dispute
from api.errors import Code, Refused
from api.explanation import Explanation
from api.facts import Neighbor, PseudonymousNeighbor, PurchasePower
from api.feedback import passed
from api.filters import ListFilter
from api.ids import global_id
from api.lists import RecommendationConnection, Wish
from api.past import BuyAgainItem, ViewedItem
from api.power import power
from api.replay import AsOfInput
from api.shoppers import Shopper
from api.types import Connection, Node, PageInfo
from api.what_if import Comparison, WhatIfInput
from api.why_not import WhyNot
from gnn.filters import Added, Mode


@strawberry.type(description="A person or household that buys.")
class User(Node):
    """Events are read when a field needs them, once per operation."""

    external_id: str

    @staticmethod
    def of(external_id: str) -> "User":
        """Wrap the id of a user that the graph holds."""
        return User(id=global_id("User", external_id), external_id=external_id)

    @strawberry.field
    async def purchase_power(self, info: Info) -> PurchasePower:
        """Return what the user can and does spend, as of the last load or training."""
        return power(await _shopper(info, self), info.context.artefact)

    @strawberry.field(description="What to show this user, best first, as of its newest event.")
    async def recommendations(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        mode: Mode | None = Mode.ALL,
        budget: float | None = strawberry.UNSET,
        categories: list[str] | None = strawberry.UNSET,
        exclude: list[str] | None = strawberry.UNSET,
        diversity: float | None = 0,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002 - the argument's name
        as_of: AsOfInput | None = strawberry.UNSET,
    ) -> RecommendationConnection:
        """Rank every item for the user and return a page."""
        wish = _wish(
            info,
            first,
            filter,
            after=after,
            mode=mode,
            budget=budget,
            categories=categories,
            exclude=exclude,
            diversity=diversity,
        )
        shopper, explained = await _shopper(info, self), lists.asks_for(info, "explanation")
        if not as_of:
            return await lists.connection(info.context, shopper, self, wish, explained=explained)
        shopper, artefact = await replay.go_back(info.context.recommender.models, shopper, as_of)
        name = (self.external_id, as_of.model, shopper.now)
        return await lists.connection(
            info.context, shopper, self, wish, explained=explained, of=name, artefact=artefact
        )

    @strawberry.field(description="The list as it is and as it would be, had other things happened; writes nothing.")
    async def what_if(
        self,
        info: Info,
        change: WhatIfInput,
        first: int | None = 20,
        mode: Mode | None = Mode.ALL,
        budget: float | None = strawberry.UNSET,
        categories: list[str] | None = strawberry.UNSET,
        exclude: list[str] | None = strawberry.UNSET,
        diversity: float | None = 0,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002
    ) -> Comparison:
        """Rank every item twice and compare the first pages."""
        wish = _wish(
            info, first, filter, mode=mode, budget=budget, categories=categories, exclude=exclude, diversity=diversity
        )
        return await what_if.compare(info, await _shopper(info, self), self, wish, change)

    @strawberry.field(description="How narrow the list is: beside what was bought, the catalogue, and a month before.")
    async def bubble(
        self,
        info: Info,
        first: int | None = 20,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002
    ) -> Bubble:
        """Measure the first items of the list."""
        wish = Wish(arguments.page_size(first, 20), None, filters.query(filter), filters.only_available(filter))
        return await bubble.of(info.context, await _shopper(info, self), self, wish)

    @strawberry.field(description="Items viewed or clicked on, newest first.")
    async def recently_viewed(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002
    ) -> Connection[ViewedItem]:
        """Return a page of them."""
        return await past.recently_viewed(info.context, await _shopper(info, self), first, after, filter)

    @strawberry.field(description="What the user may need again, and when, by the rhythm of its purchases.")
    async def buy_again(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002
    ) -> Connection[BuyAgainItem]:
        """Return a page of what is due."""
        return await past.buy_again(info.context, await _shopper(info, self), first, after, filter)

    @strawberry.field(description="The shoppers who share most with this one; never who they are.")
    async def neighbors(self, info: Info, first: int | None = 10) -> list[Neighbor]:
        """Return likenesses; whole groups alone are told."""
        return await neighbors.of(info.context, self.external_id, arguments.page_size(first, 10))

    @strawberry.field(description="For analysts: the same one by one, under made-up names.")
    async def pseudonymous_neighbors(self, info: Info, first: int | None = 10) -> list[PseudonymousNeighbor]:
        """Return neighbours with what they share with the user."""
        return await neighbors.pseudonymous(info.context, self.external_id, arguments.page_size(first, 10))

    @strawberry.field(description="Why an item has its score for this user; null for an item that is unknown.")
    async def explain(self, info: Info, item: str) -> Explanation | None:
        """Explain any item, on the list or not."""
        artefact = await info.context.model()
        index = artefact.item_index.get(item)
        if index is None:
            return None
        shopper = await _shopper(info, self)
        lost = passed(shopper.row, artefact, shopper.now).lowered.get(item, 0.0)
        added = {item: {Added.FEEDBACK: lost}}
        return (await explanation.explain(info.context, shopper, artefact, [index], self, added)).get(item)

    @strawberry.field(description="Reasons that are not used for this user, the newest first.")
    async def disputes(self, info: Info) -> list[Dispute]:
        """Return what `disputeReason` has recorded."""
        return await disputes.of(info, await _shopper(info, self), self)

    @strawberry.field(
        description="Why an item is not on the list, and what would put it there; null for an item that nobody knows."
    )
    async def why_not(
        self,
        info: Info,
        item: str,
        first: int | None = 20,
        mode: Mode | None = Mode.ALL,
        budget: float | None = strawberry.UNSET,
        categories: list[str] | None = strawberry.UNSET,
        exclude: list[str] | None = strawberry.UNSET,
        diversity: float | None = 0,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002
    ) -> WhyNot | None:
        """Hold an item against the list that `recommendations` gives for the same arguments."""
        wish = _wish(
            info, first, filter, mode=mode, budget=budget, categories=categories, exclude=exclude, diversity=diversity
        )
        return await why_not.why_not(info.context, await _shopper(info, self), self, item, wish)


@strawberry.type
class UserEdge:
    """A user of a list."""

    cursor: str
    node: User


@strawberry.type(description="Users in a stable order.")
class UserConnection:
    """A page of users."""

    edges: list[UserEdge]
    page_info: PageInfo

    @strawberry.field(description="The nodes of `edges`, for those who need no cursors.")
    def nodes(self) -> list[User]:
        """Return what the edges hold."""
        return [edge.node for edge in self.edges]


async def _shopper(info: Info, user: User) -> Shopper:
    shopper = await info.context.loaders.shoppers.load(user.external_id)
    if shopper is None:
        raise Refused(Code.NOT_FOUND, "The user is no longer in the graph.")
    return shopper


def _wish(
    info: Info,
    first: int | None,
    filter: ListFilter | None,  # noqa: A002 - as the fields call it
    *,
    mode: Mode | None,
    budget: float | None,
    categories: list[str] | None,
    exclude: list[str] | None,
    diversity: float | None,
    after: str | None = None,
) -> Wish:
    """Return the list that a field's arguments ask for, and the page of it."""
    query = filters.query(
        filter,
        mode=mode,
        budget=budget,
        categories=categories,
        exclude=exclude,
        diversity=diversity,
        said=arguments.said(info),
    )
    return Wish(arguments.page_size(first, 20), arguments.given(after), query, filters.only_available(filter))
