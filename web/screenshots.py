"""Takes the pictures of the docs from a running service: `python web/screenshots.py http://127.0.0.1:8000 [USER]`.

For the one in Chinese a font that has its signs must be installed.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
HEIGHTS = {"page": 1176, "page-dark": 1176, "page-chinese": 1098, "model": 792}
"""Of windows that are not 900 pixels high: so that no card is cut."""


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
            ("page-chinese", f"#user={user}&mode=DISCOVER&locale=zh", 1440, "light"),
            ("what-if", f"#user={user}&mode=DISCOVER&view=what-if", 1440, "light"),
            ("model", "#view=model", 1440, "light"),
        ):
            window = {"width": width, "height": HEIGHTS.get(name, 900)}
            page = browser.new_page(viewport=window, color_scheme=scheme, device_scale_factor=1.5)  # type: ignore[arg-type]
            page.goto(f"{url}/{address}")
            page.locator(".card, .places li, .facts").first.wait_for(timeout=60_000)
            if name in ("page", "page-dark", "page-chinese"):
                page.locator("#bubble .shares").wait_for(timeout=60_000)
            if name == "what-if":
                what_if(page)
            page.wait_for_timeout(2_500)  # the graph is drawn, cards have come to rest
            page.screenshot(path=IMAGES / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
