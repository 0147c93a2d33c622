"""The reasons of a recommendation in a real browser: a waterfall, a graph, and Cypher that agree."""

from urllib.parse import quote
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from graph import write
from graph.client import Client
from tests import served
from tests.browser.pages import faults, opened
from tests.served import Served

pytestmark = pytest.mark.browser

# What JavaScript's encodeURIComponent leaves as it is, letters and digits apart.
_KEPT = "-_.!~*'()"


def amounts(page: Page) -> list[float]:
    return [float(text.replace("−", "-")) for text in page.locator(".bars .amount").all_inner_texts()]


def test_the_reasons_of_the_chosen_card_add_up_to_its_score(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        second = page.locator(".card").nth(1)
        title = second.locator(".title").inner_text()
        second.locator(".title").click()
        expect(page.locator("#why-title")).to_have_text(f"Why {title}")
        score = float(page.locator(".score strong").inner_text())
        assert abs(sum(amounts(page)) - score) < 0.001 * len(amounts(page))
        expect(page.locator(".neighbors")).to_contain_text("shoppers")


def test_on_a_phone_an_item_stands_before_the_shopper(chromium: Browser, api: Served) -> None:
    for width in (360, 800, 1400):
        with opened(chromium, api, "/#user=u3&item=i0", viewport={"width": width, "height": 800}) as page:
            expect(page.locator(".bars li")).not_to_have_count(0)
            item, shopper = (page.locator(name).bounding_box() for name in ("#item-title", ".side"))
            assert item is not None
            assert shopper is not None
            if width < 760:
                assert item["y"] < shopper["y"]
            else:
                assert shopper["x"] + shopper["width"] <= item["x"]
                assert shopper["y"] < item["y"] + item["height"]


def test_each_bar_of_the_waterfall_begins_where_the_one_before_it_ended(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        expect(page.locator(".bars li")).not_to_have_count(0)
        edges = page.locator(".bars .track i").evaluate_all(
            "bars => bars.map(bar => [bar.style.left, bar.style.width].map(parseFloat)).map(([at, w]) => [at, at + w])"
        )
        at = edges[0][0]
        for (left, right), value in zip(edges, amounts(page), strict=True):
            assert at == pytest.approx(left if value >= 0 else right, abs=0.05)
            at = right if value >= 0 else left
        left, width = page.locator(".total .track i").evaluate(
            "bar => [parseFloat(bar.style.left), parseFloat(bar.style.width)]"
        )
        assert at == pytest.approx(left + width, abs=0.05)


def test_the_graph_has_a_path_for_each_reason_and_lights_the_one_that_is_pointed_at(
    chromium: Browser, api: Served
) -> None:
    with opened(chromium, api) as page:
        graph = page.locator(".graph")
        bars = page.locator(".bars li")
        expect(bars).not_to_have_count(0)
        expect(graph).to_have_attribute("data-edges", str(2 * bars.count() - page.locator(".bars li.alone").count()))
        bars.nth(1).hover()
        expect(graph).to_have_attribute("data-lit", "1")
        page.locator("h1").hover()
        expect(graph).not_to_have_attribute("data-lit", "1")
        box = graph.bounding_box()
        assert box
        row = (box["height"] - 24) / bars.count()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 12 + row / 2)
        expect(bars.first).to_have_class("lit")


@pytest.mark.parametrize("width", [1400, 360])
def test_a_reason_through_a_brand_within_a_category_is_drawn(chromium: Browser, api: Served, width: int) -> None:
    def through_two(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        for edge in (found.get("data", {}).get("user") or {}).get("recommendations", {}).get("edges", []):
            *_, last = [part for part in edge["node"]["explanation"]["contributions"] if len(part["path"]) > 1]
            user, item = last["path"][0], last["path"][-1]
            shelf = {"__typename": "Category", "id": "c", "name": "Coffee of the world"}
            last["path"] = [user, shelf, {"__typename": "Brand", "id": "b", "name": "Arbor"}, item]
        route.fulfill(response=answer, json=found)

    with opened(chromium, api, viewport={"width": width, "height": 900}) as page:
        page.route("**/graphql", through_two)
        page.reload()
        bars, graph = page.locator(".bars li"), page.locator(".graph")
        expect(bars).not_to_have_count(0)
        alone = page.locator(".bars li.alone")
        expect(graph).to_have_attribute("data-edges", str(2 * bars.count() - alone.count() + 1))
        # Drawn: what is painted is not all of one colour.
        expect(graph.locator("canvas").last).to_be_visible()
        page.wait_for_timeout(500)
        painted = graph.locator("canvas").evaluate_all(
            "all => all.map(one => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some(it => it))"
        )
        assert any(painted)


def test_reasons_are_lit_by_keyboard_too(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        first, second = page.locator(".bars li").first, page.locator(".bars li").nth(1)
        graph = page.locator(".graph")
        first.focus()
        expect(graph).to_have_attribute("data-lit", "0")
        # What stands within a reason lights it too.
        for _ in range(first.get_by_role("button").count()):
            page.keyboard.press("Tab")
            expect(graph).to_have_attribute("data-lit", "0")
        page.keyboard.press("Tab")
        expect(second).to_be_focused()
        expect(graph).to_have_attribute("data-lit", "1")


def test_the_cypher_can_be_copied_and_opens_in_neo4j_browser(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.locator(".cypher summary").click()
        text = page.locator(".cypher code").inner_text()
        page.get_by_role("button", name="Copy the Cypher").click()
        expect(page.locator(".copied")).to_have_text("copied")
        assert page.evaluate("navigator.clipboard.readText()") == text
        assert text.startswith('WITH {\n  user: "u0",')
        browser = page.locator("#browser").get_attribute("href") or ""
        assert browser.endswith("/browser/")
        link = page.get_by_role("link", name="Open in Neo4j Browser")
        # tests/browser/test_neo4j_browser.py opens it.
        assert link.get_attribute("href") == f"{browser}?cmd=edit&arg={quote(text, safe=_KEPT)}"


def test_a_query_that_is_too_long_for_an_address_is_copied_instead(chromium: Browser, api: Served) -> None:
    def lengthen(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("AS asked", "AS asked" + " " * 2_000))

    with opened(chromium, api, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.route("**/graphql", lengthen)
        page.reload()
        page.locator(".cypher summary").click()
        link = page.get_by_role("link", name="Copy and open Neo4j Browser")
        expect(link).to_have_attribute("href", page.locator("#browser").get_attribute("href") or "")
        expect(page.get_by_role("link", name="Open in Neo4j Browser", exact=True)).to_have_count(0)


def test_an_item_is_found_by_words_and_explained_for_the_shopper(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u3") as page:
        expect(page.locator(".card")).to_have_count(12)
        field = page.get_by_role("combobox", name="Find a shopper or an item")
        field.fill("coffee")
        expect(page.get_by_role("option").first).to_contain_text("Coffee No.")
        field.press("Enter")
        expect(page.locator("#item-title")).to_contain_text("Coffee No.")
        expect(page.locator("#why-title")).to_contain_text("for u3")
        score = float(page.locator(".score strong").inner_text().replace("−", "-"))
        assert abs(sum(amounts(page)) - score) < 0.001 * len(amounts(page))
        page.get_by_role("link", name="← Recommendations").click()
        expect(page.locator(".card")).to_have_count(12)


def test_an_item_that_is_on_its_way_is_not_a_blank(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u3") as page:
        expect(page.locator(".card")).to_have_count(12)
        page.route("**/graphql", lambda _: None)  # no answer yet
        page.locator(".card").first.get_by_role("button", name="More about").click()
        expect(page.locator(".list[aria-busy] .skeleton")).to_be_visible()
        page.unroute("**/graphql")  # lets go on what is held
        expect(page.locator("#item-title")).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)


def test_an_item_is_found_by_its_id(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u3") as page:
        expect(page.locator(".card")).to_have_count(12)
        field = page.get_by_role("combobox", name="Find a shopper or an item")
        field.fill("i20")
        expect(page.get_by_role("option").first).to_contain_text("Coffee No. 20")
        field.press("Enter")
        expect(page.locator("#item-title")).to_have_text("Coffee No. 20")


def test_it_is_said_why_an_item_is_not_on_the_list_and_what_would_put_it_there(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u3&item=i0&budget=12") as page:
        verdict = page.locator(".why-not .verdict")
        expect(verdict).to_contain_text("It is not on the list: by score it stands at place")
        expect(page.locator(".why-not")).to_contain_text("it would be on the list, at place")
        page.locator(".why-not summary").click()
        expect(page.locator(".why-not details li").first).to_contain_text("−")
        assert faults(page) == []


def test_a_wrong_reason_is_left_out_and_used_again(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u5&item=i3") as page:
        wrong = page.get_by_role("button", name="Wrong, do not use").first
        label = wrong.get_attribute("aria-label") or ""
        said = label.removeprefix("Wrong, do not use: ")
        wrong.click()
        # The reason is recorded, and the scores are explained anew.
        expect(page.locator(".disputes li")).to_have_count(1, timeout=20_000)
        expect(page.locator(".bars")).not_to_contain_text(said)
        assert faults(page) == []
        page.get_by_role("button", name="Use again").click()
        expect(page.locator(".bars")).to_contain_text(said, timeout=20_000)
        expect(page.locator(".disputes")).to_have_count(0)


def test_a_reason_that_is_left_out_elsewhere_is_named_here_too(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u13") as page, opened(chromium, api, "/#user=u13") as other:
        expect(other.locator("#live")).to_be_visible()
        page.get_by_role("button", name="Wrong, do not use").first.click()
        expect(page.locator(".disputes li")).to_have_count(1)
        expect(other.locator(".disputes li")).to_have_count(1)
        other.get_by_role("button", name="Use again").click()
        expect(page.locator(".disputes")).to_have_count(0)
        expect(other.locator(".disputes")).to_have_count(0)


def test_the_reasons_of_an_item_follow_what_is_recorded_elsewhere(chromium: Browser, api: Served) -> None:
    asked = "query ($u: String!, $i: String!) { user(id: $u) { explain(item: $i) { score } } }"
    before = api.ask(asked, u="u17", i="i4")["user"]["explain"]["score"]
    with opened(chromium, api, "/#user=u17&item=i4") as page:
        score = page.locator(".score strong")
        expect(score).to_have_text(f"{before:.3f}".replace("-", "−"))
        verdict = page.locator(".verdict").inner_text()
        event = {"user": "u17", "item": "i4", "type": "purchase", "quantity": 5}
        api.ask("mutation ($e: EventInput!) { recordEvents(input: {events: [$e]}) { recorded } }", e=event)
        after = api.ask(asked, u="u17", i="i4")["user"]["explain"]["score"]
        assert f"{after:.3f}" != f"{before:.3f}"
        expect(score).to_have_text(f"{after:.3f}".replace("-", "−"))
        expect(page.locator(".verdict")).not_to_have_text(verdict)


def test_an_item_that_the_service_was_too_busy_for_comes_by_itself(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u3") as page:
        expect(page.locator(".card")).to_have_count(12)
        busy = {"errors": [{"message": "Too busy.", "extensions": {"code": "OVERLOADED"}}]}
        page.route("**/graphql", lambda route: route.fulfill(json=busy))
        title = page.locator(".card .title").first.inner_text()
        page.locator(".card .quiet").first.click()
        expect(page.get_by_role("alert")).to_have_text("Too busy.")
        page.unroute("**/graphql")
        expect(page.locator("#item-title")).to_have_text(title)
        expect(page.get_by_role("alert")).to_be_hidden()


def test_a_score_below_zero_has_the_sign_of_its_parts(chromium: Browser, api: Served) -> None:
    asked = 'query ($i: String!) { user(id: "u2") { explain(item: $i) { score } } }'
    scores = {f"i{item}": api.ask(asked, i=f"i{item}")["user"]["explain"]["score"] for item in range(30)}
    worst = min(scores, key=lambda item: scores[item])
    assert scores[worst] < -0.0005
    with opened(chromium, api, f"/#user=u2&item={worst}") as page:
        for place in (".score strong", ".total .amount"):
            expect(page.locator(place)).to_have_text(f"−{abs(scores[worst]):.3f}")


def test_an_unknown_item_is_told(chromium: Browser, api: Served) -> None:
    with opened(chromium, api, "/#user=u3&item=nothing") as page:
        expect(page.get_by_role("alert")).to_have_text("There is no item nothing.")


def test_a_view_can_be_left_while_the_graph_is_on_its_way(chromium: Browser, api: Served) -> None:
    with opened(chromium, api) as page:
        page.route("**/network-*.js", lambda route: (page.wait_for_timeout(300), route.continue_()))
        page.reload()
        expect(page.locator(".bars li")).not_to_have_count(0)
        page.get_by_role("link", name="Model").click()
        page.wait_for_timeout(800)
        expect(page.locator(".measured")).to_be_visible()


@pytest.mark.parametrize("view", ["", "&item={item}", "&view=what-if"])
@pytest.mark.parametrize("width", [1400, 360])
def test_a_long_title_stays_within_the_page(
    chromium: Browser, api: Served, session_client: Client, view: str, width: int
) -> None:
    # One that comes again under its old id is listed, until its going is seen, and then not until it has settled.
    item = uuid4().hex
    title = "Unbroken" * 20 + item
    write.items(session_client, [{"id": item, "title": title, "category": "Food > Coffee", "price": 1.2}])
    try:
        where = "{ recommendations(first: 12, budget: 1.4) { nodes { item { externalId title } } } }"
        served.until(lambda: title in str(api.ask(f'{{ user(id: "u0") {where} }}')))
        size = {"width": width, "height": 900}
        with opened(chromium, api, f"/#user=u0&budget=1.4{view.format(item=item)}", viewport=size) as page:
            expect(page.get_by_text(title).locator("visible=true").first).to_be_visible()
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over == 0
    finally:
        session_client.write("MATCH (i:Item {id: $item}) DETACH DELETE i", item=item)


def test_markup_and_steering_characters_in_a_title_are_text(
    chromium: Browser, api: Served, session_client: Client
) -> None:
    markup = "<script>window.wrong = 1</script><img src=x onerror='window.wrong = 1'>"
    item = api.ask('{ user(id: "u0") { recommendations(first: 1) { nodes { item { externalId title } } } } }')
    top = item["user"]["recommendations"]["nodes"][0]["item"]
    write.items(session_client, [{"id": top["externalId"], "title": f"{markup} \u202egnp.exe\x07\nקפה"}])
    try:
        with opened(chromium, api, "/#user=u0") as page:
            expect(page.locator(".card .title").first).to_contain_text(markup)
            expect(page.locator("#why-title")).to_contain_text(markup)
            expect(page.locator("#reasons .bars li")).not_to_have_count(0)
            assert page.evaluate("window.wrong") is None
            assert page.locator("main script, main img[src=x]").count() == 0
            # The title turns nothing round but itself.
            isolated = page.locator(".card .title bdi").first.evaluate("e => getComputedStyle(e).unicodeBidi")
            assert isolated == "isolate"
            said = page.locator(".because, .said, .lead").all_inner_texts()
            assert any("gnp.exe" in text for text in said)
            assert not any(sign in text for text in said for sign in "\u202e\x07")
    finally:
        write.items(session_client, [{"id": top["externalId"], "title": top["title"]}])


@pytest.mark.parametrize(
    ("locale", "mark", "hint"), [("en", "estimated", "Newer than the model"), ("zh", "估计", "它比模型新")]
)
def test_a_card_says_that_its_item_is_newer_than_the_model(
    chromium: Browser, api: Served, session_client: Client, locale: str, mark: str, hint: str
) -> None:
    # The catalogue's only item under this price: it is on the list, wherever its score puts it.
    write.items(session_client, [{"id": "fresh", "title": "Fresh No. 1", "category": "Food > Coffee", "price": 1.5}])
    try:
        where = "{ recommendations(first: 2, budget: 1.9) { nodes { item { externalId } } } }"
        served.until(lambda: api.ask(f'{{ user(id: "u0") {where} }}')["user"]["recommendations"]["nodes"] != [])
        with opened(chromium, api, f"/#user=u0&locale={locale}") as page:
            expect(page.locator(".card")).to_have_count(12)
            expect(page.locator(".estimated")).to_have_count(0)
        with opened(chromium, api, f"/#user=u0&budget=1.9&locale={locale}") as page:
            expect(page.locator(".card .estimated")).to_have_text([mark])
            expect(page.locator("#reasons")).to_contain_text(hint)
            page.wait_for_timeout(400)  # cards fade in
            assert faults(page) == []
        with opened(chromium, api, f"/#user=u0&item=fresh&locale={locale}") as page:
            expect(page.locator("#reasons")).to_contain_text(hint)
            assert faults(page) == []
    finally:
        session_client.write("MATCH (i:Item {id: 'fresh'}) DETACH DELETE i")
