"""The reports of the command line, as they are opened from a folder: on a phone, in the dark, as axe-core sees them."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from gnn import untrained
from gnn.config import Config
from gnn.evaluation import bubble, bubble_report, contenders, origins, protocol, report
from gnn.progress import Silent
from tests import snapshots as shop_snapshots
from tests.browser.pages import faults

pytestmark = pytest.mark.browser

SMALL = Config(epochs=1, min_buyers=1)


@pytest.fixture(scope="module", params=["bubble", "evaluation"])
def text(request: pytest.FixtureRequest) -> str:
    snapshot = shop_snapshots.of_shop()
    if request.param == "bubble":
        artefact = untrained.build(snapshot, SMALL)
        return bubble_report.page(bubble.measure(artefact, snapshot, None, Silent(), k=10, device="cpu"))
    models = contenders.named(("popularity", "frequency", "untrained"), SMALL, device="cpu")
    return report.page(protocol.evaluate(snapshot, models, origins.rolling(snapshot, SMALL, 2), SMALL, seeds=(0,)))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_wrong_and_no_page_is_wider_than_the_screen(
    chromium: Browser, text: str, width: int, scheme: Any
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_content(text)
    assert faults(page) == []
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    context.close()
