"""Why an item is not listed in words: each obstacle, change and gap has its sentence, with the same figures in all."""

import re
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import why_not_words, words
from api.lists import Wish
from api.obstacles import Against, ObstacleKind
from api.reasons import Reason
from api.sentences import Names
from api.shoppers import Shopper
from api.single_changes import Change, Found, SingleChangeKind
from api.words import Locale, Words
from gnn.explain import Kind, Step
from gnn.filters import EVERYTHING, Added, Mode

EN, ZH = words.own()[Locale.EN], words.own()[Locale.ZH]
NAMES = Names({"j": "iPot", "last": "Latte"}, {"c": "Coffee"}, {"b": "Arbor"})
YOU, LAST = Step("User", ""), Step("Item", "last")
PATHS = {
    Kind.ITEM: (YOU, Step("Item", "j")),
    Kind.CATEGORY: (YOU, Step("Category", "c")),
    Kind.BRAND: (YOU, Step("Category", "c"), Step("Brand", "b")),
}
BOTH = pytest.mark.parametrize("tongue", [EN, ZH], ids=["en", "zh"])


def figures(said: str) -> set[str]:
    return set(re.findall(r"[0-9][0-9,.]*(?<![,.])", said))


def found(kind: SingleChangeKind, rank: int, amount: float | None = None) -> Found:
    # A sentence looks at what is different alone, at no shopper.
    nobody = cast("Shopper", None)
    return Found(
        Change(kind, nobody, Wish(20, None, EVERYTHING), amount=amount, part="per_category", mode=Mode.ALL), rank
    )


@pytest.mark.parametrize("kind", ObstacleKind)
def test_each_obstacle_is_told_by_a_text_of_its_own(kind: ObstacleKind) -> None:
    for tongue in (EN, ZH):
        said = {one: why_not_words.obstacle(tongue, Against(one), 7, 0.25) for one in ObstacleKind}
        assert list(said.values()).count(said[kind]) == 1
        assert figures(said[kind]) == ({"7", "0.250"} if kind is ObstacleKind.SCORE else set())


@given(st.sampled_from([EN, ZH]), st.integers(1, 10**6), st.floats(0, 99) | st.none())
def test_a_place_and_a_gap_are_told_as_they_are(tongue: Words, place: int, gap: float | None) -> None:
    said = why_not_words.obstacle(tongue, Against(ObstacleKind.SCORE), place, gap)
    assert figures(said) == {f"{place:,}"} | (set() if gap is None else {f"{gap:.3f}"})


@BOTH
def test_all_obstacles_stand_in_the_summary(tongue: Words) -> None:
    clauses = [why_not_words.obstacle(tongue, Against(kind), 7, 0.25) for kind in ObstacleKind]
    said = why_not_words.summary(tongue, None, clauses)
    assert all(clause in said for clause in clauses)
    assert figures(why_not_words.summary(tongue, 3, [])) == {"3"}


def test_obstacles_are_joined_as_each_language_does() -> None:
    assert why_not_words.summary(EN, None, ["a", "b", "c"]) == "It is not on the list: a; b; c."
    assert why_not_words.summary(ZH, None, ["甲", "乙", "丙"]) == "它不在列表上：甲；乙；丙。"


@BOTH
@pytest.mark.parametrize("kind", SingleChangeKind)
def test_each_change_is_told_with_its_figures(tongue: Words, kind: SingleChangeKind) -> None:
    priced = kind in (SingleChangeKind.PRICE, SingleChangeKind.BUDGET)
    said = why_not_words.change(tongue, found(kind, 12, 1234.5 if priced else None), "EUR")
    assert figures(said) == {"12"} | ({"1,234.50"} if priced else set())
    assert ("1,234.50 EUR" in said) == priced
    assert ("`perCategory`" in said) == (kind is SingleChangeKind.FILTER)
    assert ("ALL" in said) == (kind is SingleChangeKind.MODE)


def test_money_without_a_currency_is_a_number_alone() -> None:
    said = [why_not_words.change(tongue, found(SingleChangeKind.PRICE, 1, 9.0), None) for tongue in (EN, ZH)]
    assert said == [
        "At a price of 9.00 it would be on the list, at place 1.",
        "如果它的价格是9.00，它就会出现在列表上，排在第1位。",
    ]


@BOTH
@pytest.mark.parametrize("kind", [*Kind, *Added, None])
def test_a_gap_says_for_which_of_the_two_it_speaks(tongue: Words, kind: Kind | Added | None) -> None:
    path = PATHS.get(kind, ()) if isinstance(kind, Kind) else ()
    small, large = (Reason(kind, value, path, 3) for value in (0.1, 0.4))
    trails, leads = (why_not_words.gap(tongue, *pair, NAMES, LAST) for pair in ((small, large), (large, small)))
    assert ("Latte" in trails, "Latte" in leads) == (True, False)
    assert re.search("more for it|对它更有利", leads)
    assert not re.search("more for it|对它更有利", trails)
    assert figures(trails) == figures(leads) == ({"3"} if kind is None else set())
    for name, told in {"iPot": Kind.ITEM, "Coffee": (Kind.CATEGORY, Kind.BRAND), "Arbor": Kind.BRAND}.items():
        assert (name in leads) == (kind is not None and kind in (told if isinstance(told, tuple) else (told,)))


def test_a_gap_is_a_sentence_in_which_names_are_the_shops() -> None:
    item = [Reason(Kind.ITEM, value, PATHS[Kind.ITEM]) for value in (0.1, 0.4)]
    assert why_not_words.gap(EN, item[0], item[1], NAMES, LAST) == "iPot speaks more for Latte."
    assert why_not_words.gap(ZH, item[0], item[1], NAMES, LAST) == "“iPot”对“Latte”更有利。"
    line = [Reason(Kind.BRAND, value, PATHS[Kind.BRAND]) for value in (0.4, 0.1)]
    assert (
        why_not_words.gap(EN, line[0], line[1], NAMES, LAST) == "What you choose of Arbor in Coffee speaks more for it."
    )
    one = [Reason(None, value, (), 1) for value in (0.4, 0.1)]
    assert why_not_words.gap(EN, one[0], one[1], NAMES, LAST) == "One other reason speaks more for it."


@BOTH
@pytest.mark.parametrize("kind", [Kind.PRICE_FIT, Kind.PURCHASE_POWER])
def test_of_somebody_of_whom_it_is_not_known_no_gap_speaks_of_what_is_paid(tongue: Words, kind: Kind) -> None:
    small, large = (Reason(kind, value) for value in (0.1, 0.4))
    for pair in ((small, large), (large, small)):
        known, unknown = (why_not_words.gap(tongue, *pair, NAMES, LAST, untold=untold) for untold in ((), (kind,)))
        assert re.search("usually pay|purchase power|平常|购买力", known)
        assert not re.search("your|usually|power|您|平常|购买力", unknown)
        assert ("Latte" in known) == ("Latte" in unknown)


ESTIMATED = re.compile("estimated from other items|按其他商品估计的")
OF_DEMAND = (Kind.POPULARITY, Kind.PROMOTION, Kind.CATEGORY, Kind.BRAND)


@BOTH
@pytest.mark.parametrize("kind", [*Kind, *Added, None])
@pytest.mark.parametrize("new", [(True, False), (False, True), (True, True)], ids=["item", "last", "both"])
def test_what_follows_from_the_demand_for_a_newcomer_is_told_as_estimated(
    tongue: Words, kind: Kind | Added | None, new: tuple[bool, bool]
) -> None:
    path = PATHS.get(kind, ()) if isinstance(kind, Kind) else ()
    small, large = (Reason(kind, value, path, 3) for value in (0.1, 0.4))
    for pair in ((small, large), (large, small)):
        measured = why_not_words.gap(tongue, *pair, NAMES, LAST)
        told = why_not_words.gap(tongue, *pair, NAMES, LAST, new)
        if kind in OF_DEMAND:
            stem, after = measured[:-1], told.removeprefix(measured[:-1])
            assert told.startswith(stem)
            assert ESTIMATED.search(after)
            assert ("Latte" in after) == (new == (False, True))
            assert bool(re.search("both|两者", after)) == (new == (True, True))
        else:
            assert told == measured
        assert not ESTIMATED.search(measured)


@BOTH
def test_a_way_that_leads_to_the_other_item_alone_is_not_estimated_for_the_newcomer(tongue: Words) -> None:
    nothing, something = (Reason(Kind.CATEGORY, value, PATHS[Kind.CATEGORY]) for value in (0.0, 0.4))
    measured = why_not_words.gap(tongue, nothing, something, NAMES, LAST)
    assert why_not_words.gap(tongue, nothing, something, NAMES, LAST, (True, False)) == measured
    assert "Latte" in why_not_words.gap(tongue, nothing, something, NAMES, LAST, (True, True)).removeprefix(
        measured[:-1]
    )


@BOTH
@pytest.mark.parametrize("kind", ObstacleKind)
def test_the_place_of_a_newcomer_is_told_as_that_of_an_estimated_score(tongue: Words, kind: ObstacleKind) -> None:
    for gap in (0.25, None):
        measured = why_not_words.obstacle(tongue, Against(kind), 7, gap)
        told = why_not_words.obstacle(tongue, Against(kind), 7, gap, estimated=True)
        assert told.startswith(measured)
        assert bool(ESTIMATED.search(told)) == (kind is ObstacleKind.SCORE)
        assert figures(told) == figures(measured)
