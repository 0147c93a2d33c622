"""What if, in a real browser: a changed world, its list, and what moved; nothing is written."""

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from graph import write
from graph.client import Client
from tests import served
from tests.browser.pages import faults, opened
from tests.served import Served

pytestmark = pytest.mark.browser

LISTS = """query ($u: String!, $c: WhatIfInput!) { user(id: $u) { whatIf(change: $c, first: 12) {
  before { item { title } } after { item { title } } moved { item { title } scoreBefore scoreAfter } } } }"""
EVENTS = "query ($u: String!) { user(id: $u) { purchasePower { purchases } recentlyViewed { nodes { times } } } }"


def places(page: Page, when: str) -> list[str]:
    return page.locator(f".places.{when} .name").all_inner_texts()


def choose(page: Page, item: str) -> str:
    """Choose an item by its title in the panel; return its title."""
    field = page.get_by_role("combobox", name="Choose an item")
    field.fill(item)
    option = page.get_by_role("option").first
    title = option.locator(".name").inner_text()
    option.click()
    return title


def titled(nodes: list[dict[str, Any]]) -> list[str]:
    return [node["item"]["title"] for node in nodes]


def test_taking_an_item_out_of_the_past_shows_the_list_before_and_after(chromium: Browser, api: Served) -> None:
    written = api.ask(EVENTS, u="u1")
    with opened(chromium, api, "/#user=u1") as page:
        page.get_by_role("link", name="What if").click()
        leans = page.locator(".chips button").first
        title = leans.inner_text()
        leans.click()
        page.get_by_role("button", name="Never had it").click()
        expect(page.locator(".chosen-changes")).to_contain_text(title)
        expect(page.locator("#if-note")).not_to_contain_text("Choose what should be different")
        found = api.ask("query ($s: String) { items(search: $s) { nodes { externalId title } } }", s=title)["items"]
        item = next(node["externalId"] for node in found["nodes"] if node["title"] == title)
        worlds = api.ask(LISTS, u="u1", c={"withoutItems": [item]})["user"]["whatIf"]
        assert places(page, "now") == titled(worlds["before"])
        assert places(page, "then") == titled(worlds["after"])
        assert worlds["before"] != worlds["after"]
        assert page.locator(".places.then .moved").count() > 0
    assert api.ask(EVENTS, u="u1") == written


def test_the_parts_of_a_move_add_up_to_both_scores(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u2&view=what-if") as page:
        page.locator(".chips button").first.click()
        page.get_by_role("button", name="Bought it now").click()
        expect(page.locator(".turns li")).not_to_have_count(0)
        title = page.locator(".places.then li").nth(1).locator(".name").inner_text()
        page.locator(".places.then li").nth(1).locator("button").click()
        expect(page.locator("#why-title")).to_have_text(f"What would move {title}")
        sums = page.locator(".turns li").evaluate_all(
            "parts => ['before', 'after'].map(at => parts.reduce((sum, part) => sum + Number(part.dataset[at]), 0))"
        )
        told = page.locator(".turn dd").last.inner_text().replace("becomes", "").split("→")
        assert sums == pytest.approx([float(score) for score in told], abs=0.001)


def test_price_promotion_income_and_budget_can_differ_and_be_taken_back(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1&view=what-if") as page:
        title = choose(page, "tea")
        page.get_by_label("At a price of").fill("1.50")
        page.get_by_role("button", name="Set").click()
        page.get_by_role("button", name="It is on promotion").click()
        page.get_by_label("Income").select_option("high")
        page.get_by_label("Budget per item").fill("40")
        told = page.locator(".chosen-changes")
        expect(told.locator("li")).to_have_count(4)
        expect(told).to_contain_text(f"{title} at €1.50")
        expect(told).to_contain_text(f"{title} on promotion")
        expect(told).to_contain_text("An income of high")
        expect(told).to_contain_text("A budget of €")
        before = places(page, "then")
        page.get_by_role("button", name="Take back: A budget").click()
        expect(told.locator("li")).to_have_count(3)
        page.wait_for_function("was => document.querySelector('.places.then').innerText !== was", arg="\n".join(before))
        page.get_by_role("button", name="As it is").click()
        expect(told).to_have_count(0)
        expect(page.locator("#if-note")).to_contain_text("Nothing is written")
        expect(page.locator(".places .moved")).to_have_count(0)


def test_every_attribute_that_the_model_looks_at_can_differ(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1&view=what-if") as page:
        # In the shop's own order, and not by letters.
        expect(page.get_by_label("Income").locator("option")).to_have_text(["as it is: low", "low", "high"])
        expect(page.get_by_label("City", exact=True).locator("option")).to_have_text(["as it is", "Oslo", "Rome"])
        page.get_by_label("City", exact=True).select_option("Oslo")
        page.get_by_label("Income").select_option("high")
        told = page.locator(".chosen-changes li")
        expect(told).to_have_text(["City: Oslo×", "An income of high×"])
        page.get_by_label("City", exact=True).select_option("Rome")
        expect(told).to_have_text(["An income of high×", "City: Rome×"])
        page.get_by_label("City", exact=True).select_option("as it is")
        expect(told).to_have_text(["An income of high×"])
        expect(page.get_by_role("alert")).to_have_count(0)


def test_what_is_different_stands_in_the_address(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1&view=what-if") as page:
        title = choose(page, "tea")
        page.get_by_role("button", name="Bought it now").click()
        page.get_by_label("Income").select_option("high")
        expect(page.locator(".places .moved")).not_to_have_count(0)
        then = places(page, "then")
        address = page.url
        page.get_by_role("button", name=f"Take back: Bought {title} now").click()
        expect(page.locator(".chosen-changes li")).to_have_count(1)
        assert page.url != address
    with opened(chromium, api, "/" + address.removeprefix(api.url + "/")) as page:
        expect(page.locator(".chosen-changes li")).to_have_text([f"Bought {title} now×", "An income of high×"])
        expect(page.locator(".places.then .name")).to_have_text(then)
        page.get_by_role("link", name="Recommendations").click()
        expect(page.locator(".card")).to_have_count(12)
        page.go_back()
        expect(page.locator(".chosen-changes li")).to_have_count(2)


@pytest.mark.parametrize("odd", ["x", "{}", "[1, null]", '[{"what": "price", "item": {"id": "i0"}, "price": 1}]'])
def test_an_address_that_makes_no_sense_changes_nothing(chromium: Browser, api: Served, odd: str) -> None:
    with opened(chromium, api, f"/#user=u1&view=what-if&changes={quote(odd)}") as page:
        expect(page.locator(".places.then li")).not_to_have_count(0)
        expect(page.locator(".chosen-changes")).to_have_count(0)
        expect(page.locator(".places .moved")).to_have_count(0)


def test_a_reason_leads_to_the_list_without_it(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1") as page:
        asked = page.get_by_role("button", name="What if not: without").first
        item = (asked.get_attribute("aria-label") or "").removeprefix("What if not: without ")
        asked.click()
        expect(page.locator(".chosen-changes")).to_contain_text(f"Never anything with {item}")
        expect(page.locator("h1")).to_have_text("What if, for u1")
        assert "view=what-if" in page.url


@pytest.mark.parametrize(
    ("locale", "mark", "hint"), [("en", "estimated", "Newer than the model"), ("zh", "估计", "它比模型新")]
)
def test_what_is_newer_than_the_model_is_marked_on_both_lists_and_in_its_move(
    chromium: Browser, api: Served, session_client: Client, locale: str, mark: str, hint: str
) -> None:
    with opened(chromium, api, f"/#user=u0&view=what-if&locale={locale}") as page:
        expect(page.locator(".places.now li")).not_to_have_count(0)
        expect(page.locator(".estimated")).to_have_count(0)
        expect(page.locator(".what-if")).not_to_contain_text(hint)
    # The catalogue's only item under this price: it is on the list, wherever its score puts it.
    write.items(session_client, [{"id": "fresh", "title": "Fresh No. 1", "category": "Food > Coffee", "price": 1.5}])
    try:
        where = "{ recommendations(first: 2, budget: 1.9) { nodes { item { externalId } } } }"
        served.until(lambda: api.ask(f'{{ user(id: "u0") {where} }}')["user"]["recommendations"]["nodes"] != [])
        with opened(chromium, api, f"/#user=u0&budget=1.9&view=what-if&locale={locale}") as page:
            for when in ("now", "then"):
                expect(page.locator(f".places.{when} .estimated")).to_have_text([f"≈{mark}"])
            expect(page.locator(".what-if .hint")).to_contain_text(hint)
            page.locator("#other").fill("Fresh")
            page.get_by_role("option").filter(has_text="Fresh No. 1").click()
            page.locator(".changes .chips .act").nth(2).click()  # bought it now
            expect(page.locator("#why .turns li")).not_to_have_count(0)
            expect(page.locator("#why .hint")).to_contain_text(hint)
            assert faults(page) == []
    finally:
        session_client.write("MATCH (i:Item {id: 'fresh'}) DETACH DELETE i")


def test_an_unknown_shopper_is_told_here_too(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=nobody&view=what-if") as page:
        expect(page.get_by_role("alert")).to_have_text("There is no shopper nobody.")
        page.wait_for_timeout(500)
        expect(page.get_by_role("alert")).to_be_visible()


def test_what_has_not_been_compared_is_not_said_to_change_nothing(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1&view=what-if") as page:
        expect(page.locator(".places.then li")).to_have_count(12)
        busy = {"errors": [{"message": "Too busy.", "extensions": {"code": "OVERLOADED"}}]}
        page.route("**/graphql", lambda route: route.fulfill(json=busy))
        page.locator(".chips button").first.click()
        page.get_by_role("button", name="Never had it").click()
        expect(page.get_by_role("alert")).to_have_text("Too busy.")
        expect(page.locator("#if-note")).to_have_text("")
        page.unroute("**/graphql")
        page.get_by_role("button", name="Bought it now").click()
        expect(page.locator("#if-note")).not_to_have_text("")


def test_on_a_phone_what_leaves_the_list_is_seen(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1&view=what-if", viewport={"width": 360, "height": 800}) as page:
        page.locator(".chips button").first.click()
        page.get_by_role("button", name="Dismissed it now").click()
        expect(page.locator(".places.now li.left").first).to_be_visible()
        expect(page.locator(".places.now li:not(.left)").first).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_first_move_that_is_told_is_one_to_another_place(chromium: Browser, api: Served) -> None:
    asked = """query ($u: String!, $c: WhatIfInput!) { user(id: $u) { whatIf(change: $c, first: 12) {
      moved { rankBefore rankAfter item { title } } } } }"""
    for number in range(40):
        user, item = f"u{number % 10}", f"i{number}"
        moved = api.ask(asked, u=user, c={"events": [{"item": item, "type": "purchase"}]})["user"]["whatIf"]["moved"]
        places = [(move["rankBefore"], move["rankAfter"]) for move in moved]
        if places and len(set(places[0])) == 1 and any(was != now for was, now in places):
            break
    else:
        pytest.fail("In no world of these does the first item stay while another moves.")
    title = next(move["item"]["title"] for move in moved if move["rankBefore"] != move["rankAfter"])
    changes = quote(f'[{{"what":"happened","item":{{"id":"{item}","title":"It"}},"type":"purchase"}}]')
    with opened(chromium, api, f"/#user={user}&view=what-if&changes={changes}") as page:
        expect(page.locator("#why-title")).to_have_text(f"What would move {title}")
