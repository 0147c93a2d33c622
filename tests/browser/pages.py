"""Opening the page in a browser, and looking at it with axe-core."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.served import Served

ROOT = Path(__file__).resolve().parents[2]
_AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def opened(chromium: Browser, api: Served, path: str = "/", **options: Any) -> Generator[Page]:
    """Open a page; any error, and any request to another host, fails the test."""
    wanted: dict[str, Any] = {"viewport": {"width": 1400, "height": 900}, **options}
    context = chromium.new_context(**wanted)
    context.set_default_timeout(60_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None)
    page.on(
        "request", lambda request: None if request.url.startswith((api.url, "data:")) else wrong.append(request.url)
    )
    page.goto(api.url + path)
    try:
        yield page
        assert wrong == [], wrong
    finally:
        context.close()


def titles(page: Page) -> list[str]:
    """Return the titles of the cards, best first."""
    return page.locator(".card .title").all_inner_texts()


def faults(page: Page) -> list[str]:
    """Return what axe-core finds wrong by WCAG 2.2 AA and good practice: rule, and where."""
    # In the way of the developer tools, which the page's policy does not bind.
    page.evaluate(_AXE.read_text())
    found = page.evaluate("rules => axe.run({ runOnly: rules })", _RULES)
    return [f"{fault['id']}: {node['html']}" for fault in found["violations"] for node in fault["nodes"]]
