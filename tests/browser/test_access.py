"""The page for everybody: by keyboard, on a phone, in the dark, and as axe-core sees it."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import faults, opened
from tests.served import Served

pytestmark = pytest.mark.browser

VIEWS = {"list": "/#user=u1", "item": "/#user=u1&item=i1", "what-if": "/#user=u1&view=what-if", "model": "/#view=model"}
SHOWN = {"list": ".card", "item": ".bars li", "what-if": ".places.then li", "model": ".facts"}


def settled(page: Page, view: str) -> None:
    expect(page.locator(SHOWN[view]).first).to_be_visible()
    page.wait_for_timeout(400)  # cards fade in


@pytest.fixture(params=VIEWS)
def view(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_axe_finds_nothing_wrong(chromium: Browser, api: Served, view: str, width: int, scheme: Any) -> None:
    options: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with opened(chromium, api, VIEWS[view], **options) as page:
        settled(page, view)
        assert faults(page) == []


def test_axe_would_find_a_fault(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        settled(page, "list")
        page.evaluate("document.querySelector('.note').before(document.createElement('button'))")
        assert any(fault.startswith("button-name") for fault in faults(page))


@pytest.mark.parametrize("width", [360, 768, 1100, 1920])
def test_nothing_is_cut_off_at_any_width(chromium: Browser, api: Served, view: str, width: int) -> None:
    with opened(chromium, api, VIEWS[view], viewport={"width": width, "height": 800}) as page:
        settled(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_can_be_reached_by_keyboard(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        reached: set[str] = set()
        for _ in range(22):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
        assert {
            "graphiql",
            "browser",
            "in-zh",
            "find",
            "budget",
            "diversity",
            "bubble-title",
            "title",
            "record",
        } <= reached


def regions_by_keyboard(page: Page) -> list[str]:
    """Return the regions of the page's content in the order in which Tab comes to them."""
    page.locator("main").focus()
    found: list[str] = []
    while True:
        page.keyboard.press("Tab")
        region = page.evaluate(
            "document.activeElement.closest('main') && document.activeElement.closest('main > *').className"
        )
        if region is None:
            return found
        if region not in found[-1:]:
            found.append(region)


def regions_by_sight(page: Page) -> list[str]:
    """Return them as they are read: row by row, from left to right."""
    page.evaluate("scrollTo(0, 0)")  # some stay in sight where others are scrolled away
    places = page.locator("main > *").evaluate_all(
        "parts => parts.map(part => [part.getBoundingClientRect(), part.className])"
        ".map(([box, name]) => [Math.round(box.top), box.left, name])"
    )
    return [name for _, _, name in sorted(places)]


@pytest.mark.parametrize("width", [360, 800, 1400])
@pytest.mark.parametrize("view", ["list", "item"])
def test_the_keyboard_goes_the_way_of_the_eye(chromium: Browser, api: Served, view: str, width: int) -> None:
    with opened(chromium, api, VIEWS[view], viewport={"width": width, "height": 900}) as page:
        settled(page, view)
        assert len(regions_by_sight(page)) == 3
        assert regions_by_keyboard(page) == regions_by_sight(page)


@pytest.mark.parametrize("width", [360, 600, 800, 1000, 1400])
@pytest.mark.parametrize("locale", ["en", "zh"])
def test_so_it_does_at_the_top_of_the_page(chromium: Browser, api: Served, locale: str, width: int) -> None:
    address = f"/#user=u0&locale={locale}"
    with opened(chromium, api, address, viewport={"width": width, "height": 900}) as page:
        settled(page, "list")
        parts = page.locator(".top > *").evaluate_all(
            "parts => parts.map(part => part.getBoundingClientRect())"
            ".map(box => [box.top, box.bottom, box.left, box.right])"
        )
        assert len(parts) == 4
        for (top, bottom, _, right), (next_top, next_bottom, next_left, next_right) in pairwise(parts):
            beside = next_left >= right and abs((top + bottom) - (next_top + next_bottom)) < 10
            assert beside or next_top >= bottom
            assert next_right <= width


def test_the_keyboard_goes_the_way_of_the_eye_after_a_turn_of_the_screen(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, VIEWS["item"], viewport={"width": 600, "height": 900}) as page:
        settled(page, "item")
        title = page.locator("#item-title").element_handle()
        for width in (900, 600):
            page.set_viewport_size({"width": width, "height": 600})
            expect(page.locator("main > :first-child")).to_have_class("side" if width > 760 else "list")
            assert regions_by_keyboard(page) == regions_by_sight(page)
        # It is the same view: nothing was asked for again.
        assert title.evaluate("title => title.isConnected")


def test_the_skip_link_leads_past_the_header(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u4") as page:
        expect(page.locator(".card")).to_have_count(12)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        assert "user=u4" in page.url


def test_first_paint_comes_at_once(chromium: Browser, api: Served, record_property: Any) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        sent = page.evaluate(
            "performance.getEntriesByType('resource').filter(it => !it.name.includes('/network-'))"
            ".reduce((sum, it) => sum + it.encodedBodySize, 0)"
        )
        record_property("first_contentful_paint_ms", paint)
        print(f"first contentful paint after {paint:.0f} ms, {sent / 1000:.0f} kB before the graph")
        assert sent < 150_000


def test_graphiql_runs_a_query_with_files_from_this_machine(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/graphql") as page:
        page.get_by_role("button", name="Execute query").click()
        expect(page.locator(".result-window")).to_contain_text("modelVersion")


def test_the_keyboard_stays_in_the_page_where_what_it_pressed_is_gone(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1") as page:
        page.locator(".card .quiet").first.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#item-title")).to_be_visible()
        expect(page.locator("main")).to_be_focused()
        page.goto(f"{api.url}/#user=u1&view=what-if")
        page.locator(".chips button").first.click()
        page.get_by_role("button", name="Never had it").click()
        page.get_by_role("button", name="Take back").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#changes-title")).to_be_focused()
