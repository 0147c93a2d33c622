"""Users that are kept between requests: for how long what was read of them counts."""

from dataclasses import replace

import numpy as np
import pytest

from api import shoppers
from api.knowledge import Look
from api.shoppers import Shopper, Shoppers
from gnn.changes import ItemChange
from gnn.config import Config
from gnn.filters import Mode, Query
from graph.explore import DisputeRow, UserRow
from tests import shop, snapshots
from tests.unit.gnn.support import stirred

LOOK = Look(0.0, 0, 0, None)
SHOP = snapshots.of_shop(shop.make(users=40, items=60, seed=5))
MODEL = stirred(SHOP, Config(heads=2, width=4, min_buyers=1))


def row(name: str, at: list[int]) -> UserRow:
    n = len(at)
    return UserRow(
        name, 1, {}, ["i"] * n, ["view"] * n, at, [None] * n, [None] * n, [None] * n, [None] * n, at, (1, n, n)
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr(shoppers.time, "monotonic", lambda: now[0])
    return now


def test_what_newer_events_were_put_beside_is_read_again_in_time_however_many_there_are(clock: list[float]) -> None:
    kept = Shoppers(age_s=60.0)
    kept.met(row("u", [5]), LOOK)
    for n in range(6):
        known = kept.known("u")
        assert known
        kept.met(replace(row("u", [5, *range(6, 7 + n)])), LOOK, known=known)
        clock[0] += 9.9
    assert kept.known("u")
    clock[0] += 1.0
    assert kept.known("u") is None
    kept.met(row("u", [5]), LOOK)
    clock[0] += 59.0
    assert kept.known("u")


def test_nothing_is_kept_of_those_whose_time_is_up_though_they_were_asked_for_of_late(clock: list[float]) -> None:
    kept = Shoppers(age_s=60.0)
    first = row("first", [5])
    kept.met(first, LOOK)
    clock[0] += 50
    kept.met(row("second", [5]), LOOK)
    kept.met(first, LOOK, known=first)
    clock[0] += 20
    kept.met(row("third", [5]), LOOK)
    assert kept.look("first") is None
    second = kept.known("second")
    assert second
    clock[0] += 100  # the graph was slow to answer
    kept.met(second, LOOK, known=second)
    assert kept.until("second") < clock[0]


def test_the_one_asked_for_longest_ago_makes_room() -> None:
    kept = Shoppers(most=2)
    one, other = row("one", [5]), row("other", [6])
    kept.met(one, LOOK)
    kept.met(other, LOOK)
    kept.met(one, LOOK, known=one)
    kept.met(row("third", [7]), LOOK)
    assert [kept.known(name) is not None for name in ("one", "other", "third")] == [True, False, True]


def shopped() -> UserRow:
    """A user of the shop, its newest event first."""
    events = SHOP.events.take(SHOP.events.user == 3)
    n = len(events.item)
    nothing: list[float | None] = [None] * n
    return UserRow(
        id="u3",
        key=3,
        properties={},
        item_ids=[SHOP.item_ids[item] for item in events.item][::-1],
        types=[SHOP.event_types[kind] for kind in events.type][::-1],
        at=events.at.tolist()[::-1],
        quantity=[1.0 + k % 3 for k in range(n)],
        amount=nothing,
        value=nothing,
        context=[None] * n,
        recorded=list(range(n, 0, -1)),
    )


def same(one: Shopper, other: Shopper) -> None:
    """Assert that the model and people are told the same of two users."""
    first, second = one.history(MODEL), other.history(MODEL)
    for name in ("item", "type", "at", "quantity", "amount", "value", "context", "bought"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.disputed == second.disputed
    assert dict(one.pasts) == dict(other.pasts)


def test_a_user_without_some_events_is_the_one_who_never_had_them() -> None:
    row = shopped()
    shopper, kept = Shopper(row, SHOP.at), [name != row.item_ids[0] for name in row.item_ids]
    shopper.history(MODEL)
    assert shopper.pasts[row.item_ids[0]]
    without = shopper.only(kept)
    assert without.derived.histories, "they are taken over, not worked out again"
    assert row.item_ids[0] not in dict(without.pasts)
    same(without, Shopper(row.only(kept), SHOP.at))


@pytest.mark.parametrize("newer", [0, 1, 4])
def test_a_user_with_newer_events_is_the_one_who_had_them_from_the_first(newer: int) -> None:
    kept, whole = Shoppers(), shopped()
    disputed = replace(whole, disputes=(DisputeRow("item", "Item", whole.item_ids[0], "", 1),))
    before = whole.only([place >= newer for place in range(len(whole.at))])
    shopper = Shopper(before, SHOP.at, derived=kept.met(before, LOOK))
    shopper.history(MODEL)
    assert dict(shopper.pasts)
    now = Shopper(disputed, SHOP.at, derived=kept.met(disputed, LOOK, known=before))
    assert now.derived.older, "they are taken over, not worked out again"
    same(now, Shopper(disputed, SHOP.at))
    # Once more, and of these only the disputes differ.
    then = Shopper(whole, SHOP.at, derived=kept.met(whole, LOOK, known=disputed))
    assert then.derived.older
    same(then, Shopper(whole, SHOP.at))


def test_nothing_is_taken_over_from_events_that_another_program_changed() -> None:
    kept, row = Shoppers(), shopped()
    Shopper(row, SHOP.at, derived=kept.met(row, LOOK)).history(MODEL)
    other = replace(row, quantity=[*row.quantity[:-1], 7.0])
    derived = kept.met(other, LOOK)
    assert not derived.older
    same(Shopper(other, SHOP.at, derived=derived), Shopper(other, SHOP.at))


def test_a_list_is_scored_once_for_all_its_pages_and_anew_for_another_list() -> None:
    kept, row = Shoppers(), shopped()
    shopper = Shopper(row, SHOP.at, derived=kept.met(row, LOOK))
    whole = shopper.scored(MODEL, Query())
    again = Shopper(row, SHOP.at, derived=kept.met(row, LOOK, known=row))
    assert again.scored(MODEL, Query()) is whole
    bought = {item for item, kind in zip(row.item_ids, row.types, strict=True) if kind == "purchase"}
    listed = whole.best(9).item.tolist()
    of_old = again.scored(MODEL, Query(mode=Mode.REBUY)).best(9).item.tolist()
    assert {MODEL.item_ids[item] for item in of_old} <= bought
    assert not {MODEL.item_ids[item] for item in listed} <= bought
    # What is taken to be different of an item, or one item alone, leaves what is kept as it is.
    of_one = again.scored(MODEL, Query(only=frozenset({MODEL.item_ids[listed[0]]})))
    assert of_one.best(9).item.tolist() == listed[:1]
    promoted = {MODEL.item_ids[listed[0]]: ItemChange(promoted=True)}
    assert again.with_items(promoted).scored(MODEL, Query()) is not whole
    assert again.scored(MODEL, Query()).best(9).item.tolist() == listed
    # Of other events it is another list.
    fewer = row.only([place >= len(row.at) // 2 for place in range(len(row.at))])
    without = Shopper(fewer, SHOP.at, derived=kept.met(fewer, LOOK))
    assert without.scored(MODEL, Query()).best(9).score.tolist() != whole.best(9).score.tolist()
