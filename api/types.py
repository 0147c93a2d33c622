"""The objects of the shop as GraphQL sees them; external ids inside, Relay ids outside."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

import strawberry

from api.context import Info
from api.filters import ListFilter
from api.ids import global_id
from api.words import Locale
from gnn.explain import Kind
from gnn.filters import Added, Mode
from graph.explore import BrandRow, CategoryRow, ItemRow

if TYPE_CHECKING:
    from api.user import User

T = TypeVar("T")

ESTIMATED = (
    "Whether the score is estimated: the item is newer than the model, and what nobody can know of it yet (popularity, "
    "demand, promotions) is taken to be that of other items."
)

strawberry.enum(Locale, name="Locale", description="A language that sentences are told in: English, Chinese.")


@strawberry.enum(description="Which part of the model a contribution comes from.")
class ContributionKind(StrEnum):
    """`gnn.explain.Kind`, what the request added, and OTHER for what is too small to be told one by one."""

    OWN_HISTORY = "OWN_HISTORY"
    ITEM = "ITEM"
    CATEGORY = "CATEGORY"
    BRAND = "BRAND"
    POPULARITY = "POPULARITY"
    PROMOTION = "PROMOTION"
    PRICE_FIT = "PRICE_FIT"
    PURCHASE_POWER = "PURCHASE_POWER"
    BOOST = "BOOST"
    FEEDBACK = "FEEDBACK"
    PRICE_LEVEL = "PRICE_LEVEL"
    OTHER = "OTHER"

    @staticmethod
    def of(kind: Kind | Added | None) -> "ContributionKind":
        """Return the GraphQL name of a kind; None is OTHER."""
        return ContributionKind.OTHER if kind is None else ContributionKind[kind.name]


@strawberry.interface(description="Anything that can be read again by its id.")
class Node:
    """Relay's global object identification."""

    id: strawberry.ID = strawberry.field(description="Global id: base64 of `Type:externalId`.")


@strawberry.type(description="Where a page of a list begins and ends.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None = None
    end_cursor: str | None = None


@strawberry.type(description="An entry of a page.")
class Edge(Generic[T]):
    """With its cursor."""

    cursor: str
    node: T


@strawberry.type(description="A page of a list, best first.")
class Connection(Generic[T]):
    """Relay's connection."""

    edges: list[Edge[T]]
    page_info: PageInfo

    @strawberry.field(description="The nodes of `edges`, for those who need no cursors.")
    def nodes(self) -> list[T]:
        """Return what the edges hold."""
        return [edge.node for edge in self.edges]


@strawberry.type(description="A category of the shop's tree.")
class Category(Node):
    """`externalId` is the full path, `A > B > C`."""

    external_id: str = strawberry.field(description="The full path, `A > B > C`.")
    name: str = strawberry.field(description="The last part of the path.")
    level: int = strawberry.field(description="0 for a root.")
    parent_id: strawberry.Private[str | None]

    @staticmethod
    def of(row: CategoryRow) -> "Category":
        """Wrap a row of the graph."""
        return Category(
            id=global_id("Category", row.id),
            external_id=row.id,
            name=row.name,
            level=row.level,
            parent_id=row.parent_id,
        )

    @strawberry.field(description="The category above; null for a root.")
    async def parent(self, info: Info) -> Annotated["Category", strawberry.lazy("api.types")] | None:
        """Load the parent, together with those of the whole request."""
        row = await info.context.loaders.categories.load(self.parent_id) if self.parent_id else None
        return Category.of(row) if row else None

    @strawberry.field(description="For analysts: the users who would most likely buy something in it or below it.")
    async def audience(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        mode: Mode | None = Mode.ALL,
    ) -> "Connection[AudienceMember]":
        """Rank up to 100 candidates of the graph by the model."""
        from api import audience

        return await audience.of_category(info.context, self.external_id, first, after, mode or Mode.ALL)


@strawberry.type(description="Who makes an item.")
class Brand(Node):
    """A brand or a manufacturer."""

    external_id: str = strawberry.field(description="The shop's own id.")
    name: str = strawberry.field(description="The id where the shop gave no name.")

    @staticmethod
    def of(row: BrandRow) -> "Brand":
        """Wrap a row of the graph."""
        return Brand(id=global_id("Brand", row.id), external_id=row.id, name=row.name)


@strawberry.type(description="Something that the shop sells.")
class Item(Node):
    """An item with its price level."""

    external_id: str = strawberry.field(description="The shop's own id.")
    title: str = strawberry.field(description="The external id where the shop gave no title.")
    description: str | None
    price: float | None = strawberry.field(description="The shop's price, else what was usually paid.")
    currency: str | None = strawberry.field(description="Of the price, as the shop names it: most often ISO 4217.")
    price_level: float | None = strawberry.field(description="Percentile of the price within its category, 0-1.")
    image: str | None = strawberry.field(description="Its address, as the shop gave it.")
    available: bool = strawberry.field(description="Whether the graph says now that it can be had.")
    category_id: strawberry.Private[str | None]
    brand_id: strawberry.Private[str | None]

    @staticmethod
    def of(row: ItemRow) -> "Item":
        """Wrap a row of the graph."""
        return Item(
            id=global_id("Item", row.id),
            external_id=row.id,
            title=row.title or row.id,
            description=row.description,
            price=row.price,
            currency=row.currency,
            price_level=row.price_level,
            image=row.image,
            available=row.available,
            category_id=row.category_id,
            brand_id=row.brand_id,
        )

    @strawberry.field(description="The leaf of the category tree.")
    async def category(self, info: Info) -> Category | None:
        """Load the category, together with those of the whole request."""
        row = await info.context.loaders.categories.load(self.category_id) if self.category_id else None
        return Category.of(row) if row else None

    @strawberry.field
    async def brand(self, info: Info) -> Brand | None:
        """Load the brand, together with those of the whole request."""
        row = await info.context.loaders.brands.load(self.brand_id) if self.brand_id else None
        return Brand.of(row) if row else None

    @strawberry.field(description="Items that the model connects with this one: bought by the same people.")
    async def similar(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002 - the argument's name
    ) -> "Connection[SimilarItem]":
        """Return a page of them, strongest first; none for an item that the model does not know."""
        from api import related

        return await related.similar(info.context, self.external_id, first, after, filter)

    @strawberry.field(description="Items in the same baskets more often than by chance, of its newest 500 baskets.")
    async def bought_together(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002
    ) -> "Connection[TogetherItem]":
        """Return a page of them, by support times the logarithm of the lift."""
        from api import related

        return await related.bought_together(info.context, self.external_id, first, after, filter)

    @strawberry.field(description="For analysts: the users who would most likely buy it.")
    async def audience(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        mode: Mode | None = Mode.ALL,
    ) -> "Connection[AudienceMember]":
        """Rank up to 100 candidates of the graph by the model."""
        from api import audience

        return await audience.of_item(info.context, self.external_id, first, after, mode or Mode.ALL)


@strawberry.type
class ItemEdge:
    """An item of a list."""

    cursor: str
    node: Item


@strawberry.type(description="Items in a stable order.")
class ItemConnection:
    """A page of items."""

    edges: list[ItemEdge]
    page_info: PageInfo

    @strawberry.field(description="The nodes of `edges`, for those who need no cursors.")
    def nodes(self) -> list[Item]:
        """Return what the edges hold."""
        return [edge.node for edge in self.edges]


@strawberry.type(description="An item that the model connects with another one.")
class SimilarItem:
    """By the model's item-item weights."""

    item: Item
    weight: float = strawberry.field(description="What having the one says for the other, in the model's own measure.")


@strawberry.type(description="An item that is bought together with another one, by 5 or more shoppers.")
class TogetherItem:
    """By the baskets in the graph."""

    item: Item
    support: int = strawberry.field(description="Baskets with both, of those looked at.")
    confidence: float = strawberry.field(description="Share of the other item's baskets that hold this one, 0-1.")
    lift: float = strawberry.field(
        description="How many times likelier a line of these baskets is this item than a line of any basket."
    )


@strawberry.type(description="A user who would likely buy.")
class AudienceMember:
    """Rank 1 is the likeliest."""

    user: Annotated["User", strawberry.lazy("api.user")]
    item: Item = strawberry.field(description="What the user would most likely buy of what was asked about.")
    rank: int
    score: float = strawberry.field(description="The model's score of this user and item.")
    estimated: bool = strawberry.field(description=ESTIMATED)
