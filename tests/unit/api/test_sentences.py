"""Reasons in words: whatever the figures are, a sentence says no more than they do."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import sentences, words
from api.imagined import nobody
from api.private import K, told
from api.reasons import Past, Reason
from api.recommender import Shopper
from api.sentences import Names, Teller, plain
from api.words import Locale, Words
from gnn.explain import Kind, Step
from gnn.filters import Added

YOU, TARGET = Step("User", ""), Step("Item", "target")
DAY_US = 1_700_000_000_000_000
NAMES = Names({"j": "Mocha", "target": "Latte"}, {"c": "Coffee"}, {"b": "Arbor"})
HISTORY = {
    "j": Past({"purchase": 3, "view": 9}, {"purchase": DAY_US, "view": DAY_US + 10**14}),
    "target": Past({"view": 1}, {"view": DAY_US}),
}
TELLER = Teller(NAMES, HISTORY, untold=())
EN, ZH = words.own()[Locale.EN], words.own()[Locale.ZH]

# What a sentence says of a direction; a name or a figure is no part of it.
PRAISE = {EN: re.compile(r"speaks? for it|goes with|forward|near to"), ZH: re.compile("有利|相配|往前|相近")}
BLAME = {EN: re.compile(r"against|back|far from"), ZH: re.compile("不利|往后|较远")}


def path(kind: Kind | Added | None) -> tuple[Step, ...]:
    match kind:
        case Kind.ITEM:
            return (YOU, Step("Item", "j"), TARGET)
        case Kind.CATEGORY:
            return (YOU, Step("Category", "c"), TARGET)
        case Kind.BRAND:
            return (YOU, Step("Brand", "b"), TARGET)
        case Kind.POPULARITY | Kind.PROMOTION:
            return (TARGET,)
        case None | Added():
            return ()
        case _:
            return (YOU, TARGET)


KINDS: list[Kind | Added | None] = [*Kind, *Added, None]
EITHER = st.sampled_from([EN, ZH])
SIZES = st.floats(1e-6, 50)
COUNTS = st.dictionaries(
    st.sampled_from(["purchase", "view", "cart", "return", "exposure", "dismiss", "wish"]),
    st.integers(1, 3_000),
    min_size=1,
)

UNTOLD = st.frozensets(st.sampled_from([Kind.PRICE_FIT, Kind.PURCHASE_POWER]))


@given(EITHER, st.sampled_from(KINDS), SIZES, COUNTS, UNTOLD, st.integers(1, 40))
def test_what_speaks_against_an_item_never_reads_as_praise_and_what_speaks_for_it_never_as_blame(
    tongue: Words, kind: Kind | Added | None, size: float, counts: dict[str, int], untold: frozenset[Kind], rest: int
) -> None:
    past = Past(counts, dict.fromkeys(counts, DAY_US))
    teller = Teller(NAMES, {"j": past, "target": past}, untold)
    good = teller.sentence(tongue, Reason(kind, size, path(kind), rest))
    bad = teller.sentence(tongue, Reason(kind, -size, path(kind), rest))
    assert BLAME[tongue].search(bad)
    assert not PRAISE[tongue].search(bad)
    assert not BLAME[tongue].search(good)


@pytest.mark.parametrize(
    ("tongue", "kind", "new", "others"),
    [
        (EN, Kind.POPULARITY, "it is new", "items usually are"),
        (EN, Kind.PROMOTION, "it is new", "items like it"),
        (ZH, Kind.POPULARITY, "新上架", "商品通常"),
        (ZH, Kind.PROMOTION, "新上架", "与它相似的商品"),
    ],
)
def test_of_a_new_item_it_is_told_what_others_are_and_not_what_it_is(
    tongue: Words, kind: Kind, new: str, others: str
) -> None:
    teller = Teller(NAMES, HISTORY, newcomers={"target"})
    for value in (1.0, -1.0):
        said = teller.clause(tongue, Reason(kind, value, path(kind)))
        assert new in said
        assert others in said
        assert bool(BLAME[tongue].search(said)) == (value < 0)
        assert TELLER.clause(tongue, Reason(kind, value, path(kind))) != said
    other = Reason(Kind.CATEGORY, 1.0, path(Kind.CATEGORY))
    assert teller.clause(tongue, other) == TELLER.clause(tongue, other)


@given(EITHER, st.sampled_from([Kind.OWN_HISTORY, Kind.ITEM]), st.sampled_from([1, -1]), COUNTS)
def test_a_count_is_told_only_of_the_deed_and_only_as_it_is(
    tongue: Words, kind: Kind, sign: int, counts: dict[str, int]
) -> None:
    past = Past(counts, dict.fromkeys(counts, DAY_US))
    said = Teller(NAMES, {"j": past, "target": past}).sentence(tongue, Reason(kind, float(sign), path(kind)))
    said = said.replace(sentences.day(tongue, DAY_US), "")
    deed = next((kind for kind in tongue.deeds if kind in counts), "wish")
    found = {int(figure) for figure in re.findall(r"\d+", said)}
    if tongue is EN:
        found |= {n for n, word in ((1, "once"), (2, "twice")) if word in said}
    assert found == {counts[deed]}


@given(EITHER, COUNTS, st.data())
def test_the_day_is_that_of_the_deed_that_is_told(tongue: Words, counts: dict[str, int], data: st.DataObject) -> None:
    last = {kind: data.draw(st.integers(0, 4 * 10**15)) for kind in counts}
    said = Teller(NAMES, {"target": Past(counts, last)}).sentence(
        tongue, Reason(Kind.OWN_HISTORY, 1.0, path(Kind.OWN_HISTORY))
    )
    deed = next((kind for kind in tongue.deeds if kind in counts), "wish")
    assert sentences.day(tongue, last[deed]) in said
    assert ("last" in said or "最近" in said) == (counts[deed] > 1)


@given(EITHER, st.sampled_from(KINDS), st.sampled_from([1, -1]))
def test_money_and_purchases_are_spoken_of_only_where_the_reason_is_one_of_them(
    tongue: Words, kind: Kind | Added | None, sign: int
) -> None:
    said = Teller(NAMES, {}).sentence(tongue, Reason(kind, float(sign), path(kind)))
    priced = {Kind.PRICE_FIT, Kind.PURCHASE_POWER, Added.PRICE_LEVEL}
    assert bool(re.search("price|价", said)) == (kind in priced)
    # Of somebody of whom nothing is known, neither deeds nor a purse are told.
    assert not re.search("bought|usually pay|purchase power|买过|平常|购买力", said)


@pytest.mark.parametrize(
    ("types", "properties", "untold"),
    [
        ([], {}, {Kind.PRICE_FIT, Kind.PURCHASE_POWER}),
        (["view", "cart"], {}, {Kind.PRICE_FIT, Kind.PURCHASE_POWER}),
        (["view"], {"attr_income": "low"}, {Kind.PRICE_FIT}),
        (["view", "purchase"], {}, set()),
    ],
)
def test_what_a_user_pays_is_known_of_one_who_bought_something(
    types: list[str], properties: dict[str, str], untold: set[Kind]
) -> None:
    shopper = Shopper(replace(nobody(), types=types, properties=properties), now=0)
    assert shopper.untold == untold


@given(EITHER, st.integers(0, 500), st.integers(K, 20), st.data())
def test_neighbours_are_counted_only_above_the_threshold(tongue: Words, n: int, k: int, data: st.DataObject) -> None:
    may = told(n, k, data.draw(st.integers(0, k - 1)))
    if may is not None:
        assert k <= may <= n
        assert re.findall(r"\d+", sentences.neighbors(tongue, may)) == [str(may)]


@pytest.mark.parametrize("count", [1, 7])
def test_of_an_item_that_only_others_moved_no_reason_is_said_to_have_changed(count: int) -> None:
    rest = Reason(None, 1.5, (), count)
    for tongue in (EN, ZH):
        said = sentences.change(tongue, rest, rest, (TELLER, TELLER), alone=True)
        assert re.search("as (it|they) w(as|ere)|没有变化", said)
        assert re.findall(r"\d+", said) == ([str(count)] if count > 1 else [])
        assert said != sentences.change(tongue, rest, rest, (TELLER, TELLER))


@given(EITHER, st.floats(-5, 5), st.floats(-5, 5))
def test_a_change_is_told_in_its_direction(tongue: Words, before: float, after: float) -> None:
    sides = [Reason(Kind.POPULARITY, value, path(Kind.POPULARITY)) for value in (before, after)]
    said = sentences.change(tongue, sides[0], sides[1], (TELLER, TELLER))
    if before and after and (before > 0) == (after > 0):
        lead = re.split("[:：]", said)[0]
        good, more = after > 0, abs(after) > abs(before)
        if tongue is EN:
            assert lead == f"Speaks {'more' if more else 'less'} {'for' if good else 'against'} it than before"
        assert bool(re.search("[Ll]ess|不如", lead)) != more
    shown = before if after == 0.0 else after
    assert bool(BLAME[tongue].search(re.split("[:：]", said)[1])) == (shown < 0)


@given(EITHER, st.lists(st.tuples(st.sampled_from(KINDS), st.floats(-9, 9)), max_size=6))
def test_a_summary_tells_of_at_most_two_and_of_none_that_speaks_against(
    tongue: Words, parts: list[tuple[Kind | Added | None, float]]
) -> None:
    reasons = [Reason(kind, value, path(kind)) for kind, value in parts]
    said = TELLER.summary(tongue, reasons)
    assert not BLAME[tongue].search(said)
    good = [TELLER.clause(tongue, r) for r in reasons if r.kind is not None and r.value > 0]
    assert all(text in said for text in good[:2])
    assert (said == tongue["summary.none"].fill()) == (not good)


@pytest.mark.parametrize(
    ("kind", "middle", "value", "english", "chinese"),
    [
        (Kind.ITEM, "Item j", 1.0, "It goes with Mocha, which you bought 3 times.", "它与您买过3次的“Mocha”相配。"),
        (
            Kind.ITEM,
            "Item j",
            -1.0,
            "Mocha, which you bought 3 times, speaks against it.",
            "您买过3次的“Mocha”对它不利。",
        ),
        (Kind.ITEM, "Item unseen", 1.0, "It goes with unseen.", "它与“unseen”相配。"),
        (Kind.CATEGORY, "Category c", 1.0, "Coffee is in your history.", "您的记录里有“Coffee”这一类。"),
        (Kind.BRAND, "Brand b", -1.0, "Your history with Arbor speaks against it.", "您与“Arbor”有关的记录对它不利。"),
    ],
)
def test_a_sentence_names_what_the_path_leads_through(
    kind: Kind, middle: str, value: float, english: str, chinese: str
) -> None:
    label, _, name = middle.partition(" ")
    reason = Reason(kind, value, (YOU, Step(label, name), TARGET))
    assert TELLER.sentence(EN, reason) == english
    assert TELLER.sentence(ZH, reason) == chinese


def test_a_product_line_is_told_as_a_brand_in_its_category() -> None:
    reason = Reason(Kind.BRAND, 1.0, (YOU, Step("Category", "c"), Step("Brand", "b"), TARGET))
    assert TELLER.clause(EN, reason) == "Arbor in Coffee is in your history"
    assert TELLER.clause(ZH, reason) == "您的记录里有“Coffee中的Arbor”"


def test_own_history_says_what_was_done_and_when() -> None:
    told = Reason(Kind.OWN_HISTORY, 1.0, (YOU, TARGET))
    assert TELLER.clause(EN, told) == "you viewed it once, on 14 November 2023"
    assert TELLER.clause(ZH, told) == "您浏览过1次，时间是2023年11月14日"
    told = Reason(Kind.OWN_HISTORY, 1.0, (YOU, Step("Item", "j")))
    # What was viewed later is not when it was bought last.
    assert TELLER.clause(EN, told) == "you bought it 3 times, last on 14 November 2023"


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"purchase": 1}, "bought once"),
        ({"cart": 2, "view": 5}, "put in your cart twice"),
        ({"dismiss": 1, "exposure": 4}, "dismissed once"),
        ({"wish": 4}, "marked “wish” 4 times"),
        ({"{odd}": 1}, "marked “{odd}” once"),
    ],
)
def test_a_deed_is_the_one_that_tells_most(counts: Mapping[str, int], said: str) -> None:
    teller = Teller(NAMES, {"j": Past(counts, dict.fromkeys(counts, 0))})
    assert teller.clause(EN, Reason(Kind.ITEM, 1.0, path(Kind.ITEM))) == f"it goes with Mocha, which you {said}"


@pytest.mark.parametrize(("n", "said"), [(1, "One smaller reason speaks"), (4, "4 smaller reasons speak")])
def test_one_is_told_as_one(n: int, said: str) -> None:
    assert TELLER.sentence(EN, Reason(None, 0.1, (), n)).startswith(said)


def test_a_name_is_written_as_the_shop_writes_it() -> None:
    teller = Teller(Names({"j": "iPot"}, {}, {"b": "eBrew"}), {})
    assert teller.sentence(EN, Reason(Kind.BRAND, 1.0, path(Kind.BRAND))) == "eBrew is in your history."
    assert teller.sentence(EN, Reason(Kind.ITEM, -1.0, path(Kind.ITEM))) == "iPot speaks against it."


@pytest.mark.parametrize(
    ("shelf", "told"),
    [
        ("PRODUCE", "Produce"),
        ("DRIED FRUIT/NUTS (BULK)", "Dried Fruit/Nuts (Bulk)"),
        ("MEN'S SHOES 2ND", "Men's Shoes 2nd"),
        ("ОВОЩИ", "Овощи"),
        ("TV", "TV"),
        ("eBooks", "eBooks"),
        ("Café", "Café"),
        ("水果", "水果"),
    ],
)
def test_a_shelf_in_capitals_does_not_shout_in_a_sentence(shelf: str, told: str) -> None:
    said = Teller(Names({}, {"c": shelf}, {}), {}).sentence(EN, Reason(Kind.CATEGORY, 1.0, path(Kind.CATEGORY)))
    assert said == f"{told} is in your history."


def test_a_brand_in_capitals_is_left_as_it_is() -> None:
    said = Teller(Names({}, {}, {"b": "ASICS"}), {}).sentence(EN, Reason(Kind.BRAND, 1.0, path(Kind.BRAND)))
    assert said == "ASICS is in your history."


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("Tea\n\x1b[31mred\x07", "Tea [31mred"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("  wide \u2028 gap ", "wide gap"),
        ("קפה", "\u2068קפה\u2069"),
        ("می\u200cخواهم", "\u2068می\u200cخواهم\u2069"),
        ("👩\u200d🍳 Chef", "👩\u200d🍳 Chef"),
        ("<b>{count}</b>", "<b>{count}</b>"),
        ("\ud800", "\ufffd"),
        ("\u202e", ""),
    ],
)
def test_a_title_stays_on_its_line_and_leaves_the_sentence_alone(title: str, told: str) -> None:
    assert plain(title) == told
    said = Teller(Names({"j": title}, {}, {}), {}).clause(EN, Reason(Kind.ITEM, 1.0, path(Kind.ITEM)))
    assert said == f"it goes with {told or 'j'}"
