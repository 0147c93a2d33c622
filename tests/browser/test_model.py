"""What the page says of the model that is served."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.pages import opened
from tests.served import Served

pytestmark = pytest.mark.browser


def test_the_model_is_shown_with_what_was_measured(chromium: Browser, api: Served) -> None:
    served = api.ask("{ model { version metrics { name } } }")["model"]
    with opened(chromium, api) as page:
        page.get_by_role("link", name="Model").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("How good is it?")
        expect(page.locator(".facts")).to_contain_text(served["version"])
        expect(page.locator(".chart")).to_have_count(len({metric["name"] for metric in served["metrics"]}))
