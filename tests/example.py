"""The example shop of docs/examples: built as its reader would, and served from an address of its own.

`python -m tests.example` takes its picture for docs/api.md from the small shop.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from api.schema import SDL
from tests.conformance import packages

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
SHOP = ROOT / "docs" / "examples" / "shop"
PICTURE = ROOT / "docs" / "images" / "example-shop.png"


def build(folder: Path, api: str) -> Path:
    """Generate the types, check them, bundle the app for an API at this address; return the bundle's folder."""
    modules = packages.install(SHOP)
    app = folder / "shop"
    shutil.copytree(SHOP, app, ignore=shutil.ignore_patterns("node_modules", "dist", "generated.ts"))
    (app / "node_modules").symlink_to(modules)
    with patch.dict(os.environ, {"ATTUNE_SCHEMA": str(SDL), "VITE_ATTUNE": api}):
        packages.run(app, "codegen.mjs", timeout=200)
        packages.run(app, "node_modules/typescript/bin/tsc", "--noEmit", timeout=200)
        packages.run(app, "node_modules/vite/bin/vite.js", "build", timeout=200)
    return app / "dist"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        pass


@contextmanager
def hosted(folder: Path) -> Generator[str]:
    """Serve what a folder will hold on a free port; yield the origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def whole(page: "Page") -> None:
    """Make the window as high as the page: a picture of more than the window is cut by some versions of Chromium."""
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": 1000, "height": height})


def main() -> None:
    """Serve the small shop and the example, put something into the basket, take the picture."""
    from playwright.sync_api import sync_playwright

    from graph import server
    from graph.client import Client
    from tests import served
    from tests import shop as shops

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        neo4j = server.up(folder / "home", heap_mb=512, report=print)
        try:
            with Client(neo4j) as client:
                served.load_shop(client, shops.make())
                served.first_model(client, folder / "models")
            with hosted(folder / "shop" / "dist") as origin:
                settings = served.settings(neo4j, folder / "models", origins=(origin,))
                with served.serving(settings) as api, sync_playwright() as playwright:
                    build(folder, api.url)
                    browser = playwright.chromium.launch(
                        executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                    )
                    page = browser.new_page(viewport={"width": 1000, "height": 420}, device_scale_factor=2)
                    page.goto(f"{origin}/?user=u0")
                    page.locator(".cards li").nth(3).wait_for(timeout=120_000)
                    whole(page)
                    page.screenshot(path=PICTURE)
                    browser.close()
        finally:
            server.down(folder / "home")


if __name__ == "__main__":
    main()
