"""Attacks on other shoppers' privacy, made for real: by asking twice, by an event of one's own, by confederates."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.auth import AuthSettings
from api.identity import Scope
from api.keys import KeyFile
from graph import write
from graph.client import Client, Settings
from tests import served
from tests.integration.test_api_events import ERASE, event, record
from tests.served import Served

pytestmark = pytest.mark.integration

K = 5
TARGETS = [f"i{n}" for n in range(48)]
COUNTS = """query ($user: String!) { user(id: $user) { recommendations(first: 48) { nodes { item { externalId }
  explanation { neighbors { shoppers sentence } } } } } }"""
ALIKE = """query ($user: String!, $first: Int) { user(id: $user) {
  neighbors(first: $first) { similarity sharedItems sharedCategories } } }"""
PSEUDONYMS = """query ($user: String!, $first: Int) { user(id: $user) { pseudonymousNeighbors(first: $first) {
  pseudonym similarity sharedCategories sharedItems { externalId } attributes { name value } } } }"""
THOUGHT = """query ($user: String!, $change: WhatIfInput!) { user(id: $user) { whatIf(change: $change, first: 48) {
  after { item { externalId } explanation { neighbors { shoppers } } } } } }"""

# A ring of confederates who all bought the rare items; the victim bought them too, and `secret` besides.
RARE = ("rare-1", "rare-2", "rare-3")
RING = [f"ring-{n}" for n in range(K - 2)]


@pytest.fixture(scope="module")
def models(session_client: Client, shop: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop with an attacker, a ring and a victim in it before the model is made."""
    folder = tmp_path_factory.mktemp("models")
    served.load_shop(session_client, shop)
    write.items(session_client, [{"id": name, "title": name} for name in (*RARE, "secret")])
    write.users(session_client, [{"id": name} for name in ("attacker", "victim", *RING)])
    rows = [(user, item) for user in ("attacker", "victim", *RING) for item in RARE]
    rows += [(user, "secret") for user in ("victim", *RING)]
    write.events(
        session_client,
        [
            {"event_id": f"{u} {i}", "user_id": u, "item_id": i, "type": "purchase", "at": 1_690_000_000_000_000}
            for u, i in rows
        ],
    )
    served.first_model(session_client, folder)
    return folder


def counts(api: Served, user: str) -> dict[str, int | None]:
    nodes = api.ask(COUNTS, user=user)["user"]["recommendations"]["nodes"]
    found = {node["item"]["externalId"]: node["explanation"]["neighbors"] for node in nodes}
    for told in found.values():
        assert (told["shoppers"] is None) == (told["sentence"] is None)
        if told["shoppers"]:
            assert told["sentence"] == f"At least {told['shoppers']} shoppers with items in common with you bought it."
    return {name: told["shoppers"] for name, told in found.items()}


def alike(api: Served, user: str, first: int = 10) -> list[dict[str, Any]]:
    return api.ask(ALIKE, user=user, first=first)["user"]["neighbors"]


def truth(client: Client, user: str, item: str) -> int:
    """How many others share two items with the user and bought the item, counted one by one."""
    rows = client.read(
        """MATCH (:Item {id: $item})<-[:PURCHASED]-(v:User) WHERE v.id <> $user WITH DISTINCT v
        MATCH (:User {id: $user})-->(i:Item)<--(v) WHERE i.id <> $item
        WITH v, count(DISTINCT i) AS shared WHERE shared >= 2 RETURN count(v) AS n""",
        user=user,
        item=item,
    )
    return int(rows[0]["n"])


def test_counts_are_true_coarse_and_never_small(api: Served, session_client: Client) -> None:
    seen = 0
    for user in ("u0", "u1", "u2", "u3"):
        for item, told in counts(api, user).items():
            if told is not None:
                seen += 1
                assert told % K == 0
                assert K <= told <= truth(session_client, user, item)
    assert seen > 20


def test_an_attacker_with_confederates_cannot_tell_that_the_victim_bought(api: Served) -> None:
    """They know that 3 of the ring bought it; a count of 4 would say that the victim did."""
    query = """{ user(id: "attacker") { explain(item: "secret") { neighbors { shoppers } } neighbors(first: 100) {
        sharedItems } } }"""
    user = api.ask(query)["user"]
    assert user["explain"]["neighbors"] == {"shoppers": None}
    assert user["neighbors"] == []  # the ring and the victim are fewer than five


@pytest.fixture
def nobody_new(api: Served) -> Iterator[None]:
    yield
    for name in ("newcomer-1", "newcomer-2"):
        api.ask(ERASE, id=name)


@pytest.mark.usefixtures("nobody_new")
def test_no_event_changes_what_is_said_of_others_before_the_next_model(
    api: Served, session_client: Client, models: Path
) -> None:
    before = {user: (counts(api, user), alike(api, user)) for user in ("u0", "u2", "attacker")}
    # The victim buys; the attacker does what the victim did; two more confederates come.
    record(api, event("victim", "i0", "purchase"), event("victim", "i4", "purchase"))
    record(api, *(event("attacker", item, "purchase") for item in ("secret", "i0", "i4", "i9")))
    for name in ("newcomer-1", "newcomer-2"):
        record(api, *(event(name, item, "purchase") for item in (*RARE, "secret", "i0", "i4", "i9")))
    for user, (said, likenesses) in before.items():
        now = counts(api, user)
        assert {item: told for item, told in now.items() if item in said} == {
            item: told for item, told in said.items() if item in now
        }
        assert alike(api, user) == likenesses
    assert api.ask('{ user(id: "attacker") { explain(item: "secret") { neighbors { shoppers } } } }')["user"] == {
        "explain": {"neighbors": {"shoppers": None}}
    }
    # Nor does one that never happened.
    thought = api.ask(THOUGHT, user="u0", change={"events": [{"item": "i8", "type": "purchase"}] * 3})
    found = {
        node["item"]["externalId"]: node["explanation"]["neighbors"]["shoppers"]
        for node in thought["user"]["whatIf"]["after"]
    }
    assert {item: told for item, told in found.items() if item in before["u0"][0]} == {
        item: before["u0"][0][item] for item in found if item in before["u0"][0]
    }
    # With the next model all of them count.
    served.first_model(session_client, models)
    served.until(lambda: alike(api, "attacker", 5) != before["attacker"][1])
    assert len(alike(api, "attacker", 5)) == 5


def test_neighbours_are_told_in_groups_alone(api: Served) -> None:
    found = alike(api, "u0", 10)
    assert len(found) == 10
    groups = Counter(tuple(one.values()) for one in found)
    assert all(n >= K for n in groups.values())
    assert alike(api, "u0", 3) == found[:3]
    similarities = [one["similarity"] for one in found]
    assert similarities == sorted(similarities, reverse=True)
    assert alike(api, "u0", 0) == []
    assert set(found[0]) == {"similarity", "sharedItems", "sharedCategories"}


def test_an_erased_neighbour_counts_no_more_and_the_others_are_still_told(api: Served) -> None:
    before = alike(api, "u0", 10)
    for n in range(4, 12, 2):
        api.ask(ERASE, id=f"u{n}")
    after = alike(api, "u0", 10)
    assert len(after) == 10
    assert after != before
    assert all(n >= K for n in Counter(tuple(one.values()) for one in after).values())
    counts(api, "u0")


def test_only_analysts_see_neighbours_one_by_one_and_those_under_made_up_names(
    neo4j: Settings, models: Path, tmp_path: Path
) -> None:
    file = KeyFile(tmp_path / "keys.json")
    keys = {
        scope: file.create(frozenset({scope}), user="u0" if scope is Scope.CUSTOMER else None)[1] for scope in Scope
    }
    with served.serving(served.settings(neo4j, models, auth=AuthSettings(keys=file.path))) as guarded:

        def ask(scope: Scope) -> dict[str, Any]:
            return guarded.http.post(
                "/graphql",
                json={"query": PSEUDONYMS, "variables": {"user": "u0", "first": 10}},
                headers={"authorization": f"Bearer {keys[scope]}"},
            ).json()

        for scope in (Scope.CUSTOMER, Scope.SERVICE):
            assert ask(scope)["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        found = ask(Scope.ANALYST)["data"]["user"]["pseudonymousNeighbors"]
        assert len(found) == 10
        assert len({one["pseudonym"] for one in found}) == 10
        assert found == ask(Scope.ADMIN)["data"]["user"]["pseudonymousNeighbors"]
        mine = guarded.http.post(
            "/graphql",
            json={"query": '{ user(id: "u0") { id } users(first: 100) { nodes { id externalId } } }'},
            headers={"authorization": f"Bearer {keys[Scope.ANALYST]}"},
        ).json()["data"]
        real = {name for user in mine["users"]["nodes"] for name in (user["id"], user["externalId"])}
        shared: Counter[tuple[str, str]] = Counter()
        for one in found:
            assert one["pseudonym"] not in real
            assert one["sharedItems"]
            shared.update((attribute["name"], attribute["value"]) for attribute in one["attributes"])
        assert shared  # city and income are shared by many, ages by nobody
        assert all(n >= K for n in shared.values())
        assert "age" not in {name for name, _ in shared}


def test_a_shop_may_ask_for_more_than_five(neo4j: Settings, models: Path) -> None:
    with served.serving(served.settings(neo4j, models, fewest=1000)) as strict:
        assert set(counts(strict, "u0").values()) == {None}
        assert alike(strict, "u0", 100) == []
        together = strict.ask('{ item(id: "i0") { boughtTogether { nodes { support } } } }')
        assert together["item"]["boughtTogether"]["nodes"] == []
