"""Takes the pictures of the docs from a running service: `python web/screenshots.py http://127.0.0.1:8000 [USER]`."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"


def what_if(page: Page) -> None:
    """Take away the item that the list leans on most."""
    page.locator(".chips button").first.click()
    page.get_by_role("button", name="Never had it").click()
    page.locator(".places.then .moved").first.wait_for()


def main(url: str, user: str = "1") -> None:
    """Write one picture for each view."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, address, width, scheme in (
            ("page", f"#user={user}&mode=DISCOVER", 1440, "light"),
            ("page-dark", f"#user={user}&mode=DISCOVER", 1440, "dark"),
            ("page-phone", f"#user={user}&mode=DISCOVER", 360, "light"),
            ("what-if", f"#user={user}&mode=DISCOVER&view=what-if", 1440, "light"),
        ):
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(f"{url}/{address}")
            page.locator(".card, .places li").first.wait_for(timeout=60_000)
            if name == "what-if":
                what_if(page)
            page.wait_for_timeout(2_500)  # the graph is drawn, cards have come to rest
            page.screenshot(path=IMAGES / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
