"""What a host writes, as its workers see it: real processes that share the count."""

import os
import signal
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from api.writes import Writes
from graph.errors import Taken, TimedOut, Unavailable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers are forked")


def worker(work: Callable[[], object]) -> int:
    """Start a process that does some work and is then killed in the midst of it; return its id."""
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def after(seconds: float) -> None:
    time.sleep(seconds + 0.05)


def test_a_write_of_one_worker_is_another_number_for_all() -> None:
    both = Writes(2)
    one, other = both.of(0), both.of(1)
    before = other.mark()
    assert before is not None
    with one.writing(60):
        assert other.mark() is None, "it may be committed at any moment"
        assert one.mark() is None
    assert other.mark() == one.mark()
    assert other.mark() not in (None, before)


def test_an_erasure_by_one_worker_is_another_number_for_all() -> None:
    both = Writes(2)
    one, other = both.of(0), both.of(1)
    before, mark = one.erasures, one.mark()
    other.erased()
    one.erased()
    assert one.erasures == other.erasures == before + 2
    assert one.mark() == mark, "it says nothing of writes"


def test_two_writes_of_a_worker_at_once_are_under_way_until_the_last_is_over() -> None:
    alone = Writes()
    before = alone.mark()
    first, second = alone.writing(60), alone.writing(60)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert alone.mark() is None
    second.__exit__(None, None, None)
    assert alone.mark() not in (None, before)


def test_a_write_about_users_is_another_number_for_them_alone() -> None:
    both = Writes(2)
    one, other = both.of(0), both.of(1)
    users = ["ann", "bob", "cid"]

    def told() -> list[int | None]:
        return [other.mark(), other.apart(), *map(other.of_user, users)]

    before = told()
    with one.writing(60, ["ann", "bob"]), one.writing(60, ["bob"]):
        assert told() == [None, before[1], None, None, before[4]]
        with other.writing(60, ["cid"]):
            assert other.of_user("cid") is None
    after = told()
    assert None not in after
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, False, False, False]
    with one.writing(60):
        assert told() == [None, None, *after[2:]]
    assert told()[2:] == after[2:]
    assert told()[1] != after[1]


def test_a_write_about_a_user_that_may_yet_be_committed_is_under_way_until_it_cannot() -> None:
    writes = Writes()
    before = writes.of_user("ann")
    with pytest.raises(TimedOut), writes.writing(0.3, ["ann"]):
        raise TimedOut("no")
    for _ in range(2):
        with writes.writing(0.1, ["ann"]), writes.writing(0.1, ["bob"]):
            assert writes.of_user("ann") is None
        assert writes.of_user("ann") is None
        assert writes.of_user("bob") is not None
    after(0.3)
    assert writes.of_user("ann") not in (None, before)
    with writes.writing(60, ["bob"]):  # what was left open is closed
        assert writes.of_user("ann") not in (None, before)


def test_what_a_killed_worker_had_begun_about_a_user_is_under_way_until_it_cannot_be() -> None:
    both = Writes(2)
    other = both.of(1)
    before = other.of_user("ann")
    reading, writing = os.pipe()

    def work() -> None:
        with both.of(0).writing(1.0, ["ann"]):
            os.write(writing, b"x")
            time.sleep(60)

    pid = worker(work)
    os.read(reading, 1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert other.of_user("ann") is None
    assert other.of_user("bob") is not None
    heir = both.of(0)
    with heir.writing(60, ["bob"]):
        assert other.of_user("ann") is None
    after(1.0)
    assert other.of_user("ann") not in (None, before)
    with heir.writing(60, ["bob"]):
        assert other.of_user("ann") not in (None, before)


def test_nothing_is_lost_where_many_processes_write_at_once() -> None:
    n, times = 4, 2_000
    shared = Writes(n)
    before = shared.mark()
    assert before is not None

    def write(place: int) -> None:
        mine = shared.of(place)
        for _ in range(times):
            with mine.writing(60):
                pass

    for pid in [worker(lambda place=place: write(place)) for place in range(n)]:
        os.waitpid(pid, 0)
    assert shared.mark() == before + 2 * n * times


@contextmanager
def failing(writes: Writes, error: type[BaseException], timeout_s: float) -> Generator[None]:
    with pytest.raises(error), writes.writing(timeout_s):
        yield
        raise error("no")


def test_a_write_that_the_database_refused_is_over_at_once() -> None:
    writes = Writes()
    before = writes.mark()
    with failing(writes, Taken, 60):
        pass
    assert writes.mark() not in (None, before)


@pytest.mark.parametrize("error", [TimedOut, Unavailable, RuntimeError, KeyboardInterrupt])
def test_a_write_that_may_yet_be_committed_is_under_way_until_it_cannot(error: type[BaseException]) -> None:
    writes = Writes()
    before = writes.mark()
    with failing(writes, error, 0.3):
        pass
    assert writes.mark() is None
    with writes.writing(0.1):
        pass
    assert writes.mark() is None, "a later write that is over says nothing of it"
    after(0.3)
    assert writes.mark() not in (None, before)


def test_what_a_worker_had_begun_when_it_was_killed_is_under_way_until_it_cannot_be() -> None:
    both = Writes(2)
    other = both.of(1)
    before = other.mark()
    reading, writing = os.pipe()

    def work() -> None:
        with both.of(0).writing(1.0):
            os.write(writing, b"!")
            time.sleep(60)

    pid = worker(work)
    assert os.read(reading, 1) == b"!"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert other.mark() is None
    replaced = both.of(0)
    with replaced.writing(0.1):
        pass
    assert other.mark() is None, "nor does the one that replaces it end it"
    after(1.0)
    assert other.mark() not in (None, before)
