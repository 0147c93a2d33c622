"""The example shop of the docs in a real browser, before the real API of another origin."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from graph.client import Client, Settings
    from tests.served import Served

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def shop_window(
    neo4j: "Settings", models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, "Served"]]:
    """The built example, and the API that it asks."""
    from tests import example, served

    folder = tmp_path_factory.mktemp("example")
    with (
        example.hosted(folder / "shop" / "dist") as origin,
        served.serving(served.settings(neo4j, models, origins=(origin,))) as api,
    ):
        example.build(folder, api.url)
        yield origin, api


@pytest.fixture
def page(chromium: "Browser", shop_window: tuple[str, "Served"]) -> Iterator["Page"]:
    """The home page of u0; any error, and any request to another host, fails the test."""
    origin, api = shop_window
    context = chromium.new_context(viewport={"width": 1000, "height": 800})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None)
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((origin, api.url, "data:")) else wrong.append(asked.url),
    )
    page.goto(f"{origin}/?user=u0")
    page.locator(".cards li").nth(3).wait_for()
    yield page
    assert wrong == []
    context.close()


def test_the_home_row_gives_a_reason_for_each_item_and_can_be_read_by_all(page: "Page") -> None:
    from tests.browser.pages import faults

    assert page.locator(".cards li").count() == 4
    assert all(text.startswith("Because ") for text in page.locator(".why").all_inner_texts())
    assert all(text.startswith("€") for text in page.locator(".price").all_inner_texts())
    assert faults(page) == []


def test_the_basket_is_completed_for_the_money_that_is_left(page: "Page", session_client: "Client") -> None:
    from playwright.sync_api import expect

    from tests.browser.pages import faults

    expect.set_options(timeout=60_000)  # a busy machine is no fault of the page
    first = page.locator(".cards li").first
    title = first.locator("h3").inner_text()
    first.get_by_role("button", name=f"Into the basket: {title}").click()
    expect(page.get_by_role("status")).to_have_text(f"{title} is in your basket.")
    page.get_by_role("link", name="Basket (1)").click()
    expect(page.locator("main")).to_be_focused()
    expect(page.locator(".lines li")).to_have_count(1)
    expect(page.locator(".lines li")).to_contain_text(title)
    together = float(page.locator(".total").inner_text().removeprefix("Together €"))
    page.get_by_label("I want to spend at most").fill(str(together + 6))
    expect(page.locator(".left")).to_have_text("€6.00 left")
    expect(page.locator(".cards li").first).to_be_visible()
    prices = [float(text.removeprefix("€")) for text in page.locator(".cards .price").all_inner_texts()]
    assert prices
    assert max(prices) <= 6
    assert faults(page) == []
    put = session_client.read("MATCH (:User {id: 'u0'})-[:CARTED]->(i:Item) RETURN i.title AS title")
    assert [row["title"] for row in put] == [title]
