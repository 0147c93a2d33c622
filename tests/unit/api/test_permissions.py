"""Every field of the schema has been decided about, and nobody reaches another user's data sideways."""

import pytest
from graphql import (
    GraphQLNamedType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_interface_type,
    is_object_type,
    parse,
)

from api import permissions, schema
from api.access import demands, denial
from api.identity import NOBODY, Identity, Scope
from api.permissions import RULES

SCHEMA: GraphQLSchema = schema.build()._schema  # pyright: ignore
OTHERS = Identity("key:1", frozenset({Scope.CUSTOMER}), "u0")


def code(query: str, identity: Identity, **variables: object) -> str | None:
    document = parse(query)
    found = denial(SCHEMA, document, demands(SCHEMA, document), identity, variables)
    return None if found is None else str((found.extensions or {})["code"])


def one(*scopes: Scope, user: str | None = None) -> Identity:
    return Identity("key:1", frozenset(scopes), user)


def test_every_field_of_the_committed_schema_has_a_decision() -> None:
    found = permissions.coordinates(build_schema(schema.SDL.read_text(encoding="utf-8")))
    assert found == {name for name in RULES if not name.endswith(":)")}


def test_an_argument_may_have_a_rule_of_its_own() -> None:
    query = 'query ($to: AsOfInput) { user(id: "u1") { recommendations(first: 1%s) { nodes { rank } } } }'
    customer, service = one(Scope.CUSTOMER, user="u1"), one(Scope.SERVICE)
    assert code(query % "", customer) is None
    assert code(query % ", asOf: $to", customer) == "FORBIDDEN"
    assert code(query % ", asOf: $to", service) is None


def test_a_field_without_a_decision_cannot_be_served() -> None:
    grown = build_schema(schema.SDL.read_text(encoding="utf-8") + "extend type Item { secret: String }")
    with pytest.raises(RuntimeError, match=r"Item\.secret"):
        permissions.check_complete(grown)


def test_a_decision_about_a_field_that_is_gone_is_found() -> None:
    with pytest.raises(RuntimeError, match=r"Brand\.name"):
        permissions.check_complete(build_schema("type Query { user(id: String!): String }"))


def _reaches_users(kind: GraphQLNamedType, seen: set[str]) -> bool:
    if kind.name in seen:
        return False
    seen.add(kind.name)
    if kind.name in ("User", "Node"):  # a Node may be a User
        return True
    if not (is_object_type(kind) or is_interface_type(kind)):
        return False
    open_ = (f for name, f in kind.fields.items() if Scope.CUSTOMER in RULES[f"{kind.name}.{name}"].scopes)
    return any(_reaches_users(get_named_type(field.type), seen) for field in open_)


# Its paths begin with an item: there is no user in an anonymous session.
NAMELESS = {"Query.session"}


def test_a_customer_reaches_users_only_where_it_must_name_itself() -> None:
    for root in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type):
        assert root is not None
        for name, field in root.fields.items():
            rule = RULES[f"{root.name}.{name}"]
            if Scope.CUSTOMER in rule.scopes and _reaches_users(get_named_type(field.type), set()):
                coordinate = f"{root.name}.{name}"
                assert rule.owner or coordinate in NAMELESS, f"{coordinate} shows users to any customer"


def test_the_arguments_that_name_an_owner_exist() -> None:
    for coordinate, rule in RULES.items():
        if rule.owner:
            kind, name = coordinate.split(".")
            parent = SCHEMA.get_type(kind)
            assert is_object_type(parent)
            steps = rule.owner.split(".")
            inside = parent.fields[name].args[steps[0]].type
            for step in steps[1:]:
                inside = get_named_type(inside).fields[step].type  # pyright: ignore


def test_without_authentication_everything_is_open() -> None:
    assert code('mutation { eraseUser(id: "u1") { erasedEvents } }', NOBODY) is None


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ('{ user(id: "u0") { externalId } }', True),
        ('{ user(id: "u1") { externalId } }', False),
        ('{ a: user(id: "u0") { id } b: user(id: "u1") { id } }', False),
        ('{ node(id: "VXNlcjp1MA==") { id } }', True),
        ('{ node(id: "VXNlcjp1MQ==") { ... on User { purchasePower { income } } } }', False),
        ('{ nodes(ids: ["VXNlcjp1MA==", "SXRlbTppMQ=="]) { id } }', True),
        ('{ nodes(ids: ["VXNlcjp1MA==", "VXNlcjp1MQ=="]) { id } }', False),
        ("{ users { nodes { id } } }", False),
        ('{ user(id: "u0") { explain(item: "i0") { sentence } } }', True),
        ('{ user(id: "u0") { explain(item: "i0") { cypher } } }', False),
        ('{ ...f } fragment f on Query { user(id: "u1") { id } }', False),
        ('{ ... { user(id: "u1") @skip(if: true) { id } } }', False),
        ('subscription { recommendations(user: "u0") { modelVersion } }', True),
        ('subscription { recommendations(user: "u1") { modelVersion } }', False),
        ('mutation { recordEvents(input: {events: [{user: "u0", item: "i", type: "view"}]}) { recorded } }', True),
        ('mutation { recordEvents(input: {events: {user: "u1", item: "i", type: "view"}}) { recorded } }', False),
        ('mutation { eraseUser(id: "u0") { erasedEvents } }', False),
        ('{ user(id: "u0") { whyNot(item: "i0") { sentence changes { sentence } } disputes { kind } } }', True),
        ('{ user(id: "u1") { whyNot(item: "i0") { sentence } } }', False),
        ('mutation { disputeReason(input: {user: "u0", kind: ITEM, path: []}) { changed } }', True),
        ('mutation { disputeReason(input: {user: "u1", kind: ITEM, path: []}) { changed } }', False),
        ('mutation { withdrawDispute(input: {user: "u1", kind: ITEM, path: []}) { changed } }', False),
        ('{ session(events: [{item: "i1"}]) { nodes { rank } } }', True),
        ('{ basket(items: [{item: "i1"}]) { total } }', True),
        ('{ basket(items: [{item: "i1"}], user: "u0") { total } }', True),
        ('{ basket(items: [{item: "i1"}], user: "u1") { total } }', False),
        ('{ rerank(items: ["i1"], user: "u1") { nodes { rank } } }', False),
        ('{ item(id: "i1") { boughtTogether { nodes { lift } } } }', True),
        ('{ item(id: "i1") { audience { nodes { score } } } }', False),
        ('{ category(id: "Food") { audience { nodes { score } } } }', False),
    ],
)
def test_a_customer_sees_itself_alone(query: str, allowed: bool) -> None:
    assert code(query, OTHERS) == (None if allowed else "FORBIDDEN")


def test_a_user_named_by_variables_or_their_defaults_counts() -> None:
    query = "query ($u: String!) { user(id: $u) { id } }"
    assert code(query, OTHERS, u="u0") is None
    assert code(query, OTHERS, u="u1") == "FORBIDDEN"
    default = 'query ($u: String! = "u1") { user(id: $u) { id } }'
    assert code(default, OTHERS) == "FORBIDDEN"
    assert code(default, OTHERS, u="u0") is None
    record = "mutation ($e: [EventInput!]!) { recordEvents(input: {events: $e}) { recorded } }"
    event = {"item": "i", "type": "view"}
    assert code(record, OTHERS, e=[{"user": "u0"} | event]) is None
    assert code(record, OTHERS, e=[{"user": "u0"} | event, {"user": "u1"} | event]) == "FORBIDDEN"


def test_a_customer_without_a_user_sees_nobody() -> None:
    assert code('{ user(id: "u0") { id } }', one(Scope.CUSTOMER)) == "FORBIDDEN"


def test_what_the_other_scopes_may_do() -> None:
    users, erase = "{ users { nodes { id } } }", 'mutation { eraseUser(id: "u0") { erasedEvents } }'
    record = 'mutation { recordEvents(input: {events: [{user: "u1", item: "i", type: "view"}]}) { recorded } }'
    for scope, allowed in (
        (Scope.ANALYST, {users}),
        (Scope.SERVICE, {users, record}),
        (Scope.ADMIN, {users, record, erase}),
    ):
        assert {query for query in (users, record, erase) if code(query, one(scope)) is None} == allowed
    assert code("{ model { version } }", one()) == "FORBIDDEN"
    both = one(Scope.CUSTOMER, Scope.ANALYST, user="u0")
    assert code('{ user(id: "u1") { id } }', both) is None
    assert code(record, both) == "FORBIDDEN"
