"""The real Neo4j Browser takes the saved queries and the style sheet that are dropped on its window."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from graph import server
from tests.saved_queries import ARCHIVE, QUERIES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from graph.client import Settings

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
