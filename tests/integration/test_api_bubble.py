"""How narrow one user's list is, over HTTP."""

import pytest

from tests.served import Served

pytestmark = pytest.mark.integration

BUBBLE = """query ($user: String!, $first: Int, $filter: ListFilter, $locale: Locale) { user(id: $user) {
  recommendations(first: $first, filter: $filter) { nodes { item { category { externalId } brand { externalId } } } }
  bubble(first: $first, filter: $filter) {
    list { items categories effectiveCategories brands effectiveBrands priceTiers }
    history { items categories effectiveCategories priceTiers }
    lastMonth { items categories } catalogue { items categories effectiveCategories brands }
    neverBought kept sentences(locale: $locale) } } }"""


def test_the_figures_are_those_of_the_list(api: Served) -> None:
    found = api.ask(BUBBLE, user="u0", first=10)["user"]
    nodes = [node["item"] for node in found["recommendations"]["nodes"]]
    shown = found["bubble"]["list"]
    assert shown["items"] == len(nodes) == 10
    assert shown["categories"] == len({item["category"]["externalId"] for item in nodes})
    assert shown["brands"] == len({item["brand"]["externalId"] for item in nodes})
    assert 1 <= shown["effectiveCategories"] <= shown["categories"]
    assert sum(shown["priceTiers"]) == pytest.approx(1)
    assert found["bubble"]["catalogue"]["categories"] == 4
    assert 0 <= found["bubble"]["kept"] <= 1


def test_the_dial_widens_the_list_that_is_measured(api: Served) -> None:
    plain, wide = (
        api.ask(BUBBLE, user="u0", first=12, filter={"diversity": share})["user"]["bubble"] for share in (0.0, 1.0)
    )
    assert wide["list"]["effectiveCategories"] > plain["list"]["effectiveCategories"]
    assert wide["neverBought"] > plain["neverBought"]
    assert wide["history"] == plain["history"]


def test_each_finding_is_told_with_its_figure(api: Served) -> None:
    for locale, category in (("EN", "categories in which you never bought"), ("ZH", "您从未买过的类别")):
        found = api.ask(BUBBLE, user="u0", first=10, locale=locale)["user"]["bubble"]
        said = found["sentences"]
        assert len(said) == 5
        assert f"{found['list']['effectiveCategories']:.1f}" in said[0]
        assert f"{found['history']['effectiveCategories']:.1f}" in said[0]
        (new,) = [text for text in said if category in text]
        assert f"{found['neverBought']:.0%}" in new
        assert f"{found['kept']:.0%}" in said[-1]


def test_of_somebody_without_purchases_nothing_is_said_of_purchases(api: Served) -> None:
    event = {"user": "bubble-new", "item": "i0", "type": "view"}
    api.ask("mutation ($e: EventInput!) { recordEvents(input: { events: [$e] }) { recorded } }", e=event)
    found = api.ask(BUBBLE, user="bubble-new", first=5)["user"]["bubble"]
    assert (found["history"], found["lastMonth"], found["kept"]) == (None, None, None)
    assert not any("bought" in text or "30 days" in text for text in found["sentences"])
    api.ask('mutation { eraseUser(id: "bubble-new") { erasedEvents } }')
