"""What is said of others is too little to point at anybody."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import private
from gnn import untrained
from graph.neighbors import NeighborRow
from tests import snapshots

EPOCH = private.Epoch.of(untrained.build(snapshots.of_shop()))
ks = st.integers(2, 50)
counts = st.integers(0, 10_000)


def row(n: int, similarity: float, items: int = 3, categories: int = 1) -> NeighborRow:
    return NeighborRow(f"u{n}", similarity, tuple(f"i{m}" for m in range(items)), categories, {})


@given(counts, ks, st.integers(0, 1000))
def test_what_is_told_is_true_a_multiple_of_k_and_never_small(n: int, k: int, hidden: int):
    said = private.told(n, k, hidden % k)
    if said is not None:
        assert k <= said <= n
        assert said % k == 0
    else:
        assert n < 2 * k


@pytest.mark.parametrize("k", [2, 5, 12])
def test_one_shopper_more_or_less_is_seen_in_one_case_of_k_and_the_asker_does_not_know_in_which(k: int):
    """The best that somebody can do who knows all others: the answers for n and n + 1 differ for 1 secret of k."""
    for n in range(k, 6 * k):
        differ = sum(private.told(n, k, hidden) != private.told(n + 1, k, hidden) for hidden in range(k))
        assert Fraction(differ, k) == Fraction(1, k)
    # And below: k - 1 confederates and one other are told in one case of k as well, never fewer.
    assert all(private.told(n, k, hidden) is None for n in range(k) for hidden in range(k))
    assert sum(private.told(k, k, hidden) is not None for hidden in range(k)) == 1


def test_the_secret_is_one_for_each_user_item_and_model_and_spread_evenly():
    drawn = [EPOCH.draw(5, "u", f"i{n}") for n in range(2000)]
    assert drawn == [EPOCH.draw(5, "u", f"i{n}") for n in range(2000)]
    for value in range(5):
        assert 330 < drawn.count(value) < 470
    assert [EPOCH.draw(1000, "a", "bc"), EPOCH.draw(1000, "ab", "c")] != [EPOCH.draw(1000, "a", "bc")] * 2
    other = private.Epoch(EPOCH.until, b"another model")
    assert [other.draw(5, "u", f"i{n}") for n in range(50)] != drawn[:50]
    assert other.pseudonym("u0") != EPOCH.pseudonym("u0") == EPOCH.pseudonym("u0")


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 900), st.integers(0, 50)), max_size=40), ks)
def test_each_likeness_is_that_of_a_whole_group_and_true_of_all_of_it(given: list[tuple[float, int, int]], k: int):
    rows = sorted((row(n, *one) for n, one in enumerate(given)), key=lambda one: -one.similarity)
    found = private.likenesses(rows, k)
    assert len(found) == len(rows) // k * k
    for begin in range(0, len(found), k):
        assert len(set(found[begin : begin + k])) == 1
    for said, one in zip(found, rows, strict=False):
        assert said.similarity <= one.similarity + 1e-9
        assert said.shared_items <= len(one.shared_items)
        assert said.shared_categories <= one.shared_categories


def test_fewer_neighbours_than_k_are_none():
    assert private.likenesses([row(n, 0.5) for n in range(4)], 5) == []
    assert private.likenesses([row(0, 0.5)], 10**6) == []
    assert private.told(4, 10**6, 0) is None
