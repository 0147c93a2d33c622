"""Contributions as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reasons import MOST, Past, Pasts, Reason, between, merge, with_added
from gnn import explain
from gnn.config import Config
from gnn.explain import Contribution, Explained, Kind, Step
from gnn.filters import Added
from graph.explore import UserRow
from tests import shop, snapshots
from tests.unit.gnn.support import history_of, stirred

YOU = Step("User", "")


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


def test_pasts_count_events_by_item() -> None:
    row = UserRow(
        id="u", key=0, properties={}, item_ids=["a", "b", "a"], types=["view", "view", "purchase"], at=[3, 2, 1],
        quantity=[None] * 3, amount=[None] * 3, value=[None] * 3, context=[None] * 3,
    )  # fmt: skip
    assert Pasts(row) == {
        "a": Past({"view": 1, "purchase": 1}, {"view": 3, "purchase": 1}),
        "b": Past({"view": 1}, {"view": 2}),
    }
    pasts = Pasts(row).about(["b", "never"])
    assert pasts["b"] == Past({"view": 1}, {"view": 2})
    assert "never" not in pasts
    assert "a" in pasts


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


SHOP = snapshots.of_shop(shop.make(users=40, items=60, seed=5))


def by_way(explained: Explained, added: dict[Added, float], *, same_item: bool) -> dict[object, float]:
    """Return what each way adds, looked at one by one."""
    found: dict[object, float] = {**added}
    for kind, value, path in explained.contributions:
        key = kind, path if same_item else path[:-1]
        found[key] = found.get(key, 0.0) + value
    return found


@pytest.mark.parametrize("same_item", [True, False])
def test_what_changed_most_between_two_scores_is_what_looking_at_each_way_finds(same_item: bool) -> None:
    model = stirred(SHOP, Config(heads=2, width=4, min_buyers=1))
    whole = history_of(SHOP, 3)
    shorter = whole.only(whole.item != whole.item[0])
    assert 0 < len(shorter) < len(whole)
    rows = model.state.candidates[:30].tolist()
    before = list(explain.explain_many(model, whole, rows, now=SHOP.at))
    after = list(explain.explain_many(model, shorter, rows if same_item else rows[::-1], now=SHOP.at))
    added = [({Added.BOOST: 0.2 * n}, {Added.BOOST: 0.1}) for n in range(len(rows))]
    found = between(before, after, added, same_item=same_item)
    for pairs, one, other, extra in zip(found, before, after, added, strict=True):
        sides = [by_way(told, part, same_item=same_item) for told, part in zip((one, other), extra, strict=True)]
        truth = {key: (sides[0].get(key, 0.0), sides[1].get(key, 0.0)) for key in sides[0].keys() | sides[1].keys()}
        for side, told in enumerate((one, other)):
            total = sum(pair[side].value for pair in pairs)
            assert total == pytest.approx(told.score + sum(extra[side].values()), abs=1e-9)
        told_of = [pair for pair in pairs if pair[0].kind is not None]
        sizes = sorted((abs(b - a) for a, b in truth.values()), reverse=True)[:MOST]
        assert [abs(b.value - a.value) for a, b in told_of] == pytest.approx([size for size in sizes if size > 1e-9])
        for a, b in told_of:
            key = a.kind if isinstance(a.kind, Added) else (a.kind, a.path)
            assert (a.value, b.value) == pytest.approx(truth[key], abs=1e-12)
