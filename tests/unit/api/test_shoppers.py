"""Users that are kept between requests: for how long what was read of them counts."""

from dataclasses import replace

import pytest

from api import shoppers
from api.knowledge import Look
from api.shoppers import Shoppers
from graph.explore import UserRow

LOOK = Look(0.0, 0, 0, None)


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
