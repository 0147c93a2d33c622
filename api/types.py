"""The objects of the shop as GraphQL sees them; external ids inside, Relay ids outside."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from api.context import Info
from api.ids import global_id
from gnn.artefact import Manifest
from gnn.explain import Kind
from gnn.filters import Added, Mode
from graph.explore import BrandRow, CategoryRow, ItemRow

strawberry.enum(
    Mode,
    name="Mode",
    description="ALL: every item. DISCOVER: only what the user never bought. REBUY: only what the user bought before.",
)


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


@strawberry.enum(description="How sure a user's purchase power is.")
class Certainty(StrEnum):
    """Where the figures of a purchase power come from."""

    KNOWN = "KNOWN"
    INFERRED = "INFERRED"
    UNKNOWN = "UNKNOWN"


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


@strawberry.type(description="A category of the shop's tree.")
class Category(Node):
    """`externalId` is the full path, `A > B > C`."""

    external_id: str
    name: str
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


@strawberry.type(description="Who makes an item.")
class Brand(Node):
    """A brand or a manufacturer."""

    external_id: str
    name: str

    @staticmethod
    def of(row: BrandRow) -> "Brand":
        """Wrap a row of the graph."""
        return Brand(id=global_id("Brand", row.id), external_id=row.id, name=row.name)


@strawberry.type(description="Something that the shop sells.")
class Item(Node):
    """An item with its price level."""

    external_id: str
    title: str = strawberry.field(description="The external id where the shop gave no title.")
    description: str | None
    price: float | None = strawberry.field(description="The shop's price, else what was usually paid.")
    currency: str | None
    price_level: float | None = strawberry.field(description="Percentile of the price within its category, 0-1.")
    image: str | None
    available: bool
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


@strawberry.type(description="What a user can and does spend.")
class PurchasePower:
    """Figures are null where nothing is known."""

    income: str | None = strawberry.field(description="Income band, as the shop names it.")
    spend_per_week: float | None
    basket_value: float | None = strawberry.field(description="Mean money per basket.")
    price_level: float | None = strawberry.field(description="Mean price level of what was bought, 0-1.")
    discount_share: float | None = strawberry.field(description="Share of the usual prices that was not paid, 0-1.")
    purchases: int = strawberry.field(description="Lines bought that the figures rest on.")
    known: Certainty = strawberry.field(
        description="KNOWN: the shop declares the income. INFERRED: from purchases alone. UNKNOWN: neither."
    )


@strawberry.type(description="Another shopper with much in common; never who.")
class Neighbor:
    """A neighbour without identity."""

    similarity: float
    shared_items: int
    shared_categories: int


@strawberry.type(description="How many other shoppers went the same way; never who.")
class NeighborSummary:
    """A count that is hidden while it is small."""

    shoppers: int | None = strawberry.field(
        description="Others who share at least two recent items with the user and bought this one; null below 5."
    )
    sentence: str | None = strawberry.field(description="The same in words; null below 5.")


@strawberry.type(description="One figure of the model, or of a baseline beside it.")
class Metric:
    """A measured figure."""

    model: str
    name: str
    value: float


@strawberry.type(description="The model that is being served.")
class Model:
    """What the manifest of the current artefact says."""

    version: str
    trained_at: datetime
    trained: bool = strawberry.field(description="False for first weights, which serve until there is enough to learn.")
    snapshot: str = strawberry.field(description="Id of the snapshot that it was trained on.")
    metrics: list[Metric] = strawberry.field(description="On the validation period, beside the baselines.")

    @staticmethod
    def of(manifest: Manifest) -> "Model":
        """Wrap the manifest of an artefact."""
        return Model(
            version=manifest.version,
            trained_at=datetime.fromisoformat(manifest.created),
            trained=manifest.trained,
            snapshot=manifest.snapshot,
            metrics=[
                Metric(model=model, name=name, value=value)
                for model, row in manifest.metrics.items()
                for name, value in row.items()
            ],
        )
