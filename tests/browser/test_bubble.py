"""How narrow the list is, in a real browser: the card beside the list says what the API says."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.pages import faults, opened
from tests.served import Served

pytestmark = pytest.mark.browser

BUBBLE = """query ($u: String!, $f: ListFilter) { user(id: $u) { bubble(first: 12, filter: $f) {
  list { ...B } lastMonth { ...B } history { ...B } catalogue { ...B } neverBought kept sentences } } }
fragment B on Breadth { effectiveCategories priceTiers }"""
SIDES = ("list", "lastMonth", "history", "catalogue")


def test_the_card_holds_the_list_against_a_month_ago_the_past_and_everything(chromium: Browser, api: Served) -> None:
    found = api.ask(BUBBLE, u="u1")["user"]["bubble"]
    with opened(chromium, api, "/#user=u1") as page:
        card = page.locator("#bubble")
        expect(card.get_by_role("heading", name="How narrow is this list?")).to_be_visible()
        rows = card.locator(".breadths div")
        expect(rows).to_have_count(4)
        told = [text.split("\n") for text in rows.all_inner_texts()]
        assert [name for name, _ in told] == ["This list", "A month ago", "Bought before", "Everything"]
        figures = [found[side]["effectiveCategories"] for side in SIDES]
        assert [value for _, value in told] == [f"{figure:.1f}" for figure in figures]
        widths = rows.locator(".track i").evaluate_all("bars => bars.map(bar => parseFloat(bar.style.width))")
        assert widths == pytest.approx([100 * figure / max(figures) for figure in figures], abs=0.01)
        strips = card.locator(".tier-strip")
        expect(strips).to_have_count(4)
        for place, side in enumerate(SIDES):
            shares = (
                strips.nth(place).locator("i").evaluate_all("parts => parts.map(part => Number(part.style.flexGrow))")
            )
            assert shares == pytest.approx(found[side]["priceTiers"], abs=1e-6)
        shares = card.locator(".shares dd").all_inner_texts()
        assert shares == [f"{found[name]:.0%}".replace("%", " %") for name in ("neverBought", "kept")]
        card.get_by_text("In words").click()
        expect(card.locator(".in-words li")).to_have_text(found["sentences"])
        assert faults(page) == []


def test_the_card_follows_what_is_wished_for_and_whom_it_is_about(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1") as page:
        card = page.locator("#bubble")
        expect(card.locator(".shares dd")).to_have_count(2)
        page.get_by_role("radio", name="Discover").check()
        wanted = api.ask(BUBBLE, u="u1", f={"mode": "DISCOVER"})["user"]["bubble"]
        card.get_by_text("In words").click()
        expect(card.locator(".in-words li")).to_have_text(wanted["sentences"])
        page.locator("#find").fill("u4")
        page.locator("#find").press("Enter")
        wanted = api.ask(BUBBLE, u="u4", f={"mode": "DISCOVER"})["user"]["bubble"]
        expect(card.locator(".in-words li")).to_have_text(wanted["sentences"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_card_is_folded_and_opens_by_keyboard(chromium: Browser, api: Served, scheme: str) -> None:
    options = {"viewport": {"width": 360, "height": 800}, "color_scheme": scheme}
    with opened(chromium, api, "/#user=u1", **options) as page:
        expect(page.locator(".card")).to_have_count(12)
        card = page.locator("#bubble")
        assert card.get_attribute("open") is None
        card.locator("summary").first.focus()
        page.keyboard.press("Enter")
        expect(card.locator(".tier-strip")).to_have_count(4)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert faults(page) == []


def test_of_a_shopper_without_a_past_nothing_is_compared(chromium: Browser, api: Served) -> None:
    events = [{"user": "passer-by", "item": "i0", "type": "view"}]
    api.ask("mutation ($e: [EventInput!]!) { recordEvents(input: {events: $e}) { recorded } }", e=events)
    with opened(chromium, api, "/#user=passer-by") as page:
        rows = page.locator("#bubble .breadths dt")
        expect(rows).to_have_text(["This list", "Everything"])
        expect(page.locator("#bubble .shares div")).to_have_count(0)
    api.ask("mutation ($u: String!) { eraseUser(id: $u) { erasedEvents } }", u="passer-by")
