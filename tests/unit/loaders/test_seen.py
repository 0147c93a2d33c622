"""Duplicates are told from conflicts across calls, in bounded memory."""

import numpy as np

from loaders.seen import Fate, Seen


def judge(seen: Seen, ids: list[int], contents: list[int]) -> list[int]:
    return seen.judge(np.array(ids, np.uint64), np.array(contents, np.uint64)).tolist()


def test_the_first_of_an_id_is_new_the_same_again_a_duplicate_and_another_a_conflict() -> None:
    seen = Seen()
    assert judge(seen, [7, 7, 7, 8], [1, 1, 2, 1]) == [Fate.NEW, Fate.DUPLICATE, Fate.CONFLICT, Fate.NEW]
    assert judge(seen, [7, 8, 9], [1, 2, 2]) == [Fate.DUPLICATE, Fate.CONFLICT, Fate.NEW]


def test_the_first_stays_even_when_a_later_call_repeats_the_other() -> None:
    seen = Seen()
    judge(seen, [1, 1], [5, 6])
    assert judge(seen, [1, 1], [6, 5]) == [Fate.CONFLICT, Fate.DUPLICATE]


def test_nothing_is_fine() -> None:
    seen = Seen()
    assert judge(seen, [], []) == []
    assert len(seen) == 0


def test_what_was_remembered_counts_as_seen() -> None:
    seen = Seen()
    seen.remember(np.array([9, 3], np.uint64), np.array([90, 30], np.uint64))
    assert judge(seen, [3, 9, 4], [30, 91, 40]) == [Fate.DUPLICATE, Fate.CONFLICT, Fate.NEW]


def test_many_calls_leave_few_runs() -> None:
    seen = Seen()
    for start in range(0, 100_000, 100):
        ids = np.arange(start, start + 100, dtype=np.uint64)
        seen.judge(ids, ids)
    assert len(seen) == 100_000
    assert len(seen._runs) < 20
