"""The list in a real browser: what a first visitor sees and does."""

import pytest
from playwright.sync_api import Browser, Route, WebSocketRoute, expect

from tests.browser.pages import faults, opened, titles
from tests.served import Served

pytestmark = pytest.mark.browser


def test_a_visitor_sees_a_list_with_prices_and_reasons_at_once(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        first = page.locator(".card").first
        expect(first.locator(".because")).to_contain_text("Because")
        expect(first.locator(".price")).to_contain_text("€")
        expect(page.locator("#list-title")).to_have_text("Recommended for u0")
        expect(page.locator("#power")).to_contain_text("low")
        expect(page.locator("#known")).to_have_text("income known")
        expect(page.locator("#live")).to_be_visible()


def test_another_shopper_is_found_by_keyboard(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        field = page.get_by_role("combobox", name="Find a shopper or an item")
        field.fill("u3")
        expect(page.get_by_role("option").first).to_have_text("u3")
        field.press("ArrowDown")
        expect(field).to_have_attribute("aria-activedescendant", "find-0")
        field.press("Enter")
        expect(page.locator("#list-title")).to_have_text("Recommended for u3")
        expect(page.get_by_role("listbox")).to_be_hidden()
        assert "user=u3" in page.url


def test_the_way_back_leads_to_the_shopper_before(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u0") as page:
        expect(page.locator("#list-title")).to_have_text("Recommended for u0")
        for user in ("u3", "u5"):
            page.locator("#find").fill(user)
            page.locator("#find").press("Enter")
            expect(page.locator("#list-title")).to_have_text(f"Recommended for {user}")
        for user in ("u3", "u0"):
            page.go_back()
            expect(page.locator("#list-title")).to_have_text(f"Recommended for {user}")
        page.go_forward()
        expect(page.locator("#list-title")).to_have_text("Recommended for u3")


def test_an_unknown_shopper_is_told_and_the_page_lives_on(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=nobody") as page:
        expect(page.get_by_role("alert")).to_contain_text("no shopper nobody")
        field = page.locator("#find")
        field.fill("u1")
        field.press("Enter")
        expect(page.locator("#list-title")).to_have_text("Recommended for u1")
        expect(page.get_by_role("alert")).to_be_hidden()


def test_shoppers_leafed_through_in_haste_leave_nothing_behind(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        # All in one task: each is left before the socket that follows it can have opened.
        page.evaluate(
            "for (let user = 1; user < 9; user++) {"
            " history.replaceState(null, '', `#user=u${user}`); dispatchEvent(new Event('hashchange')); }"
        )
        expect(page.locator("#list-title")).to_have_text("Recommended for u8")
        expect(page.locator("#live")).to_be_visible()


def test_mode_and_budget_change_the_list(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        before = titles(page)
        page.get_by_role("radio", name="Discover").check()
        expect(page.locator(".card .title").first).not_to_have_text(before[0])
        page.locator("#budget").fill("20")
        expect(page.locator("#budget-told")).to_contain_text("up to €")
        limit = float(page.locator("#budget-told").inner_text().removeprefix("up to €"))
        expect(page.locator(".card[aria-busy]")).to_have_count(0)
        page.wait_for_function(
            "limit => [...document.querySelectorAll('.card .price strong')]"
            ".every(price => Number(price.textContent.slice(1)) <= limit)",
            arg=limit,
        )
        assert "mode=DISCOVER" in page.url
        address = page.url
    with opened(chromium, api, "/" + address.removeprefix(api.url + "/")) as page:
        expect(page.locator("#budget-told")).to_contain_text("up to €")
        assert page.get_by_role("radio", name="Discover").is_checked()


def test_buying_an_item_takes_it_off_the_discover_list(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u8&mode=DISCOVER") as page:
        expect(page.locator(".card")).to_have_count(12)
        best = titles(page)[0]
        page.locator(".card").first.get_by_role("button", name="bought").click()
        expect(page.locator("#note")).to_contain_text(f"Recorded a purchase of {best}")
        expect(page.locator(".card .title").first).not_to_have_text(best)
        assert best not in titles(page)
        expect(page.locator(".moved").first).to_be_visible()
        page.wait_for_timeout(1000)  # the subscription tells the same event once more
        expect(page.locator(".moved").first).to_be_visible()


def test_an_event_recorded_elsewhere_changes_the_list_live(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u10&mode=DISCOVER") as page:
        expect(page.locator("#live")).to_be_visible()
        best = page.locator(".card").first
        item = api.ask("query ($id: ID!) { node(id: $id) { ... on Item { externalId title } } }",
                       id=best.get_attribute("data-id"))["node"]  # fmt: skip
        event = {"user": "u10", "item": item["externalId"], "type": "purchase"}
        api.ask("mutation ($e: EventInput!) { recordEvents(input: {events: [$e]}) { recorded } }", e=event)
        expect(page.locator(".card .title").first).not_to_have_text(item["title"])


def test_what_was_recorded_while_the_connection_was_gone_is_shown_once_it_is_back(
    chromium: Browser, api: Served
) -> None:
    lines: list[WebSocketRoute] = []
    deaf: list[bool] = []

    def through(line: WebSocketRoute) -> None:
        number = len(lines)
        lines.append(line)
        deaf.append(False)
        server = line.connect_to_server()
        line.on_message(server.send)
        server.on_message(lambda message: None if deaf[number] else line.send(message))

    with opened(chromium, api) as page:
        page.route_web_socket("**/graphql", through)
        page.goto(api.url + "/#user=u14&mode=DISCOVER")
        page.reload()
        expect(page.locator("#live")).to_be_visible()
        best = page.locator(".card").first
        item = api.ask("query ($id: ID!) { node(id: $id) { ... on Item { externalId title } } }",
                       id=best.get_attribute("data-id"))["node"]  # fmt: skip
        deaf[-1] = True
        event = {"user": "u14", "item": item["externalId"], "type": "purchase"}
        api.ask("mutation ($e: EventInput!) { recordEvents(input: {events: [$e]}) { recorded } }", e=event)
        page.wait_for_timeout(800)
        expect(page.locator(".card .title").first).to_have_text(item["title"])
        lines[-1].close()
        expect(page.locator(".card .title").first).not_to_have_text(item["title"])


@pytest.mark.parametrize("code", ["OVERLOADED", "REQUEST_TIMEOUT"])
def test_a_list_that_the_service_was_too_busy_for_comes_by_itself(chromium: Browser, api: Served, code: str) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        before = titles(page)

        def refuse(route: Route) -> None:  # a service is that busy when nobody asks it to be
            # With the status 200: of any other the browser complains by itself.
            route.fulfill(json={"errors": [{"message": "Too busy.", "extensions": {"code": code}}]})

        page.route("**/graphql", refuse)
        page.get_by_role("radio", name="Discover").check()
        expect(page.get_by_text("Too busy.")).to_be_visible()
        page.unroute("**/graphql")
        expect(page.locator(".card .title").first).not_to_have_text(before[0])
        expect(page.get_by_text("Too busy.")).to_be_hidden()


def test_an_empty_list_says_what_was_asked_of_it(chromium: Browser, api: Served) -> None:
    events = [{"user": "window shopper", "item": "i0", "type": "view"}]
    api.ask("mutation ($e: [EventInput!]!) { recordEvents(input: {events: $e}) { recorded } }", e=events)
    with opened(chromium, api, "/#user=window+shopper&mode=REBUY") as page:
        empty = page.locator("#cards .empty")
        expect(empty).to_have_text("The shopper bought nothing that fits.")
        page.get_by_role("radio", name="All").check()
        expect(page.locator(".card")).to_have_count(12)
        page.locator("#budget").fill("1")
        expect(empty).to_contain_text("Nothing fits. The budget is")
    api.ask("mutation ($u: String!) { eraseUser(id: $u) { erasedEvents } }", u="window shopper")


@pytest.mark.parametrize("address", ["/#budget=Infinity", "/#user=", "/#budget=-1&diversity=x&mode=none"])
def test_what_makes_no_sense_in_an_address_is_left_out(chromium: Browser, api: Served, address: str) -> None:
    with opened(chromium, api, address) as page:
        expect(page.locator(".card")).to_have_count(12)
        expect(page.locator("#budget-told")).to_have_text("no limit")
        expect(page.get_by_role("alert")).to_be_hidden()
        assert page.url.endswith("/#user=u0")


def test_more_of_the_list_can_be_shown(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        page.get_by_role("button", name="Show more").click()
        expect(page.locator(".card")).to_have_count(24)
        assert len(set(titles(page))) == 24


def test_more_that_is_asked_for_twice_is_shown_once(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".card")).to_have_count(12)
        page.locator("#more").evaluate("more => { more.click(); more.click() }")
        expect(page.locator(".card").nth(23)).to_be_visible()
        page.wait_for_load_state("networkidle")
        ids = page.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.id)")
        assert len(ids) == len(set(ids)) == 24


def test_more_that_comes_after_another_shopper_was_chosen_is_not_added(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u0") as page:
        expect(page.locator(".card")).to_have_count(12)
        late: list[Route] = []

        def hold(route: Route) -> None:
            if '"after":' in (route.request.post_data or "") and not late:
                late.append(route)
            else:
                route.continue_()

        page.route("**/graphql", hold)
        page.get_by_role("button", name="Show more").click()
        page.evaluate("location.hash = '#user=u3'")
        expect(page.locator("#list-title")).to_have_text("Recommended for u3")
        expect(page.locator(".card")).to_have_count(12)
        with page.expect_response("**/graphql"):
            late[0].continue_()
        page.wait_for_load_state("networkidle")
        expect(page.locator(".card")).to_have_count(12)


def test_an_address_followed_while_the_page_begins_is_not_overwritten(chromium: Browser, api: Served) -> None:
    # The first answer is held, and given in the very task that changes the address, before the page is told of that.
    held = """
    const ask = window.fetch
    window.fetch = async (url, ...given) => {
      const response = await ask(url, ...given)
      if (url !== '/graphql' || window.release) return response
      const answer = await response.json()
      console.info('held')
      await new Promise(release => (window.release = release))
      return { json: async () => answer }
    }
    """
    with opened(chromium, api, "/#view=model") as page:
        page.add_init_script(held)
        with page.expect_console_message(lambda message: message.text == "held"):
            page.reload()
        page.evaluate("location.hash = '#user=u3&mode=DISCOVER'; release()")
        expect(page.locator("#list-title")).to_have_text("Recommended for u3")
        expect(page.get_by_role("radio", name="Discover")).to_be_checked()
        assert page.url.endswith("#user=u3&mode=DISCOVER")


def test_what_was_done_is_no_longer_told_above_another_list(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u11") as page:
        page.locator(".card").first.get_by_role("button", name="viewed").click()
        expect(page.locator("#note")).to_contain_text("Recorded a view of")
        page.get_by_role("radio", name="Discover").check()
        expect(page.locator("#note")).to_have_text("")


def test_a_search_that_finds_nothing_says_so_and_leaves_the_list(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u0") as page:
        expect(page.locator(".card")).to_have_count(12)
        address = page.url
        field = page.locator("#find")
        field.fill("no such thing")
        missed = page.locator(".top").get_by_role("status")
        expect(missed).to_have_text("Nothing is called no such thing.")
        assert faults(page) == []
        field.press("Enter")
        expect(missed).to_have_text("Nothing is called no such thing.")
        assert page.url == address
        expect(page.locator(".card")).to_have_count(12)
        field.press("Escape")
        expect(missed).to_have_text("")


def test_on_paper_nothing_is_cut_off_and_no_button_is_left(chromium: Browser, api: Served) -> None:
    for address, shown in (("/#user=u0", ".bars li"), ("/#user=u0&item=i3", ".bars li")):
        with opened(chromium, api, address) as page:
            expect(page.locator(shown).first).to_be_visible()
            page.emulate_media(media="print")
            cut = page.locator(".side, .why").evaluate_all(
                "parts => parts.filter(part => part.scrollHeight > part.clientHeight).length"
            )
            assert cut == 0
            for button in (".acts", ".doubts", "#more", "#find"):
                expect(page.locator(button).first).to_be_hidden()
            expect(page.locator("#controls")).to_be_visible()


def test_markup_in_a_title_is_text(chromium: Browser, api: Served) -> None:
    odd = "<img src=x onerror=alert(1)>"
    events = [{"user": odd, "item": "i0", "type": "view"}]
    api.ask("mutation ($e: [EventInput!]!) { recordEvents(input: {events: $e}) { recorded } }", e=events)
    with opened(chromium, api) as page:
        page.locator("#find").fill(odd)
        page.locator("#find").press("Enter")
        expect(page.locator("#list-title")).to_have_text(f"Recommended for {odd}")
        assert page.locator("img[src=x]").count() == 0
    api.ask("mutation ($u: String!) { eraseUser(id: $u) { erasedEvents } }", u=odd)


def test_a_view_and_a_dismissal_are_recorded_and_the_dismissed_item_sinks(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u9&mode=DISCOVER") as page:
        expect(page.locator(".card")).to_have_count(12)
        seen = titles(page)[1]
        page.locator(".card").nth(1).get_by_role("button", name="viewed").click()
        expect(page.locator("#note")).to_contain_text(f"Recorded a view of {seen}")
        best = titles(page)[0]
        page.locator(".card").first.get_by_role("button", name="dismissed").click()
        expect(page.locator("#note")).to_contain_text(f"Recorded a dismissal of {best}")
        expect(page.locator(".card .title").first).not_to_have_text(best)


def test_diversity_changes_the_list(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u1") as page:
        expect(page.locator(".card")).to_have_count(12)
        before = titles(page)
        page.locator("#diversity").fill("100")
        expect(page.locator("#diversity-told")).to_have_text("100 %")
        page.wait_for_function(
            "was => [...document.querySelectorAll('.card .title')].map(it => it.innerText).join() !== was",
            arg=",".join(before),
        )
        assert "diversity=1" in page.url
