"""When something is needed again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gnn.features import DAY_US
from gnn.rhythm import Rhythm, rhythm

START = 19_000


def of(purchases: dict[int, list[int]], now: float) -> Rhythm:
    item = np.array([name for name, days in purchases.items() for _ in days], np.int64)
    at = np.array([(START + day) * DAY_US + 7 for days in purchases.values() for day in days], np.int64)
    return rhythm(item, at, int((START + now) * DAY_US))


def days(moments: np.ndarray) -> list[float]:
    return (moments / DAY_US - START).round(1).tolist()


def test_a_steady_rhythm_goes_on() -> None:
    found = of({5: [0, 10, 20, 30, 40, 50, 60]}, 65)
    assert days(found.expected) == [70]
    assert 61 < days(found.earliest)[0] < 70 < days(found.latest)[0] < 100
    assert found.times.tolist() == [7]
    assert days(found.last) == [60]


def test_few_purchases_are_less_sure_than_many() -> None:
    few, many = of({1: [0, 10]}, 15), of({1: list(range(0, 200, 10))}, 195)
    width = [(days(found.latest)[0] - days(found.earliest)[0]) for found in (few, many)]
    assert width[0] > 2 * width[1]


def test_what_is_due_comes_first_and_what_was_given_up_sinks() -> None:
    found = of({1: list(range(0, 10, 3)), 2: list(range(61, 71, 3))}, 73)
    assert found.item.tolist() == [2, 1]  # both every three days; three have passed, and sixty-four


def test_one_day_is_no_rhythm_however_often_it_was_bought_then() -> None:
    assert len(of({1: [4, 4, 4], 2: [4]}, 9).item) == 0
    assert len(rhythm(np.zeros(0, np.int64), np.zeros(0, np.int64), 0).item) == 0


@given(
    st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 3_000), min_size=1, max_size=30), max_size=6),
    st.integers(-10, 5_000),
)
def test_for_any_history_the_moments_are_in_order(purchases: dict[int, list[int]], now: int) -> None:
    found = of(purchases, now)
    assert sorted(found.item.tolist()) == sorted(name for name, on in purchases.items() if len(set(on)) > 1)
    assert (found.last < found.earliest).all()
    assert (found.earliest < found.expected).all()
    assert (found.expected < found.latest).all()
