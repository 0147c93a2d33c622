"""Who may read or call which field: one decision per coordinate of the schema, and none left open.

A field without a decision cannot be served: `api.schema.build` stops with its name. Decide here who may use it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from graphql import GraphQLSchema, is_interface_type, is_object_type

from api.identity import Scope


@dataclass(frozen=True, slots=True)
class Rule:
    """The scopes that may use a field."""

    scopes: frozenset[Scope]
    owner: str | None = None
    """Where the arguments name users, dotted (`input.events.user`): a customer may name only itself there."""
    global_ids: bool = False
    """Whether they are named by global ids, which may also name other things."""


EVERYONE = Rule(frozenset(Scope))
STAFF = Rule(frozenset(Scope) - {Scope.CUSTOMER})
ANALYSTS = Rule(frozenset({Scope.ANALYST, Scope.ADMIN}))
ADMIN = Rule(frozenset({Scope.ADMIN}))


def own(path: str, *, but: Iterable[Scope] = (), global_ids: bool = False) -> Rule:
    """Everyone (`but` for these scopes), a customer for itself alone."""
    return Rule(frozenset(Scope) - frozenset(but), path, global_ids)


_RULES: Mapping[str, Mapping[str, Rule]] = {
    "Query": {
        "user": own("id"),
        "item": EVERYONE,
        "category": EVERYONE,
        "node": own("id", global_ids=True),
        "nodes": own("ids", global_ids=True),
        "items": EVERYONE,
        "users": STAFF,
        "model": EVERYONE,
        "session": EVERYONE,
        "basket": own("user"),
        "rerank": own("user"),
        "popular": EVERYONE,
        "trending": EVERYONE,
    },
    "Mutation": {
        "recordEvents": own("input.events.user", but=[Scope.ANALYST]),
        "eraseUser": ADMIN,
        "disputeReason": own("input.user", but=[Scope.ANALYST]),
        "withdrawDispute": own("input.user", but=[Scope.ANALYST]),
    },
    "Subscription": {
        "recommendations": own("user"),
    },
    # The text names the shop's graph and is for those who may look into it.
    "Explanation": {"cypher": STAFF},
    # Attributes may be what a shop tells no customer, as a segment or a risk.
    "Model": {"metrics": STAFF, "attributes": STAFF},
    # Who would buy names users.
    "Item": {"audience": ANALYSTS},
    "Category": {"audience": ANALYSTS},
    # An argument may have a rule of its own. To load a model of before costs more than a customer may spend.
    "User": {"pseudonymousNeighbors": ANALYSTS, "recommendations(asOf:)": STAFF},
}

# What these types hold is open to whoever may enter through one of the fields that return them.
_OPEN: Mapping[str, str] = {
    "AudienceMember": "user item rank score estimated",
    "AudienceMemberConnection": "edges pageInfo nodes",
    "AudienceMemberEdge": "cursor node",
    "Basket": "lines unknown total unpriced moneyLeft completions",
    "BasketLine": "item quantity price",
    "Breadth": "items categories effectiveCategories brands effectiveBrands priceTiers",
    "Bubble": "list history lastMonth catalogue neverBought kept sentences",
    "Brand": "id externalId name",
    "BuyAgainItem": "item times lastAt expectedAt earliestAt latestAt",
    "BuyAgainItemConnection": "edges pageInfo nodes",
    "BuyAgainItemEdge": "cursor node",
    "Category": "id externalId name level parent",
    "Comparison": "before after moved",
    "Contribution": "kind value path sentence",
    "ContributionChange": "kind path before after sentence",
    "DemandedItem": "item rank purchases before growth",
    "DemandedItemConnection": "edges pageInfo nodes",
    "DemandedItemEdge": "cursor node",
    "Dispute": "kind path at",
    "DisputePayload": "disputed changed userErrors",
    "EraseUserPayload": "erasedEvents userErrors",
    "Explanation": "sentence score estimated contributions neighbors",
    "GapPart": "kind path own other difference sentence",
    "Item": "id externalId title description price currency priceLevel image available category brand similar "
    "boughtTogether",
    "ItemConnection": "edges pageInfo nodes",
    "ItemEdge": "cursor node",
    "Metric": "model name value",
    "Model": "version trainedAt trained snapshot",
    "ModelAttribute": "name kind values",
    "Move": "item rankBefore rankAfter scoreBefore scoreAfter estimated contributions",
    "Neighbor": "similarity sharedItems sharedCategories",
    "NeighborSummary": "shoppers sentence",
    "Node": "id",
    "Obstacle": "kind argument sentence",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "PseudonymousNeighbor": "pseudonym similarity sharedItems sharedCategories attributes",
    "PurchasePower": "income spendPerWeek basketValue priceLevel discountShare purchases known certainty",
    "PowerCertainty": "income spendPerWeek basketValue priceLevel discountShare",
    "Recommendation": "item rank score pinned estimated explanation",
    "RecommendationConnection": "edges pageInfo modelVersion asOf nodes",
    "RecommendationEdge": "cursor node",
    "RecordEventsPayload": "recorded existing rejected results userErrors clientMutationId",
    "RecordedEvent": "eventId status",
    "RerankedConnection": "edges pageInfo unknown modelVersion nodes",
    "RerankedEdge": "cursor node",
    "RerankedItem": "item rank score estimated explanation",
    "SharedAttribute": "name value",
    "SimilarItem": "item weight",
    "SimilarItemConnection": "edges pageInfo nodes",
    "SimilarItemEdge": "cursor node",
    "SingleChange": "kind amount argument mode rank sentence",
    "TogetherItem": "item support confidence lift",
    "TogetherItemConnection": "edges pageInfo nodes",
    "TogetherItemEdge": "cursor node",
    "User": "id externalId purchasePower recommendations recentlyViewed buyAgain neighbors explain whatIf whyNot "
    "disputes bubble",
    "UserConnection": "edges pageInfo nodes",
    "UserEdge": "cursor node",
    "UserError": "field code message",
    "ViewedItem": "item at times",
    "ViewedItemConnection": "edges pageInfo nodes",
    "ViewedItemEdge": "cursor node",
    "WhyNot": "item sentence listed rank place candidates obstacles score estimated last gap contributions changes",
}

RULES: Mapping[str, Rule] = MappingProxyType(
    {f"{kind}.{name}": EVERYONE for kind, names in _OPEN.items() for name in names.split()}
    | {f"{kind}.{name}": rule for kind, fields in _RULES.items() for name, rule in fields.items()}
)
"""The decision of each coordinate, `Type.field`, and of some arguments, `Type.field(argument:)`."""


def coordinates(schema: GraphQLSchema) -> set[str]:
    """Return the coordinates of all fields of the schema but those of introspection."""
    kinds = (kind for kind in schema.type_map.values() if not kind.name.startswith("__"))
    return {
        f"{kind.name}.{name}"
        for kind in kinds
        if is_object_type(kind) or is_interface_type(kind)
        for name in kind.fields
    }


def arguments(schema: GraphQLSchema) -> set[str]:
    """Return the coordinates of all arguments, `Type.field(argument:)`; most need no decision."""
    kinds = (kind for kind in schema.type_map.values() if is_object_type(kind))
    return {
        f"{kind.name}.{name}({argument}:)"
        for kind in kinds
        for name, field in kind.fields.items()
        for argument in field.args
    }


def check_complete(schema: GraphQLSchema) -> None:
    """Raise `RuntimeError` when the schema and the decisions differ."""
    found = coordinates(schema)
    if undecided := sorted(found - RULES.keys()):
        raise RuntimeError(f"nobody has decided who may use {', '.join(undecided)}: add them to api/permissions.py")
    if gone := sorted(RULES.keys() - found - arguments(schema)):
        raise RuntimeError(f"api/permissions.py decides about {', '.join(gone)}, which the schema does not have")
