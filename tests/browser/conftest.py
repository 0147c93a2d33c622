"""A real Chromium before the real API over the small shop."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from graph.client import Settings
    from tests.served import Served

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def api(neo4j: "Settings", home: Path, models: Path) -> Iterator["Served"]:
    """The API with GraphiQL's files, over the freshly loaded small shop."""
    from graph import jars, server
    from tests import served

    settings = served.settings(
        neo4j, models, graphiql_assets=jars.graphiql_assets(home), neo4j_browser=server.status(home).browser
    )
    with served.serving(settings) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """Debian's Chromium where it is installed (tests/browser/ensure-chromium.sh), else Playwright's.

    For one module: while Playwright runs, this thread has an event loop, and other tests cannot start theirs.
    """
    from playwright.sync_api import expect, sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    expect.set_options(timeout=30_000)  # a busy machine is no fault of the page
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield browser
        browser.close()
