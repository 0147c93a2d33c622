"""The real Neo4j Browser takes the saved queries and the style sheet, and what the page opens it with."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from graph import server
from tests.saved_queries import ARCHIVE, QUERIES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from graph.client import Settings
    from tests.served import Served

pytestmark = [pytest.mark.integration, pytest.mark.browser]

_DROP = """
([name, text]) => {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
  const dataTransfer = new DataTransfer()
  dataTransfer.items.add(new File([bytes], name))
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    const event = new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer })
    document.querySelector('.filedrop').dispatchEvent(event)
  }
}
"""


@pytest.fixture
def page(neo4j: "Settings", home: Path, chromium: "Browser"):
    assert neo4j
    address = server.status(home).browser
    assert address
    with chromium.new_page() as page:
        page.goto(address)
        page.locator(".filedrop").wait_for()
        yield page


def _drop(page: "Page", path: Path) -> None:
    page.evaluate(_DROP, [path.name, base64.b64encode(path.read_bytes()).decode()])


def test_the_archive_becomes_a_folder_of_favourites(page: "Page"):
    _drop(page, ARCHIVE)
    page.get_by_test_id("navigationFavorites").click()
    page.get_by_test_id("expandFolder-Attune").click()
    for path in sorted(QUERIES.glob("*.cypher")):
        name = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("// ")
        page.get_by_text(name, exact=True).wait_for()


def test_the_style_sheet_is_taken_as_it_is(page: "Page"):
    sheet = QUERIES / "attune.grass"
    _drop(page, sheet)
    shown = page.get_by_test_id("frameContents").filter(has_text="node.User").inner_text()
    assert shown.split() == sheet.read_text(encoding="utf-8").split()


def test_the_page_opens_it_with_the_paths_of_a_recommendation_to_run(
    neo4j: "Settings", api: "Served", chromium: "Browser"
):
    from playwright.sync_api import expect

    from tests.browser.pages import opened

    # Signs that an address, a string or a statement could trip over.
    odd = "a&b #1 50%+ \"c\" 'd' \\ ; 语"
    events = [{"user": odd, "item": item, "type": "purchase"} for item in ("i0", "i4")]
    api.ask("mutation ($e: [EventInput!]!) { recordEvents(input: {events: $e}) { recorded } }", e=events)
    with opened(chromium, api, "/#view=model") as page:
        page.evaluate("user => (location.hash = new URLSearchParams({ user, mode: 'DISCOVER' }))", odd)
        page.locator(".cypher summary").click()
        with page.expect_popup() as popup:
            page.get_by_role("link", name="Open in Neo4j Browser").click()
        browser = popup.value
        browser.set_default_timeout(60_000)
        # Twelve lines are in sight.
        expect(browser.get_by_test_id("activeEditor")).to_contain_text("asked.user")
        browser.get_by_test_id("username").fill(neo4j.user)
        browser.get_by_test_id("password").fill(neo4j.password)
        browser.get_by_test_id("connect").click()
        browser.get_by_role("heading", name="Connected to Neo4j").wait_for()
        browser.get_by_test_id("editor-Run").click()
        # The user, the item, and what leads from the one to the other.
        answer = browser.get_by_test_id("frame").filter(has_text="asked")
        expect(answer.locator("svg .node").nth(2)).to_be_visible()
        expect(answer).to_contain_text("PURCHASED")
        expect(answer).not_to_contain_text("ERROR")
    api.ask("mutation ($u: String!) { eraseUser(id: $u) { erasedEvents } }", u=odd)
