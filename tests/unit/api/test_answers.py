"""Answers that are given again, and the look at the graph that allows it."""

import asyncio
import time
from dataclasses import replace

import pytest

from api.answers import Answer, Answers, Basis
from api.knowledge import Knowledge
from api.pulse import Pulse
from api.reads import Kept
from graph.client import AsyncClient, Settings

BASIS = Basis("graph-1", "model-1")
READS = Kept((), ("i1",), (), (), 0, float("inf"))


def answer(size: int = 10, at: float | None = None) -> Answer:
    return Answer(BASIS, b"x" * size, {}, "Query.user", None, time.monotonic() if at is None else at)


class Graph(AsyncClient):
    """A graph whose state is a number; a look takes as long as the test lets it."""

    def __init__(self) -> None:
        super().__init__(Settings("bolt://127.0.0.1:1", "neo4j", ""))
        self.now = 0
        self.looks = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def state(self, *, timeout_s: float = 2.0) -> str:
        self.looks += 1
        found = str(self.now)
        await self.gate.wait()
        return found


def test_the_oldest_answers_make_room_for_new_ones() -> None:
    known = Answers(most_bytes=25)
    for name in (b"a", b"b", b"c"):
        known.keep(name, answer())
    assert known.get(b"a") is None
    assert known.get(b"b") and known.get(b"c")
    known.get(b"b")
    known.keep(b"d", answer())
    assert known.get(b"c") is None
    assert known.get(b"b")


def test_long_and_old_answers_are_not_given_again() -> None:
    known = Answers(longest=9, age_s=1.0)
    known.keep(b"long", answer())
    known.keep(b"old", answer(5, at=time.monotonic() - 2))
    assert known.get(b"long") is None
    assert known.get(b"old") is None


def test_nothing_is_given_again_after_an_erasure() -> None:
    known = Answers()
    known.keep(b"a", answer())
    known.forget()
    assert known.get(b"a") is None


def test_where_the_graph_is_seldom_the_same_answers_are_seldom_held_against_it() -> None:
    known = Answers()
    known.keep(b"a", answer())
    known.keep(b"rows", replace(answer(), reads=READS))
    assert known.quiet
    for _ in range(200):
        known.held(true=False)
    assert not known.quiet
    assert sum(known.get(b"a") is not None for _ in range(110)) == 10
    # What can be asked about by itself always is.
    assert all(known.get(b"rows") for _ in range(110))
    for _ in range(20):
        known.held(true=True)
    assert all(known.get(b"a") for _ in range(110))


def test_an_answer_that_is_true_in_another_state_is_known_to_be() -> None:
    known, made = Answers(), answer()
    known.keep(b"a", made)
    known.move(b"a", made, replace(made, basis=Basis("graph-2", "model-1")))
    assert (moved := known.get(b"a")) and moved.basis.graph == "graph-2"
    known.move(b"a", made, replace(made, basis=Basis("graph-3", "model-1")))  # meanwhile another one took its place
    assert known.get(b"a") == moved


def test_an_answer_that_many_wait_for_is_made_once() -> None:
    async def run() -> None:
        known = Answers()
        made: list[bool] = []

        async def make(key: bytes) -> None:
            async with known.turn(key) as waited:
                made.append(waited)
                await asyncio.sleep(0.01)
                if not waited:
                    known.keep(key, answer())

        await asyncio.gather(*(make(b"new") for _ in range(3)))
        assert made == [False] * 3, "nobody waits for what may never be kept"
        made.clear()
        await asyncio.gather(*(make(b"new") for _ in range(5)))
        assert sorted(made) == [False, True, True, True, True]

        async def fail() -> None:
            async with known.turn(b"new"):
                await asyncio.sleep(0.01)
                raise ValueError

        made.clear()
        await asyncio.gather(fail(), make(b"new"), return_exceptions=True)
        assert made == [True], "a failure lets the others go on"

    asyncio.run(run())


@pytest.mark.parametrize("waiting", [1, 50])
def test_all_who_wait_share_one_look(waiting: int) -> None:
    async def run() -> None:
        graph = Graph()
        pulse = Pulse(graph, Knowledge(graph))
        found = await asyncio.gather(*(pulse.state() for _ in range(waiting)))
        assert set(found) == {"0"}
        assert graph.looks == 1
        await graph.close()

    asyncio.run(run())


def test_who_comes_during_a_look_waits_for_the_next_one() -> None:
    async def run() -> None:
        graph = Graph()
        pulse = Pulse(graph, Knowledge(graph))
        graph.gate.clear()
        early = asyncio.create_task(pulse.state())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        graph.now = 1  # written before the others ask, after the look began
        late = [asyncio.create_task(pulse.state()) for _ in range(5)]
        await asyncio.sleep(0)
        assert graph.looks == 1
        graph.gate.set()
        assert await early == "0"
        assert [await one for one in late] == ["1"] * 5
        assert graph.looks == 2
        await graph.close()

    asyncio.run(run())


def test_a_look_that_one_gives_up_goes_on_for_the_others() -> None:
    async def run() -> None:
        graph = Graph()
        pulse = Pulse(graph, Knowledge(graph))
        graph.gate.clear()
        leaving, staying = (asyncio.create_task(pulse.state()) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        graph.gate.set()
        assert await staying == "0"
        await graph.close()

    asyncio.run(run())
