"""Why not: what is said to keep an item off a list does, what is said to put it there would; the gap is explained."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from graph import write
from graph.client import Client
from tests.integration.test_api_events import ERASE, event, record
from tests.served import Served

pytestmark = pytest.mark.integration

WHY_NOT = """query ($user: String!, $item: String!, $first: Int, $mode: Mode, $budget: Float, $diversity: Float,
    $filter: ListFilter) {
  user(id: $user) {
    whyNot(item: $item, first: $first, mode: $mode, budget: $budget, diversity: $diversity, filter: $filter) {
      item { externalId } sentence listed rank place candidates score gap
      last { rank score item { externalId } }
      obstacles { kind argument sentence }
      contributions { kind own other difference sentence path { __typename ... on Item { externalId } } }
      changes { kind amount argument mode rank sentence } }
    explain(item: $item) { score } } }"""
SAID = """fragment Said on WhyNot {
  en: sentence zh: sentence(locale: ZH) rank place gap
  obstacles { en: sentence zh: sentence(locale: ZH) }
  contributions { difference en: sentence(locale: EN) zh: sentence(locale: ZH) }
  changes { kind rank amount en: sentence zh: sentence(locale: ZH) } }
query ($user: String!, $item: String!, $first: Int, $mode: Mode, $budget: Float, $filter: ListFilter) {
  user(id: $user) { whyNot(item: $item, first: $first, mode: $mode, budget: $budget, filter: $filter) { ...Said } } }"""
LIST = """query ($user: String!, $first: Int, $mode: Mode, $budget: Float, $filter: ListFilter) {
  user(id: $user) { recommendations(first: $first, mode: $mode, budget: $budget, filter: $filter) {
    nodes { rank score item { externalId price } } } } }"""
WHAT_IF = """query ($user: String!, $change: WhatIfInput!, $first: Int, $mode: Mode, $budget: Float,
    $filter: ListFilter) {
  user(id: $user) { whatIf(change: $change, first: $first, mode: $mode, budget: $budget, filter: $filter) {
    after { rank item { externalId } } } } }"""
DEEDS = ("VIEW", "CART", "PURCHASE", "PROMOTION")
_ARGUMENTS = "first: $first, mode: $mode, budget: $budget, filter: $filter"
DEEDS_IF = (
    "query ($user: String!, $first: Int, $mode: Mode, $budget: Float, $filter: ListFilter, "
    + ", ".join(f"${kind}: WhatIfInput!" for kind in DEEDS)
    + ") { user(id: $user) { "
    + " ".join(
        f"{kind}: whatIf(change: ${kind}, {_ARGUMENTS}) {{ after {{ rank item {{ externalId }} }} }}" for kind in DEEDS
    )
    + " } }"
)
AT = "2023-07-01T10:00:00Z"


def asked(api: Served, user: str, item: str, **more: Any) -> dict[str, Any]:
    return api.ask(WHY_NOT, user=user, item=item, **more)["user"]["whyNot"]


def listed(api: Served, user: str, **more: Any) -> list[str]:
    nodes = api.ask(LIST, user=user, **more)["user"]["recommendations"]["nodes"]
    return [node["item"]["externalId"] for node in nodes]


def kinds(found: dict[str, Any]) -> list[str]:
    return [one["kind"] for one in found["obstacles"]]


@pytest.fixture
def reader(api: Served) -> Iterator[str]:
    """A user of this test alone, who likes food."""
    record(api, *(event("seeker", f"i{n}", eventId=f"seeker-{n}", at=AT) for n in (0, 4, 9)))
    yield "seeker"
    api.ask(ERASE, id="seeker")


def test_every_item_is_on_the_list_or_it_is_said_why_not(api: Served) -> None:
    whole, first = listed(api, "u0", first=100), 5
    for item in (f"i{n}" for n in range(2, 48, 5)):
        answer = api.ask(WHY_NOT, user="u0", item=item, first=first)["user"]
        found = answer["whyNot"]
        assert found["score"] == pytest.approx(answer["explain"]["score"], abs=1e-9)
        if item not in whole:
            assert item == "i47"  # could not be had when the model was made
            assert kinds(found) == ["UNAVAILABLE"]
            assert (found["place"], found["changes"]) == (None, None)
            continue
        assert found["place"] == whole.index(item) + 1
        assert found["candidates"] == len(whole)
        assert found["listed"] == (item in whole[:first])
        assert found["rank"] == (found["place"] if found["listed"] else None)
        assert kinds(found) == ([] if found["listed"] else ["SCORE"])
        assert found["last"]["item"]["externalId"] == whole[first - 1]
        assert found["gap"] == pytest.approx(found["last"]["score"] - found["score"], abs=1e-9)
        if found["listed"]:
            assert (found["changes"], found["contributions"]) == (None, [])
            assert found["sentence"] == f"It is on the list, at place {found['rank']}."
        else:
            assert f"at place {found['place']}, {found['gap']:.3f} below" in found["sentence"]


def test_where_an_item_trails_sums_to_the_gap(api: Served) -> None:
    for user, item in (("u0", "i30"), ("u1", "i6"), ("u2", "i47"), ("u7", "i12")):
        found = asked(api, user, item, first=3)
        parts = found["contributions"]
        assert sum(part["own"] for part in parts) == pytest.approx(found["score"], abs=1e-6)
        assert sum(part["other"] for part in parts) == pytest.approx(found["last"]["score"], abs=1e-6)
        assert sum(part["difference"] for part in parts) == pytest.approx(found["gap"], abs=1e-6)
        sizes = [abs(part["difference"]) for part in parts if part["kind"] != "OTHER"]
        assert sizes == sorted(sizes, reverse=True)
        assert 1 <= len(parts) <= 6
        for part in parts:
            assert ("more for it." in part["sentence"]) == (part["difference"] <= 0)
            # It stops where the ways to the two items part.
            assert all(step.get("externalId") not in (item, found["last"]) for step in part["path"])


@pytest.mark.parametrize(
    "wish",
    [
        {"first": 5},
        {"first": 5, "budget": 9.0},
        {"first": 8, "mode": "DISCOVER"},
        {"first": 6, "filter": {"perCategory": 2, "excludeBrands": ["Cirrus"]}},
        {"first": 4, "filter": {"price": {"max": 14}, "boosts": [{"factor": 5, "categories": ["Food > Tea"]}]}},
    ],
)
def test_each_change_that_is_told_puts_the_item_there_and_no_other_does(api: Served, wish: dict[str, Any]) -> None:
    told: set[str] = set()
    for item in (f"i{n}" for n in range(2, 47, 7)):
        found = asked(api, "u0", item, **wish)
        if found["listed"]:
            continue
        changes = {one["kind"]: one for one in found["changes"] or () if one["kind"] not in ("FILTER", "MODE")}
        told |= {one["kind"] for one in found["changes"] or ()}
        after = imagined(api, item, wish)
        assert after == {kind: one["rank"] for kind, one in changes.items() if kind in DEEDS}
        if price := changes.get("PRICE"):
            change = {"items": [{"item": item, "price": price["amount"]}]}
            after = api.ask(WHAT_IF, user="u0", change=change, **wish)["user"]["whatIf"]["after"]
            assert {"rank": price["rank"], "item": {"externalId": item}} in after
        cost = 2.0 + 0.5 * int(item[1:])
        after = listed(api, "u0", **{**wish, "budget": cost})
        assert (item in after) == ("BUDGET" in changes or wish.get("budget") == cost)
        if budget := changes.get("BUDGET"):
            assert budget["amount"] == cost
            assert after.index(item) + 1 == budget["rank"]
            assert item not in listed(api, "u0", **{**wish, "budget": cost - 0.01})
        for one in found["changes"] or ():
            other = dict(wish)
            if one["kind"] == "MODE":
                other["mode"] = one["mode"]
            elif one["kind"] == "FILTER" and one["argument"] in wish:
                del other[one["argument"]]
            elif one["kind"] == "FILTER":
                other["filter"] = {name: value for name, value in wish["filter"].items() if name != one["argument"]}
            else:
                continue
            assert other != wish
            assert listed(api, "u0", **other).index(item) + 1 == one["rank"]
            assert f"at place {one['rank']}." in one["sentence"]
    assert told  # else nothing has been tested


@pytest.mark.parametrize(
    ("item", "wish"),
    [
        ("i0", {"first": 40}),
        ("i30", {"first": 3}),
        ("i12", {"first": 5, "budget": 6.0}),
        ("i16", {"first": 4, "filter": {"price": {"max": 9}, "perCategory": 1}}),
        ("i9", {"first": 5, "mode": "DISCOVER", "budget": 3, "filter": {"brands": ["Cirrus"]}}),
        ("i47", {"first": 5}),
    ],
)
def test_a_chinese_answer_holds_the_same_figures(api: Served, item: str, wish: dict[str, Any]) -> None:
    found = api.ask(SAID, user="u0", item=item, **wish)["user"]["whyNot"]
    for told in (found, *found["obstacles"], *found["contributions"], *(found["changes"] or ())):
        assert re.search("[\u4e00-\u9fff]", told["zh"])
        assert not re.search("[\u4e00-\u9fff]", told["en"])
        assert figures(told["zh"]) == figures(told["en"])
    for change in found["changes"] or ():
        assert f"第{change['rank']}位" in change["zh"]
        assert change["amount"] is None or f"{change['amount']:,.2f}" in change["zh"]
    if found["rank"] is not None:
        assert found["zh"] == f"它在列表上，排在第{found['rank']}位。"
    else:
        assert found["zh"].startswith("它不在列表上：")
    for part in found["contributions"]:
        assert ("对它更有利。" in part["zh"]) == (part["difference"] <= 0)


def figures(said: str) -> list[str]:
    """Return the numbers of a sentence, in any order."""
    found = re.findall(r"[0-9]+(?:[.,][0-9]+)*", said)
    return sorted([*found, *["1"] * len(re.findall("One other|另有一个", said))])


def imagined(api: Served, item: str, wish: dict[str, Any]) -> dict[str, int]:
    """Return which deeds and promotions put the item on the list, by `whatIf`, and at which place."""
    changes: dict[str, Any] = {
        kind: {"events": [{"item": item, "type": kind.lower()}]} for kind in ("VIEW", "CART", "PURCHASE")
    }
    changes["PROMOTION"] = {"items": [{"item": item, "promoted": True}]}
    user = api.ask(DEEDS_IF, user="u0", **changes, **wish)["user"]
    found = {kind: {node["item"]["externalId"]: node["rank"] for node in user[kind]["after"]} for kind in changes}
    return {kind: ranks[item] for kind, ranks in found.items() if item in ranks}


@pytest.mark.parametrize(
    ("item", "wish", "expected"),
    [
        ("i40", {"budget": 10}, [("BUDGET", "budget")]),
        ("i4", {"filter": {"price": {"min": 5}}}, [("PRICE", "price")]),
        ("i16", {"filter": {"priceLevel": {"max": 0.2}}}, [("PRICE_LEVEL", "priceLevel")]),
        ("i4", {"filter": {"categories": ["Home"]}}, [("CATEGORY", "categories")]),
        ("i4", {"filter": {"excludeCategories": ["Food"]}}, [("CATEGORY", "excludeCategories")]),
        ("i4", {"filter": {"brands": ["Cirrus"]}}, [("BRAND", "brands")]),
        ("i4", {"filter": {"excludeBrands": ["Basalt"]}}, [("BRAND", "excludeBrands")]),
        ("i4", {"filter": {"exclude": ["i4"]}}, [("EXCLUDED", "exclude")]),
        ("i4", {"mode": "DISCOVER"}, [("ALREADY_BOUGHT", "mode")]),
        ("i2", {"mode": "REBUY"}, [("NEVER_BOUGHT", "mode")]),
        (
            "i4",
            {"mode": "DISCOVER", "budget": 3, "filter": {"categories": ["Home"]}},
            [("ALREADY_BOUGHT", "mode"), ("BUDGET", "budget"), ("CATEGORY", "categories")],
        ),
    ],
)
def test_what_keeps_it_off_is_named(
    api: Served, reader: str, item: str, wish: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = asked(api, reader, item, first=40, **wish)
    assert [(one["kind"], one["argument"]) for one in found["obstacles"]] == expected
    assert found["place"] is None
    assert found["sentence"].startswith("It is not on the list: ")
    if len(expected) > 1:
        assert found["changes"] is None  # no single change does
    else:
        ((_, argument),) = expected
        undone = [one for one in found["changes"] if argument in (one["argument"], one["kind"].lower())]
        assert undone


def test_what_others_before_it_do(api: Served, reader: str) -> None:
    best = listed(api, reader, first=3, filter={})
    shelf = best[0]
    capped = next(
        name for name in listed(api, reader, first=100) if name != shelf and int(name[1:]) % 4 == int(shelf[1:]) % 4
    )
    found = asked(api, reader, capped, first=20, filter={"perCategory": 1})
    assert kinds(found) == ["CATEGORY_FULL"]
    assert ("FILTER", "perCategory") in {(one["kind"], one["argument"]) for one in found["changes"]}
    pinned = asked(api, reader, best[0], first=2, filter={"pins": ["i31", "i35"]})
    assert kinds(pinned) == ["PINS"]
    assert pinned["place"] == 1
    assert pinned["gap"] < 0
    plain = listed(api, reader, first=6)
    varied = listed(api, reader, first=6, filter={"diversity": 1})
    moved = next(name for name in plain if name not in varied)
    found = asked(api, reader, moved, first=6, diversity=1)
    assert kinds(found) == ["DIVERSITY"]
    assert ("FILTER", "diversity") in {(one["kind"], one["argument"]) for one in found["changes"]}


def test_a_dismissed_item_comes_back_by_a_view(api: Served, reader: str) -> None:
    best = listed(api, reader, first=1)[0]
    record(api, event(reader, best, "dismiss", eventId="seeker-no"))
    found = asked(api, reader, best, first=5)
    assert [(one["kind"], one["argument"]) for one in found["obstacles"]] == [("DISMISSED", None)]
    assert found["changes"][0]["kind"] == "VIEW"
    record(api, event(reader, best, "view", eventId="seeker-yes", at="2024-06-01T12:00:00Z"))
    assert listed(api, reader, first=5).index(best) + 1 == found["changes"][0]["rank"]


def test_what_the_shop_has_changed_since_the_training(api: Served, session_client: Client) -> None:
    write.items(session_client, [{"id": "i8", "available": False}, {"id": "i12", "price": 99.0}])
    write.items(session_client, [{"id": "i47", "available": True}, {"id": "brand-new", "title": "Brand new"}])
    # Without a moment at which it came, it waits for the next training.
    session_client.write("MATCH (i:Item {id: 'brand-new'}) REMOVE i.created_at")
    try:
        gone = asked(api, "u0", "i8", first=40)
        assert [(one["kind"], one["argument"]) for one in gone["obstacles"]] == [("UNAVAILABLE", "available")]
        assert [one["argument"] for one in gone["changes"]] == ["available"]
        assert kinds(asked(api, "u0", "i8", first=40, filter={"available": False})) == []
        assert kinds(asked(api, "u0", "i12", first=40, budget=50)) == ["BUDGET"]
        assert kinds(asked(api, "u0", "i47")) == ["TOO_FEW_BUYERS"]
        new = asked(api, "u0", "brand-new")
        assert kinds(new) == ["NEW"]
        assert (new["score"], new["gap"], new["contributions"], new["changes"]) == (None, None, [], None)
    finally:
        write.items(session_client, [{"id": "i8", "available": True}, {"id": "i12", "price": 8.0}])
        write.items(session_client, [{"id": "i47", "available": False}])
        session_client.write("MATCH (i:Item {id: 'brand-new'}) DETACH DELETE i")


def test_somebody_without_events_and_bad_input(api: Served, session_client: Client) -> None:
    write.users(session_client, [{"id": "silent"}])
    found = asked(api, "silent", "i3", first=3)
    assert found["listed"] or kinds(found) == ["SCORE"]
    api.ask(ERASE, id="silent")
    assert asked(api, "u0", "moon") is None
    assert asked(api, "u0", "") is None
    assert api.ask(WHY_NOT, user="moon", item="i0")["user"] is None
    error = api.refused(WHY_NOT, user="u0", item="i0", first=0)
    assert error["extensions"]["argument"] == "first"


def test_an_item_that_has_left_the_shop(api: Served, session_client: Client) -> None:
    """The last test: the item does not come back."""
    session_client.write("MATCH (i:Item {id: 'i46'}) DETACH DELETE i")
    found = asked(api, "u0", "i46")
    assert kinds(found) == ["LEFT_THE_SHOP"]
    assert found["changes"] is None
    assert found["score"] is not None
    assert sum(part["difference"] for part in found["contributions"]) == pytest.approx(found["gap"], abs=1e-6)
