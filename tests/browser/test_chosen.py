"""The card whose reasons are shown is named by the address: it can be sent, read anew, and gone back to."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import opened
from tests.served import Served

pytestmark = pytest.mark.browser


def test_the_card_whose_reasons_are_shown_is_in_the_address(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u0") as page:
        third = page.locator(".card").nth(2)
        title = third.locator(".title").inner_text()
        assert "why=" not in page.url
        third.locator(".title").click()
        expect(page.locator("#why-title")).to_have_text(f"Why {title}")
        assert "why=" in page.url
        sent = page.url.removeprefix(api.url)
    with opened(chromium, api, sent) as page:
        expect(page.locator("#why-title")).to_have_text(f"Why {title}")
        # In another language it is the same card; another shopper's list begins with its first.
        page.locator("#in-zh").click()
        expect(page.locator(".card.chosen .title")).to_have_text(title)
        page.goto(f"{api.url}/#user=u3")
        expect(page.locator(".card").first).to_have_class("card chosen")


@pytest.mark.parametrize(
    ("locale", "told"), [("en", "Item nothing is not among the first"), ("zh", "件中没有商品 nothing")]
)
def test_a_card_that_an_address_names_and_the_list_does_not_hold_is_told_and_the_first_is_shown(
    chromium: Browser, api: Served, locale: str, told: str
) -> None:
    with opened(chromium, api, f"/#user=u0&why=nothing&locale={locale}") as page:
        expect(page.locator("#note")).to_contain_text(told)
        expect(page.locator(".card").first).to_have_class("card chosen")
        expect(page.locator(".card")).to_have_count(12)
        assert "why=" not in page.url


def test_a_card_further_down_that_an_address_names_is_shown_with_those_before_it(
    chromium: Browser, api: Served
) -> None:
    with opened(chromium, api, "/#user=u0") as page:
        for shown in (24, 36):
            page.locator("#more").click()
            expect(page.locator(".card")).to_have_count(shown)
        far = page.locator(".card .title").nth(30)
        title = far.inner_text()
        far.click()
        expect(page.locator("#why-title")).to_have_text(f"Why {title}")
        sent = page.url.removeprefix(api.url)
    with opened(chromium, api, sent) as page:
        expect(page.locator(".card.chosen .title")).to_have_text(title)
        expect(page.locator("#why-title")).to_have_text(f"Why {title}")
        expect(page.locator(".card")).to_have_count(36)
        expect(page.locator("#note")).to_have_text("")
        assert page.url.removeprefix(api.url) == sent
        # The list goes on from there.
        page.locator("#more").click()
        expect(page.locator(".card")).not_to_have_count(36)
        ids = page.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.id)")
        assert len(ids) == len(set(ids))
        # The same in another language, which is another list.
        page.locator("#in-zh").click()
        expect(page.locator("#why-title")).to_have_text(f"为什么推荐 {title}")
    # On a page that shows the list already.
    with opened(chromium, api, "/#user=u0") as page:
        expect(page.locator(".card")).to_have_count(12)
        page.goto(api.url + sent)
        expect(page.locator(".card.chosen .title")).to_have_text(title)


def test_the_address_names_the_chosen_card_for_as_long_as_it_is_shown(chromium: Browser, api: Served) -> None:
    def chosen(page: Page) -> str:
        return page.locator(".card.chosen .title").inner_text()

    with opened(chromium, api, "/#user=u0") as page:
        page.locator(".card .title").nth(2).click()
        title, sent = chosen(page), page.url.removeprefix(api.url)
    with opened(chromium, api, sent) as page:
        expect(page.locator(".card.chosen .title")).to_have_text(title)
        # Opened, it is not lost: read anew, it is there still.
        assert page.url.removeprefix(api.url) == sent
        page.reload()
        expect(page.locator(".card.chosen .title")).to_have_text(title)
        # A card that goes is named no longer, and the way back to it leads to the first.
        page.locator(".card.chosen .record").nth(2).click()
        expect(page.locator(".card .title").filter(has_text=title)).to_have_count(0)
        expect(page.locator(".card").first).to_have_class("card chosen")
        assert "why=" not in page.url
        page.goto(api.url + sent)
        page.wait_for_url(lambda url: "why=" not in url)
        expect(page.locator(".card").first).to_have_class("card chosen")
        expect(page.locator("#note")).to_contain_text("is not among the first")
