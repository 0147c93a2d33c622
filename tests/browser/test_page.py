"""The page in a real browser: what a first visitor sees and does."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.served import Served

pytestmark = pytest.mark.browser


@contextmanager
def opened(chromium: Browser, api: Served, path: str = "/", **options: Any) -> Generator[Page]:
    """Open a page; any error, and any request to another host, fails the test."""
    wanted: dict[str, Any] = {"viewport": {"width": 1400, "height": 900}, **options}
    context = chromium.new_context(**wanted)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on(
        "request", lambda request: None if request.url.startswith((api.url, "data:")) else wrong.append(request.url)
    )
    page.goto(api.url + path)
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


def titles(page: Page) -> list[str]:
    return page.locator(".card .title").all_inner_texts()


def test_a_visitor_sees_a_list_with_prices_and_reasons_at_once(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        first = page.locator(".card").first
        expect(first.locator(".because")).to_contain_text("Because")
        expect(first.locator(".price")).to_contain_text("€")
        expect(page.locator("#list-title")).to_have_text("Recommended for u0")
        expect(page.locator("#power")).to_contain_text("low")
        expect(page.locator("#known")).to_have_text("income known")
        expect(page.locator("#live")).to_be_visible()


def test_the_reasons_of_the_chosen_card_are_bars_and_paths_that_agree(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        second = page.locator(".card").nth(1)
        title = second.locator(".title").inner_text()
        second.locator(".title").click()
        expect(page.locator("#why-title")).to_have_text(f"Why {title}")
        bars = page.locator(".bars li")
        values = [float(text.replace("−", "-")) for text in page.locator(".bars .amount").all_inner_texts()]
        score = float(page.locator(".score strong").inner_text())
        assert abs(sum(values) - score) < 0.005 * len(values)
        expect(page.locator(".paths .via")).to_have_count(bars.count())
        expect(page.locator(".neighbors")).to_contain_text("shoppers")
        bars.first.hover()
        expect(page.locator(".paths .via.lit")).to_have_count(1)


def test_the_cypher_can_be_copied(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.locator(".cypher summary").click()
        page.get_by_role("button", name="Copy the Cypher").click()
        expect(page.locator(".copied")).to_have_text("copied")
        assert page.evaluate("navigator.clipboard.readText()").startswith(':param user => "u0";')
        expect(page.locator("#browser")).to_have_attribute("href", "http://127.0.0.1:7474/browser/")


def test_another_shopper_is_found_by_keyboard(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        field = page.get_by_role("combobox", name="Find a shopper by id")
        field.fill("u3")
        expect(page.get_by_role("option").first).to_have_text("u3")
        field.press("ArrowDown")
        expect(field).to_have_attribute("aria-activedescendant", "users-0")
        field.press("Enter")
        expect(page.locator("#list-title")).to_have_text("Recommended for u3")
        expect(page.get_by_role("listbox", name="Shoppers")).to_be_hidden()
        assert "user=u3" in page.url


def test_an_unknown_shopper_is_told_and_the_page_lives_on(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=nobody") as page:
        expect(page.get_by_role("alert")).to_contain_text("no shopper nobody")
        field = page.locator("#user")
        field.fill("u1")
        field.press("Enter")
        expect(page.locator("#list-title")).to_have_text("Recommended for u1")
        expect(page.get_by_role("alert")).to_be_hidden()


def test_mode_and_budget_change_the_list(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        before = titles(page)
        page.get_by_role("radio", name="Discover").check()
        expect(page.locator(".card .title").first).not_to_have_text(before[0])
        page.locator("#budget").fill("20")
        expect(page.locator("#budget-told")).to_contain_text("up to €")
        limit = float(page.locator("#budget-told").inner_text().removeprefix("up to €"))
        expect(page.locator(".card[aria-busy]")).to_have_count(0)
        page.wait_for_function(
            "limit => [...document.querySelectorAll('.card .price strong')]"
            ".every(price => Number(price.textContent.slice(1)) <= limit)",
            arg=limit,
        )
        assert "mode=DISCOVER" in page.url
        address = page.url
    with opened(chromium, api, "/" + address.removeprefix(api.url + "/")) as page:
        expect(page.locator("#budget-told")).to_contain_text("up to €")
        assert page.get_by_role("radio", name="Discover").is_checked()


def test_buying_an_item_takes_it_off_the_discover_list(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u8&mode=DISCOVER") as page:
        expect(page.locator(".card")).to_have_count(12)
        best = titles(page)[0]
        page.locator(".card").first.get_by_role("button", name="bought").click()
        expect(page.locator("#note")).to_contain_text(f"Recorded a purchase of {best}")
        expect(page.locator(".card .title").first).not_to_have_text(best)
        assert best not in titles(page)
        expect(page.locator(".moved").first).to_be_visible()
        page.wait_for_timeout(1000)  # the subscription tells the same event once more
        expect(page.locator(".moved").first).to_be_visible()


def test_an_event_recorded_elsewhere_changes_the_list_live(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u10&mode=DISCOVER") as page:
        expect(page.locator("#live")).to_be_visible()
        best = page.locator(".card").first
        item = api.ask("query ($id: ID!) { node(id: $id) { ... on Item { externalId title } } }",
                       id=best.get_attribute("data-id"))["node"]  # fmt: skip
        event = {"user": "u10", "item": item["externalId"], "type": "purchase"}
        api.ask("mutation ($e: EventInput!) { recordEvents(input: {events: [$e]}) { recorded } }", e=event)
        expect(page.locator(".card .title").first).not_to_have_text(item["title"])


def test_more_of_the_list_can_be_shown(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        page.get_by_role("button", name="Show more").click()
        expect(page.locator(".card")).to_have_count(24)
        assert len(set(titles(page))) == 24


def test_markup_in_a_title_is_text(chromium: Browser, api: Served) -> None:
    odd = "<img src=x onerror=alert(1)>"
    events = [{"user": odd, "item": "i0", "type": "view"}]
    api.ask("mutation ($e: [EventInput!]!) { recordEvents(input: {events: $e}) { recorded } }", e=events)
    with opened(chromium, api) as page:
        page.locator("#user").fill(odd)
        page.locator("#user").press("Enter")
        expect(page.locator("#list-title")).to_have_text(f"Recommended for {odd}")
        assert page.locator("img[src=x]").count() == 0
    api.ask("mutation ($u: String!) { eraseUser(id: $u) { erasedEvents } }", u=odd)


@pytest.mark.parametrize("width", [360, 768, 1100, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_at_any_width(chromium: Browser, api: Served, width: int, scheme: Any) -> None:
    options: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with opened(chromium, api, **options) as page:
        expect(page.locator(".card")).to_have_count(12)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_can_be_reached_by_keyboard_and_has_a_name(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        reached: set[str] = set()
        for _ in range(16):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
        assert {"graphiql", "browser", "user", "budget", "diversity", "title", "record"} <= reached
        unnamed = page.evaluate(
            "[...document.querySelectorAll('button, input, a, [role=img]')].filter(it => !it.hidden &&"
            " !(it.textContent.trim() || it.getAttribute('aria-label') || it.labels?.length)).map(it => it.outerHTML)"
        )
        assert unnamed == []


def test_text_has_enough_contrast(chromium: Browser, api: Served) -> None:
    measure = """() => {
      const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
      const channels = (colour) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
      };
      const light = (rgb) => rgb.slice(0, 3).map(c => c / 255)
        .map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, at) => sum + c * [.2126, .7152, .0722][at], 0);
      const behind = (node) => {
        for (; node; node = node.parentElement) {
          const found = channels(getComputedStyle(node).backgroundColor);
          if (found[3] === 255) return found;
        }
        return [255, 255, 255];
      };
      const poor = [];
      for (const node of document.querySelectorAll('body *:not(svg *)')) {
        const own = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
        if (!own || !node.checkVisibility() || node.closest('.skip')) continue;
        const [a, b] = [light(channels(getComputedStyle(node).color)), light(behind(node))];
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5) poor.push(`${node.className || node.tagName} ${ratio.toFixed(2)}`);
      }
      return [...new Set(poor)];
    }"""
    for scheme in ("light", "dark"):
        with opened(chromium, api, color_scheme=scheme) as page:
            expect(page.locator(".card")).to_have_count(12)
            page.wait_for_timeout(500)  # cards fade in
            assert page.evaluate(measure) == [], scheme


def test_graphiql_runs_a_query_with_files_from_this_machine(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/graphql") as page:
        page.get_by_role("button", name="Execute query").click()
        expect(page.locator(".result-window")).to_contain_text("modelVersion")
