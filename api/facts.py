"""What is told about users and the model in figures: purchase power, neighbours, metrics."""

from datetime import datetime
from enum import StrEnum

import strawberry

from api import sentences
from api.context import Info
from api.types import Item
from api.words import Locale
from gnn.artefact import Artefact


@strawberry.enum(description="How sure a user's purchase power is.")
class Certainty(StrEnum):
    """Where the figures of a purchase power come from."""

    KNOWN = "KNOWN"
    INFERRED = "INFERRED"
    UNKNOWN = "UNKNOWN"


@strawberry.type(description="How sure each figure of a purchase power is.")
class PowerCertainty:
    """KNOWN: declared by the shop. INFERRED: from purchases. UNKNOWN: neither."""

    income: Certainty
    spend_per_week: Certainty
    basket_value: Certainty
    price_level: Certainty
    discount_share: Certainty


@strawberry.type(description="What a user can and does spend.")
class PurchasePower:
    """Figures are null where nothing is known."""

    income: str | None = strawberry.field(description="Income band, as the shop names it.")
    spend_per_week: float | None = strawberry.field(
        description="Mean money per week since the first event, less returns."
    )
    basket_value: float | None = strawberry.field(description="Mean money per basket.")
    price_level: float | None = strawberry.field(description="Mean price level of what was bought, 0-1.")
    discount_share: float | None = strawberry.field(description="Share of the usual prices that was not paid, 0-1.")
    purchases: int = strawberry.field(description="Lines bought that the figures rest on.")
    known: Certainty = strawberry.field(
        description="KNOWN: the shop declares the income. INFERRED: from purchases alone. UNKNOWN: neither."
    )
    certainty: PowerCertainty = strawberry.field(description="The same for each figure.")


@strawberry.type(description="Another shopper with much in common; never who.")
class Neighbor:
    """What the shopper's whole group of five (or as many as the shop asks for) has in common with the user at least."""

    similarity: float = strawberry.field(
        description="Share of the items of both that both have, 0-1, rounded down to a twentieth."
    )
    shared_items: int = strawberry.field(
        description="Items that both have, at least: rounded down to 1, 2, 5, 10, 20, 50 ..."
    )
    shared_categories: int = strawberry.field(description="Categories that both have, rounded down likewise.")


@strawberry.type(description="How many other shoppers went the same way; never who.")
class NeighborSummary:
    """A figure of the model's own time that says too little to point at anybody."""

    shoppers: int | None = strawberry.field(
        description="At least so many others share two recent items with the user and bought this one, as of the "
        "training of the model: a multiple of 5, or of what the shop asks for; null where it is less."
    )

    @strawberry.field(description="The same in words.")
    def sentence(self, info: Info, locale: Locale | None = Locale.EN) -> str | None:
        """Tell what may be told."""
        if self.shoppers is None:
            return None
        return sentences.neighbors(info.context.recommender.spoken(locale), self.shoppers)


@strawberry.type(description="What the shop declares about somebody.")
class SharedAttribute:
    """By the shop's own names."""

    name: str
    value: str


@strawberry.type(description="For analysts: another shopper by a made-up name that holds as long as the model.")
class PseudonymousNeighbor:
    """As of the training of the model."""

    pseudonym: str
    similarity: float = strawberry.field(description="Share of the items of both that both have, 0-1.")
    shared_items: list[Item] = strawberry.field(description="What both have, newest first; nothing else of the other.")
    shared_categories: int
    attributes: list[SharedAttribute] = strawberry.field(
        description="Those that five or more of the neighbours looked at share (or as many as the shop asks for)."
    )


@strawberry.type(description="One figure of the model, or of a baseline beside it.")
class Metric:
    """A measured figure."""

    model: str = strawberry.field(description="attune, or the name of a baseline.")
    name: str = strawberry.field(
        description="Measure, length of the list and slice: ndcg20_all. novel is what the user never bought before, "
        "unexplored what is from categories new to it."
    )
    value: float = strawberry.field(description="0-1, the higher the better.")


@strawberry.enum(description="How the values of an attribute of users stand to each other.")
class AttributeKind(StrEnum):
    """As the shop declares it, or as loading found it."""

    CATEGORICAL = "CATEGORICAL"
    ORDINAL = "ORDINAL"
    NUMERIC = "NUMERIC"


@strawberry.type(description="An attribute of users that the model looks at: whatIf may change it.")
class ModelAttribute:
    """What the shop declares about users, as the model learned to read it."""

    name: str
    kind: AttributeKind
    values: list[str] = strawberry.field(
        description="The values that it may have, ORDINAL ones from the least; none where it is NUMERIC."
    )


@strawberry.type(description="The model that is being served.")
class Model:
    """What the current artefact says of itself."""

    version: str
    trained_at: datetime
    trained: bool = strawberry.field(description="False for first weights, which serve until there is enough to learn.")
    snapshot: str = strawberry.field(description="Id of the snapshot that it was trained on.")
    metrics: list[Metric] = strawberry.field(description="On the validation period, beside the baselines.")
    attributes: list[ModelAttribute] = strawberry.field(description="What it looks at of users beside their events.")

    @staticmethod
    def of(artefact: Artefact) -> "Model":
        """Tell of an artefact."""
        manifest = artefact.manifest
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
            attributes=[
                ModelAttribute(name=trait.name, kind=AttributeKind(trait.kind.upper()), values=list(trait.levels))
                for trait in artefact.scheme.traits
            ],
        )
