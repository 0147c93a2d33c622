"""The page in Chinese, in a real browser: its own words as well as what the service says."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import faults, opened
from tests.served import Served

pytestmark = pytest.mark.browser

VIEWS = {
    "list": ("/#user=u1&locale=zh", ".card"),
    "item": ("/#user=u1&item=i1&locale=zh", ".bars li"),
    "what-if": ("/#user=u1&view=what-if&locale=zh", ".places.then li"),
    "model": ("/#view=model&locale=zh", ".facts"),
}
# What a shop calls and says of its things, and names.
SHOPS_OWN = (
    r"(Coffee|Tea|Garden|Tools|Food|Home|Arbor|Basalt|Cirrus|No\.|Number \d+ of its shelf|low|high|City"
    r"|Attune|Neo4j Browser|GraphiQL|Cypher|English)"
)
_SHOWN = """() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) if (walker.currentNode.parentElement.checkVisibility()) found.push(walker.currentNode.data)
  for (const name of ['aria-label', 'title', 'placeholder', 'aria-valuetext'])
    for (const it of document.querySelectorAll(`[${name}]`)) found.push(it.getAttribute(name))
  return found
}"""


def words_of(page: Page) -> list[str]:
    """Return each English word on the page, read out or seen, that is not the shop's own."""
    texts = [text for text in page.evaluate(_SHOWN) if "MATCH (" not in text]
    plain = (re.sub(SHOPS_OWN, " ", text) for text in texts)
    return sorted({word for text in plain for word in re.findall(r"\b[A-Z]?[a-z]{3,}\b", text)})


@pytest.mark.parametrize("view", VIEWS)
def test_every_word_of_the_page_is_chinese(chromium: Browser, api: Served, view: str) -> None:
    address, shown = VIEWS[view]
    with opened(chromium, api, address) as page:
        expect(page.locator(shown).first).to_be_visible()
        page.wait_for_load_state("networkidle")
        version = {"untrained"} if view == "model" else set[str]()
        assert set(words_of(page)) - version - {"attune", "evaluate"} == set()
        expect(page.locator("html")).to_have_attribute("lang", "zh")
        assert faults(page) == []


def test_the_words_that_are_looked_for_are_found_in_english(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1") as page:
        expect(page.locator(".card").first).to_be_visible()
        assert {"Recommended", "Budget", "bought", "Skip"} <= set(words_of(page))


def test_the_language_is_chosen_by_keyboard_and_stays_in_the_address(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1&mode=DISCOVER") as page:
        expect(page.locator(".card .because").first).to_contain_text("Because")
        page.get_by_role("link", name="中文").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#list-title")).to_have_text("为 u1 推荐")
        for place in (".card .because", "#reasons .lead"):
            expect(page.locator(place).first).to_contain_text("因为")
        expect(page.locator(".neighbors")).to_contain_text("至少有")
        expect(page.get_by_role("radio", name="发现")).to_be_checked()
        assert "locale=zh" in page.url
        page.reload()
        expect(page.locator(".card .because").first).to_contain_text("因为")
        page.get_by_role("link", name="English").click()
        expect(page.locator("#list-title")).to_have_text("Recommended for u1")
        assert "locale" not in page.url


@pytest.mark.parametrize(("locale", "title"), [("zh-CN", "为 u1 推荐"), ("de-DE", "Recommended for u1")])
def test_a_browser_that_is_set_to_chinese_gets_chinese(chromium: Browser, api: Served, locale: str, title: str) -> None:
    with opened(chromium, api, "/#user=u1", locale=locale) as page:
        expect(page.locator("#list-title")).to_have_text(title)
        if locale == "zh-CN":
            page.get_by_role("link", name="English").click()
            expect(page.locator("#list-title")).to_have_text("Recommended for u1")
            assert "locale=en" in page.url


def test_in_chinese_on_a_phone_in_the_dark_nothing_is_cut_off(chromium: Browser, api: Served) -> None:
    options: dict[str, Any] = {"viewport": {"width": 360, "height": 800}, "color_scheme": "dark"}
    for view, (address, shown) in VIEWS.items():
        with opened(chromium, api, address, **options) as page:
            expect(page.locator(shown).first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, view
            page.wait_for_timeout(400)  # cards fade in
            assert faults(page) == []


def test_what_is_done_is_told_in_chinese(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u7&mode=DISCOVER&locale=zh") as page:
        first = page.locator(".card").first
        title = first.locator(".title").inner_text()
        first.get_by_role("button", name="浏览过").click()
        expect(page.locator("#note")).to_have_text(re.compile(f"已记录浏览：{re.escape(title)}"))
        page.get_by_role("link", name="English").click()
        expect(page.locator("#note")).to_have_text(re.compile(f"Recorded a view of {re.escape(title)}"))
        page.get_by_role("link", name="中文").click()
        page.locator("#find").fill("nobody")
        page.locator("#find").press("Enter")
        expect(page.locator(".missed")).to_have_text("没有找到 nobody。")
    with opened(chromium, api, "/#user=nobody&locale=zh") as page:
        expect(page.get_by_role("alert")).to_have_text("没有顾客 nobody。")
