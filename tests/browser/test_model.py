"""What the page says of the model that is served."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from graph.client import Client, Settings
from tests import served
from tests.browser.pages import faults, opened
from tests.served import Served

pytestmark = pytest.mark.browser

METRICS = {
    "attune": {"ndcg20_all": 0.42, "ndcg20_novel": 0.09},
    "untrained": {"ndcg20_all": 0.35, "ndcg20_novel": 0.08},
    "frequency+ease": {"ndcg20_all": 0.4, "ndcg20_novel": 0.1},
}


def test_a_model_that_was_not_measured_says_so(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#view=model") as page:
        expect(page.locator(".measured")).to_contain_text("This model was not measured.")


@pytest.mark.usefixtures("models")  # it loads the shop
def test_the_model_stands_beside_what_it_was_measured_with(
    chromium: Browser, neo4j: Settings, session_client: Client, tmp_path: Path
) -> None:
    version = served.first_model(session_client, tmp_path, METRICS)
    with served.serving(served.settings(neo4j, tmp_path)) as api, opened(chromium, api) as page:
        page.get_by_role("link", name="Model").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("How good is it?")
        expect(page.locator(".facts")).to_contain_text(version)
        title = "NDCG@20 · Everything bought"
        best = page.get_by_role("img", name=title)
        expect(best).to_have_accessible_name(f"{title}: attune 0.4200, frequency+ease 0.4000, first weights 0.3500")
        widths = best.locator(".bar").evaluate_all("bars => bars.map(bar => bar.width.baseVal.value)")
        assert [width / widths[0] for width in widths] == pytest.approx([1.0, 0.40 / 0.42, 0.35 / 0.42])
        expect(page.locator(".chart").first).to_contain_text("+5.0 % over frequency+ease")
        expect(page.locator(".chart").last).to_contain_text("−10.0 % below frequency+ease")
        assert faults(page) == []
        page.get_by_role("link", name="Recommendations").click()
        expect(page.locator(".card")).to_have_count(12)


@pytest.mark.usefixtures("models")
def test_on_a_phone_the_names_and_values_of_a_chart_can_be_read(
    chromium: Browser, neo4j: Settings, session_client: Client, tmp_path: Path
) -> None:
    served.first_model(session_client, tmp_path, METRICS)
    phone = {"width": 360, "height": 800}
    with (
        served.serving(served.settings(neo4j, tmp_path)) as api,
        opened(chromium, api, "/#view=model", viewport=phone) as page,
    ):
        expect(page.locator(".chart").first).to_be_visible()
        size = page.locator(".chart svg").first.evaluate(
            "svg => parseFloat(getComputedStyle(svg).fontSize) * svg.getScreenCTM().a"
        )
        assert size >= 11
        names = page.locator(".chart .name").evaluate_all(
            "names => names.map(name => name.getBoundingClientRect().right)"
        )
        rails = page.locator(".chart .rail").evaluate_all(
            "rails => rails.map(rail => rail.getBoundingClientRect().left)"
        )
        assert all(name <= rail for name, rail in zip(names, rails, strict=True))


@pytest.mark.usefixtures("models")
def test_a_model_that_is_promoted_meanwhile_is_named(
    chromium: Browser, neo4j: Settings, session_client: Client, tmp_path: Path
) -> None:
    first = served.first_model(session_client, tmp_path)
    with served.serving(served.settings(neo4j, tmp_path)) as api, opened(chromium, api) as page:
        foot = page.locator(".foot")
        expect(foot).to_contain_text(first.split("-")[-1])
        other = served.first_model(session_client, tmp_path, METRICS)
        served.until(lambda: api.ask("{ model { version } }")["model"]["version"] == other)
        page.get_by_role("radio", name="Discover").check()
        expect(foot).to_contain_text(other.split("-")[-1])
        page.get_by_role("link", name="Model").click()
        expect(page.locator(".chart")).to_have_count(2)


@pytest.mark.usefixtures("models")
def test_the_first_model_is_named_on_a_page_that_was_open_before_it(
    chromium: Browser, neo4j: Settings, session_client: Client, tmp_path: Path
) -> None:
    with served.serving(served.settings(neo4j, tmp_path)) as api, opened(chromium, api, "/#user=u0") as page:
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_role("link", name="Model").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("No model is served yet")
        version = served.first_model(session_client, tmp_path, METRICS)
        expect(page.locator(".facts")).to_contain_text(version)
        expect(page.locator(".foot")).to_contain_text(version.split("-")[-1])
        page.get_by_role("link", name="Recommendations").click()
        expect(page.locator(".card")).to_have_count(12)
