"""What a document may ask for."""

import time
from typing import Any

import pytest
from graphql import parse

from api.limits import Limits, refusal
from api.schema import build

SCHEMA = build()._schema  # pyright: ignore
LIST = "recommendations(first: %s) { edges { node { rank item { title category { name } } } } }"


def code(query: str, variables: dict[str, Any] | None = None, limits: Limits | None = None) -> str | None:
    found = refusal(SCHEMA, parse(query), variables or {}, limits or Limits())
    return None if found is None else (found.extensions or {})["code"]


def cost(query: str, variables: dict[str, Any] | None = None) -> int:
    found = refusal(SCHEMA, parse(query), variables or {}, Limits(cost=-1))
    assert found is not None
    assert found.extensions is not None
    return found.extensions["cost"]


def test_a_page_of_a_shop_is_allowed() -> None:
    assert code('{ user(id: "u") { ' + LIST % 100 + " } }") is None


def test_lists_within_lists_are_refused_in_milliseconds() -> None:
    begun = time.perf_counter()
    assert code("{ users(first: 100) { edges { node { " + LIST % 100 + " } } } }") == "QUERY_TOO_COSTLY"
    assert time.perf_counter() - begun < 0.05


def test_cost_grows_with_the_length_of_the_list() -> None:
    hundred, ten = (cost('{ user(id: "u") { ' + LIST % n + " } }") for n in (100, 10))
    assert hundred - ten == 90 * 3  # node, item, category


def test_a_list_length_in_a_variable_counts_like_a_literal() -> None:
    literal = '{ user(id: "u") { ' + LIST % 40 + " } }"
    variable = 'query ($n: Int) { user(id: "u") { ' + LIST % "$n" + " } }"
    default = 'query ($n: Int = 40) { user(id: "u") { ' + LIST % "$n" + " } }"
    assert cost(literal) == cost(variable, {"n": 40}) == cost(default)


def test_a_list_without_length_counts_with_its_default() -> None:
    unsaid = "{ users { edges { node { externalId purchasePower { income } } } } }"
    assert cost(unsaid) == cost(unsaid.replace("users", "users(first: 20)"))


def test_as_many_nodes_as_ids_are_counted() -> None:
    one = cost('{ nodes(ids: ["a"]) { ... on User { purchasePower { income } } } }')
    three = cost('{ nodes(ids: ["a", "b", "c"]) { ... on User { purchasePower { income } } } }')
    assert three > one
    by_variable = "query ($i: [ID!]!) { nodes(ids: $i) { ... on User { purchasePower { income } } } }"
    assert cost(by_variable, {"i": ["a", "b", "c"]}) == three


def test_too_many_levels_are_refused() -> None:
    deep = "parent { " * 12 + "name" + " }" * 12
    assert code('{ category(id: "c") { ' + deep + " } }") == "QUERY_TOO_DEEP"
    assert code('{ category(id: "c") { parent { parent { name } } } }') is None


def test_levels_hidden_in_fragments_count() -> None:
    fragments = " ".join(f"fragment f{n} on Category {{ parent {{ ...f{n + 1} }} }}" for n in range(13))
    query = '{ category(id: "c") { ...f0 } } ' + fragments + " fragment f13 on Category { name }"
    assert code(query) == "QUERY_TOO_DEEP"


def test_fragments_that_spread_each_other_twice_take_no_exponential_time() -> None:
    fragments = " ".join(f"fragment f{n} on Category {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60))
    query = '{ category(id: "c") { ...f0 } } ' + fragments + " fragment f60 on Category { a: name }"
    begun = time.perf_counter()
    assert code(query) == "TOO_MANY_ALIASES"
    assert time.perf_counter() - begun < 0.5


def test_fragments_in_a_circle_are_left_to_validation() -> None:
    assert (
        code('{ category(id: "c") { ...a } } fragment a on Category { ...b } fragment b on Category { ...a }') is None
    )


def test_aliases_are_counted() -> None:
    query = "{ " + " ".join(f'a{n}: item(id: "i") {{ title }}' for n in range(31)) + " }"
    assert code(query) == "TOO_MANY_ALIASES"


@pytest.mark.parametrize("first", ["1000000000", "-5", "null", '"x"'])
def test_a_length_that_cannot_be_served_costs_no_more_than_the_longest_page(first: str) -> None:
    assert code('{ user(id: "u") { ' + LIST % first + " } }") is None


def test_unknown_fields_are_left_to_validation() -> None:
    assert code("{ nothing { of { the { kind } } } }") is None
