"""The fields of the API over real HTTP and a real graph: lists, pages, explanations, lookups."""

import itertools
from typing import Any

import pytest

from tests.served import Served, statements
from tests.shop import CATEGORIES, Shop

pytestmark = pytest.mark.integration

LIST = """query ($user: String!, $first: Int, $after: String, $mode: Mode, $budget: Float, $categories: [String!],
    $exclude: [String!], $diversity: Float) {
  user(id: $user) { recommendations(first: $first, after: $after, mode: $mode, budget: $budget,
      categories: $categories, exclude: $exclude, diversity: $diversity) {
    modelVersion pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { rank score item { externalId price category { externalId parent { externalId } } } } }
  } } }"""

EXPLAINED = """query ($user: String!, $first: Int!) { user(id: $user) { recommendations(first: $first) { edges { node {
  rank score item { id title price priceLevel category { name } brand { name } }
  explanation { sentence score cypher neighbors { shoppers sentence }
    contributions { kind value sentence path { __typename id ... on Item { title } ... on User { externalId } } } }
} } } } }"""


def listed(api: Served, user: str, **wish: Any) -> list[str]:
    edges = api.ask(LIST, user=user, **wish)["user"]["recommendations"]["edges"]
    return [edge["node"]["item"]["externalId"] for edge in edges]


def bought(shop: Shop, user: str) -> set[str]:
    return {str(e["item_id"]) for e in shop.events if e["user_id"] == user and e["type"] == "purchase"}


def test_a_user_of_taste_gets_what_it_likes(api: Served) -> None:
    edges = api.ask(LIST, user="u0", first=10)["user"]["recommendations"]["edges"]
    assert [edge["node"]["rank"] for edge in edges] == list(range(1, 11))
    scores = [edge["node"]["score"] for edge in edges]
    assert scores == sorted(scores, reverse=True)
    assert all(edge["node"]["item"]["category"]["parent"]["externalId"] == "Food" for edge in edges)


def test_pages_put_together_are_the_list(api: Served) -> None:
    whole = listed(api, "u1", first=25)
    pages: list[str] = []
    after = None
    for turn in itertools.count():
        page = api.ask(LIST, user="u1", first=7, after=after)["user"]["recommendations"]
        assert page["pageInfo"]["hasPreviousPage"] == (turn > 0)
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        pages += [edge["node"]["item"]["externalId"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert pages[:25] == whole
    assert len(pages) == len(set(pages)) > 25


def test_the_modes_split_what_was_bought_from_what_was_not(api: Served, shop: Shop) -> None:
    mine = bought(shop, "u2")
    assert mine.isdisjoint(listed(api, "u2", first=100, mode="DISCOVER"))
    assert set(listed(api, "u2", first=100, mode="REBUY")) <= mine
    everything = listed(api, "u2", first=100, mode="ALL")
    assert set(everything) == {
        *listed(api, "u2", first=100, mode="DISCOVER"),
        *listed(api, "u2", first=100, mode="REBUY"),
    }
    assert everything == listed(api, "u2", first=100, mode=None)


def test_budget_categories_and_excluded_items_hold(api: Served) -> None:
    edges = api.ask(LIST, user="u0", first=100, budget=9.0)["user"]["recommendations"]["edges"]
    assert edges
    assert all(edge["node"]["item"]["price"] <= 9.0 for edge in edges)
    below = api.ask(LIST, user="u0", first=100, categories=["Home"])["user"]["recommendations"]["edges"]
    assert {edge["node"]["item"]["category"]["externalId"] for edge in below} == {"Home > Garden", "Home > Tools"}
    first = listed(api, "u0", first=3)
    assert set(first).isdisjoint(listed(api, "u0", first=100, exclude=first))
    assert listed(api, "u0", first=10, categories=["Nothing"]) == []


def test_diversity_spreads_the_list_over_categories(api: Served) -> None:
    def longest_run(items: list[str]) -> int:
        return max(len(list(run)) for _, run in itertools.groupby(int(item[1:]) % 4 for item in items))

    plain, diverse = listed(api, "u0", first=12), listed(api, "u0", first=12, diversity=1.0)
    assert len(set(diverse)) == 12
    assert longest_run(diverse) <= longest_run(plain)


def test_what_is_not_available_is_not_recommended(api: Served, shop: Shop) -> None:
    gone = {str(row["item_id"]) for row in shop.items if not row["available"]}
    assert gone
    assert gone.isdisjoint(listed(api, "u0", first=100))


def test_contributions_sum_to_the_score_and_are_few(api: Served) -> None:
    for user in ("u0", "u1", "u2", "u3"):
        for edge in api.ask(EXPLAINED, user=user, first=30)["user"]["recommendations"]["edges"]:
            told = edge["node"]["explanation"]
            parts = told["contributions"]
            assert told["score"] == pytest.approx(edge["node"]["score"], abs=1e-9)
            assert sum(part["value"] for part in parts) == pytest.approx(edge["node"]["score"], abs=1e-5)
            assert 1 <= len(parts) <= 6
            assert all(part["sentence"].endswith(".") for part in parts)


def test_paths_lead_from_the_user_through_its_history_to_the_item(api: Served, shop: Shop) -> None:
    touched = {str(e["item_id"]) for e in shop.events if e["user_id"] == "u0"}
    titles = {str(row["title"]) for row in shop.items if row["item_id"] in touched}
    seen = 0
    for edge in api.ask(EXPLAINED, user="u0", first=10)["user"]["recommendations"]["edges"]:
        for part in edge["node"]["explanation"]["contributions"]:
            if part["kind"] == "ITEM":
                start, middle, end = part["path"]
                assert (start["__typename"], start["externalId"]) == ("User", "u0")
                assert middle["title"] in titles
                assert end["id"] == edge["node"]["item"]["id"]
                assert middle["title"] in part["sentence"]
                seen += 1
    assert seen


def test_any_item_can_be_explained_and_an_unknown_one_is_null(api: Served) -> None:
    query = """query ($item: String!) { user(id: "u0") { explain(item: $item) {
        score sentence contributions { value } } } }"""
    for item in ("i3", "i47"):  # of the other taste; not available
        told = api.ask(query, item=item)["user"]["explain"]
        assert sum(part["value"] for part in told["contributions"]) == pytest.approx(told["score"], abs=1e-5)
    assert api.ask(query, item="nothing")["user"]["explain"] is None


@pytest.mark.parametrize("first", [5, 20, 40])
def test_the_number_of_statements_does_not_grow_with_the_list(api: Served, first: int) -> None:
    def ask() -> None:
        assert len(api.ask(EXPLAINED, user="u0", first=first)["user"]["recommendations"]["edges"]) == first

    # Which events the user has, with what it was shown last; the page's items with all they lead through; the counts
    # of neighbours; categories and brands of what is explained.
    assert statements(api, ask) <= 5


def test_a_list_of_ranks_alone_is_read_in_one_statement(api: Served) -> None:
    query = '{ user(id: "u0") { recommendations { edges { node { rank item { title } } } } } }'
    # Which events the user has, and the items that it was shown last.
    assert statements(api, lambda: api.ask(query)) == 1


def test_purchase_power_says_how_sure_it_is(api: Served) -> None:
    query = """query ($id: String!) { user(id: $id) { purchasePower {
        income spendPerWeek basketValue priceLevel discountShare purchases known } } }"""
    thrifty = api.ask(query, id="u0")["user"]["purchasePower"]
    generous = api.ask(query, id="u2")["user"]["purchasePower"]
    assert (thrifty["income"], generous["income"]) == ("low", "high")
    assert thrifty["known"] == "KNOWN"
    assert thrifty["basketValue"] < generous["basketValue"]
    assert 0 <= thrifty["priceLevel"] < generous["priceLevel"] <= 1


def test_unknown_ids_are_null_without_an_error(api: Served) -> None:
    long = "x" * 100_000
    query = "query ($id: String!) { user(id: $id) { id } item(id: $id) { id } category(id: $id) { id } }"
    for unknown in ("nobody", "", " ", "ü\u202e\n", long):
        assert api.ask(query, id=unknown) == {"user": None, "item": None, "category": None}
    assert api.ask('{ node(id: "not an id") { id } }') == {"node": None}


def test_global_ids_lead_back_to_their_nodes(api: Served) -> None:
    found = api.ask(
        """query ($c: String!) { user(id: "u0") { id } item(id: "i1") { id brand { id } category { id parent { id } } }
        category(id: $c) { id name level } }""",
        c=CATEGORIES[0],
    )
    assert found["category"] | {"id": ""} == {"id": "", "name": "Coffee", "level": 1}
    ids = [found["user"]["id"], found["item"]["id"], found["item"]["brand"]["id"], found["item"]["category"]["id"]]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    nodes = api.ask(query, ids=[*ids, "odd", ids[0]])["nodes"]
    assert [node and node["__typename"] for node in nodes] == ["User", "Item", "Brand", "Category", None, "User"]
    assert [node["id"] for node in nodes if node] == [*ids, ids[0]]


def test_items_are_searched_and_paged(api: Served) -> None:
    query = """query ($first: Int, $after: String, $search: String, $category: String) {
        items(first: $first, after: $after, search: $search, category: $category) {
          edges { node { title category { externalId } } } pageInfo { hasNextPage endCursor } } }"""
    coffee = api.ask(query, search="coffee", first=5)["items"]
    assert len(coffee["edges"]) == 5
    assert all("Coffee" in edge["node"]["title"] for edge in coffee["edges"])
    more = api.ask(query, search="coffee", first=50, after=coffee["pageInfo"]["endCursor"])["items"]
    assert len(more["edges"]) == 7
    assert not more["pageInfo"]["hasNextPage"]
    home = api.ask(query, category="Home", first=100)["items"]["edges"]
    assert {edge["node"]["category"]["externalId"] for edge in home} == {"Home > Garden", "Home > Tools"}
    assert api.ask(query, search='"*:(^~', first=5)["items"]["edges"] == []


def test_users_are_searched_and_paged(api: Served) -> None:
    query = """query ($after: String, $search: String) { users(first: 7, after: $after, search: $search) {
        edges { node { externalId } } pageInfo { hasNextPage endCursor } } }"""
    first = api.ask(query, search="u1")["users"]
    second = api.ask(query, search="u1", after=first["pageInfo"]["endCursor"])["users"]
    names = [edge["node"]["externalId"] for page in (first, second) for edge in page["edges"]]
    assert sorted(names) == sorted(["u1", *(f"u1{n}" for n in range(10))])


def test_the_model_says_what_it_is(api: Served) -> None:
    model = api.ask("{ model { version trainedAt trained snapshot metrics { model name value } } }")["model"]
    assert model["version"] == api.ask(LIST, user="u0", first=1)["user"]["recommendations"]["modelVersion"]
    assert model["trained"] is False


def test_the_model_says_which_attributes_it_looks_at_and_what_they_may_be(api: Served) -> None:
    told = api.ask("{ model { attributes { name kind values } } }")["model"]["attributes"]
    assert {one["name"]: (one["kind"], one["values"]) for one in told} == {
        "age": ("NUMERIC", []),
        "city": ("CATEGORICAL", ["Oslo", "Rome"]),
        "income": ("ORDINAL", ["low", "high"]),
    }
    ask = """query ($given: [AttributeInput!]!) { user(id: "u0") {
        whatIf(change: { attributes: $given }, first: 1) { after { rank } } } }"""
    for one in told:
        for value in one["values"] or ["30"]:
            found = api.ask(ask, given=[{"name": one["name"], "value": value}])
            assert len(found["user"]["whatIf"]["after"]) == 1


@pytest.mark.parametrize(
    ("wish", "argument"),
    [
        ({"first": 1_000_000_000}, "first"),
        ({"first": 101}, "first"),
        ({"first": -1}, "first"),
        ({"budget": -1.0}, "budget"),
        ({"diversity": 1.5}, "diversity"),
        ({"diversity": -0.1}, "diversity"),
        ({"exclude": ["x"] * 1_001}, "exclude"),
        ({"categories": ["x"] * 1_001}, "categories"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(api: Served, wish: dict[str, Any], argument: str) -> None:
    error = api.refused(LIST, user="u0", **wish)
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    assert argument in error["message"]


def test_a_page_of_no_entries_is_empty_and_says_whether_there_are_more(api: Served) -> None:
    page = api.ask(LIST, user="u0", first=0)["user"]["recommendations"]
    assert page["edges"] == []
    assert page["pageInfo"]["hasNextPage"]


def test_a_cursor_of_another_list_is_refused(api: Served) -> None:
    cursor = api.ask(LIST, user="u0", first=1)["user"]["recommendations"]["edges"][0]["cursor"]
    for other in ({"user": "u1"}, {"user": "u0", "mode": "DISCOVER"}, {"user": "u0", "budget": 5.0}):
        assert api.refused(LIST, after=cursor, **other)["extensions"]["code"] == "INVALID_CURSOR"
    assert api.refused(LIST, user="u0", after="nonsense")["extensions"]["code"] == "INVALID_CURSOR"
    items = "query ($after: String) { items(after: $after) { edges { cursor } } }"
    assert api.refused(items, after=cursor)["extensions"]["code"] == "INVALID_CURSOR"


def test_the_cypher_of_an_explanation_draws_its_paths(api: Served) -> None:
    edges = api.ask(EXPLAINED, user="u0", first=5)["user"]["recommendations"]["edges"]
    for edge in edges:
        rows = _run(api, edge["node"]["explanation"]["cypher"])
        assert len(rows) == 1
        assert rows[0]["u"]["id"] == "u0"
        through = [part for part in edge["node"]["explanation"]["contributions"] if part["kind"] == "ITEM"]
        assert bool(rows[0]["through"]) == bool(through)


def _run(api: Served, text: str) -> list[dict[str, Any]]:
    """Run a text as Neo4j Browser would: one statement."""
    from graph.client import Client

    with Client(api.app.recommender.client.settings) as client:
        return client.read(text.removesuffix(";"))  # pyright: ignore


@pytest.mark.parametrize("odd", ['a"b', "a\\", "\\u0022", "\\\\u0022}) //", "line\nbreak", "😀 ü \u2028", "a' OR 1"])
def test_no_id_can_leave_its_string_in_the_cypher(api: Served, odd: str) -> None:
    from graph import show

    assert _run(api, show.paths(odd, odd, items=[odd], categories=[odd], brands=[odd])) == []
    assert _run(api, show.session(odd, items=[odd], categories=[odd], brands=[odd])) == []
    assert _run(api, f"RETURN {show.literal([odd])} AS value") == [{"value": [odd]}]
