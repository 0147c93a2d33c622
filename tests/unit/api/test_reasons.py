"""Contributions as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reasons import MOST, Names, Past, Reason, clause, deed, merge, pasts, sentence, summary, with_added
from gnn.explain import Contribution, Kind, Step
from gnn.filters import Added
from graph.explore import UserRow

YOU, LAST_DAY = Step("User", ""), 1_700_000_000_000_000


def through(item: str, value: float) -> Contribution:
    return Contribution(Kind.ITEM, value, (YOU, Step("Item", item), Step("Item", "target")))


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(-10, 10)), max_size=40))
def test_merging_keeps_the_sum_and_tells_few(parts: list[tuple[str, float]]) -> None:
    told = merge([through(item, value) for item, value in parts])
    assert sum(reason.value for reason in told) == pytest.approx(sum(value for _, value in parts), abs=1e-9)
    assert len(told) <= MOST + 1
    assert all(reason.kind is not None for reason in told[:-1])


def test_the_strongest_come_first_and_the_rest_says_how_many_it_sums_up() -> None:
    told = merge([through(f"i{n}", float(n)) for n in range(1, 10)])
    assert [reason.value for reason in told] == [9, 8, 7, 6, 5, 10]
    assert told[-1].kind is None
    assert told[-1].count == 4


def test_paths_through_the_same_node_are_one_reason() -> None:
    assert merge([through("a", 1.0), through("a", 2.0)]) == [Reason(Kind.ITEM, 3.0, through("a", 1.0).path)]


def test_what_is_negligible_is_not_told_one_by_one() -> None:
    told = merge([through("a", 1.0), through("b", 0.001), through("c", 0.001)])
    assert [reason.kind for reason in told] == [Kind.ITEM, None]


def test_nothing_gives_nothing() -> None:
    assert merge([]) == []
    assert summary([], []) == "Nothing in particular speaks for it."


NAMES = Names({"j": "Mocha", "target": "Latte"}, {"c": "Coffee"}, {"b": "Arbor"})
HISTORY = {"j": Past({"purchase": 3, "view": 9}, LAST_DAY), "target": Past({"view": 1}, LAST_DAY)}


@pytest.mark.parametrize(
    ("kind", "middle", "value", "said"),
    [
        (Kind.ITEM, Step("Item", "j"), 1.0, "it goes with Mocha, which you bought 3 times"),
        (Kind.ITEM, Step("Item", "j"), -1.0, "it goes less with Mocha, which you bought 3 times"),
        (Kind.ITEM, Step("Item", "unseen"), 1.0, "it goes with unseen"),
        (Kind.CATEGORY, Step("Category", "c"), 1.0, "you shop in Coffee"),
        (Kind.CATEGORY, Step("Category", "c"), -1.0, "what you do in Coffee speaks for other items"),
        (Kind.BRAND, Step("Brand", "b"), 1.0, "Arbor is in your history"),
    ],
)
def test_a_clause_names_what_the_path_leads_through(kind: Kind, middle: Step, value: float, said: str) -> None:
    assert clause(Reason(kind, value, (YOU, middle, Step("Item", "target"))), NAMES, HISTORY) == said


def test_a_product_line_is_told_as_a_brand_in_its_category() -> None:
    path = (YOU, Step("Category", "c"), Step("Brand", "b"), Step("Item", "target"))
    assert clause(Reason(Kind.BRAND, 1.0, path), NAMES, HISTORY) == "Arbor in Coffee is in your history"
    assert clause(Reason(Kind.BRAND, -1.0, path), NAMES, HISTORY).startswith("what you choose of Arbor in Coffee")


def test_own_history_says_what_was_done_and_when() -> None:
    told = Reason(Kind.OWN_HISTORY, 1.0, (YOU, Step("Item", "target")))
    assert clause(told, NAMES, HISTORY) == "you viewed it once, on 14 November 2023"
    told = Reason(Kind.OWN_HISTORY, -1.0, (YOU, Step("Item", "target")))
    assert clause(told, NAMES, HISTORY).endswith("which speaks against it now")


@pytest.mark.parametrize("kind", [Kind.POPULARITY, Kind.PROMOTION, Kind.PRICE_FIT, Kind.PURCHASE_POWER])
def test_a_clause_never_claims_the_other_direction(kind: Kind) -> None:
    good = clause(Reason(kind, 1.0), NAMES, HISTORY)
    bad = clause(Reason(kind, -1.0), NAMES, HISTORY)
    assert good != bad
    assert "against" not in good
    assert " for it" not in bad


def test_every_kind_of_the_model_has_words() -> None:
    for kind in Kind:
        assert clause(Reason(kind, 1.0, (YOU, Step("Item", "j"), Step("Item", "target"))), NAMES, HISTORY)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"purchase": 1}, "bought once"),
        ({"cart": 2, "view": 5}, "put in your cart twice"),
        ({"wish": 4}, "marked “wish” 4 times"),
        ({"{odd}": 1}, "marked “(odd)” once"),
    ],
)
def test_a_deed_is_the_one_that_tells_most(counts: dict[str, int], said: str) -> None:
    assert deed(Past(counts, 0)) == said


def test_a_summary_names_the_two_strongest_that_speak_for_the_item() -> None:
    reasons = [Reason(Kind.PRICE_FIT, -2.0), Reason(Kind.ITEM, 1.0), Reason(Kind.BRAND, 0.5), Reason(None, 9.0)]
    assert summary(reasons, ["x", "a", "b", "rest"]) == "Because a, and b."
    assert sentence("a thing") == "A thing."


def test_pasts_count_events_by_item() -> None:
    row = UserRow(
        id="u", key=0, properties={}, item_ids=["a", "b", "a"], types=["view", "view", "purchase"], at=[3, 2, 1],
        quantity=[None] * 3, amount=[None] * 3, value=[None] * 3, context=[None] * 3,
    )  # fmt: skip
    assert pasts(row) == {"a": Past({"view": 1, "purchase": 1}, 3), "b": Past({"view": 1}, 2)}


def test_what_the_request_added_is_told_by_itself_and_keeps_the_sum() -> None:
    model = merge([through(f"i{n}", float(n)) for n in range(1, 10)])
    told = with_added(model, {Added.BOOST: 7.5, Added.FEEDBACK: 0.0, Added.PRICE_LEVEL: -0.5})
    assert sum(reason.value for reason in told) == pytest.approx(45 + 7.0)
    assert [reason.kind for reason in told] == [
        Kind.ITEM,
        Kind.ITEM,
        Added.BOOST,
        Kind.ITEM,
        Kind.ITEM,
        Kind.ITEM,
        Added.PRICE_LEVEL,
        None,
    ]
    names = Names({}, {}, {})
    assert clause(told[2], names, {}) == "the shop puts it forward"
    assert clause(told[-2], names, {}) == "its price level is far from yours"
