"""The contract: the committed SDL, and what the design fixes of it."""

from graphql import build_schema, print_type

from api import schema


def test_the_committed_schema_is_that_of_the_code() -> None:
    assert schema.SDL.read_text(encoding="utf-8") == schema.text(), "run `python -m api.schema` and review the diff"


FIXED = {
    "Query": (
        "user(id: String!): User",
        "item(id: String!): Item",
        "category(id: String!): Category",
        "node(id: ID!): Node",
        "nodes(ids: [ID!]!): [Node]!",
        "items(first: Int = 20, after: String, search: String, category: String): ItemConnection!",
        "users(first: Int = 20, after: String, search: String): UserConnection!",
        "model: Model",
    ),
    "User": (
        "implements Node",
        "id: ID!",
        "externalId: String!",
        "purchasePower: PurchasePower!",
        "recommendations(first: Int = 20, after: String, mode: Mode = ALL, budget: Float, categories: [String!], "
        "exclude: [String!], diversity: Float = 0, filter: ListFilter, asOf: AsOfInput): RecommendationConnection!",
        "neighbors(first: Int = 10): [Neighbor!]!",
        "explain(item: String!): Explanation",
    ),
    "Recommendation": ("item: Item!", "rank: Int!", "score: Float!", "explanation: Explanation!"),
    "Explanation": (
        "sentence(locale: Locale = EN): String!",
        "score: Float!",
        "contributions: [Contribution!]!",
        "neighbors: NeighborSummary!",
        "cypher: String!",
    ),
    "Contribution": (
        "kind: ContributionKind!",
        "value: Float!",
        "path: [Node!]!",
        "sentence(locale: Locale = EN): String!",
    ),
    "Mutation": (
        "recordEvents(input: RecordEventsInput!): RecordEventsPayload!",
        "eraseUser(id: String!): EraseUserPayload!",
    ),
    "Subscription": ("recommendations(user: String!, first: Int = 20, filter: ListFilter): RecommendationConnection!",),
    "Mode": ("ALL", "DISCOVER", "REBUY"),
}


def test_names_and_nullability_are_those_of_the_design() -> None:
    found = build_schema(schema.SDL.read_text(encoding="utf-8"))
    for name, lines in FIXED.items():
        kind = found.get_type(name)
        assert kind is not None
        printed = print_type(kind)
        for line in lines:
            assert line in printed, f"{name}: {line}"


def test_every_contribution_kind_of_the_model_and_of_requests_is_in_the_schema() -> None:
    from api.types import ContributionKind
    from gnn.explain import Kind
    from gnn.filters import Added

    assert {kind.name for kind in (*Kind, *Added)} | {"OTHER"} == {kind.name for kind in ContributionKind}
