"""What answers were made from, and the look at the graph that tells whether it is the same still."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, LiteralString

import pytest

from api.reads import Kept, Reads, Rereads
from graph import facts
from graph.client import AsyncClient, Settings
from graph.errors import TimedOut
from graph.explore import BrandRow, CategoryRow, ItemRow, UserRow

ITEM = ItemRow("i", "Mocha", None, 2.5, None, 0.5, None, True, "c", "b")
USER = UserRow("u", 1, {"income": "low", "sizes": [1, 2]}, [], [], [], [], [], [], [], [], (1, 5, 2))


def reads() -> Reads:
    found = Reads(items={"i": ITEM, "gone": None}, categories={"c": CategoryRow("c", "Coffee", 0, None)})
    found.brands["b"] = BrandRow("b", "Arbor")
    found.met("u", USER, time.monotonic() + 60)
    return found


class Graph(AsyncClient):
    """A graph of one user and two items, which says what the tests let it say."""

    def __init__(self) -> None:
        super().__init__(Settings("bolt://127.0.0.1:1", "neo4j", ""))
        self.title, self.events, self.asked = "Mocha", [1, 5, 2], list[Mapping[str, list[str]]]()
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(
        self, query: LiteralString, /, *, timeout_s: float | None = None, **params: Any
    ) -> list[dict[str, Any]]:
        self.asked.append(params["of"])
        await self.gate.wait()
        if self.fails:
            raise TimedOut("too slow")
        rows: dict[str, list[list[Any]]] = {
            "users": [["u", self.events, {"sizes": [1, 2], "income": "low"}, []]],
            "items": [[7, "i", self.title, None, 2.5, None, 0.5, None, True, "c", "b"]],
            "categories": [["c", "Coffee", 0, None]],
            "brands": [["b", "Arbor"]],
        }
        found = {
            kind: [row for row in table if row[1 if kind == "items" else 0] in params["of"][kind]]
            for kind, table in rows.items()
        }
        return [{"kind": kind, "rows": table} for kind, table in found.items() if table]


def kept(found: Reads) -> Kept:
    told = found.kept()
    assert told
    return told


def asked(graph: Graph, *wanted: Kept) -> list[bool]:
    async def run() -> list[bool]:
        rereads = Rereads(graph)
        try:
            found = await asyncio.gather(*(rereads.now(one) for one in wanted))
            return [now is not None and one.same(now) for one, now in zip(wanted, found, strict=True)]
        finally:
            await graph.close()

    return asyncio.run(run())


def test_an_answer_stays_true_while_its_rows_say_the_same() -> None:
    assert asked(Graph(), kept(reads())) == [True]


def test_another_title_or_another_event_makes_it_untrue() -> None:
    graph = Graph()
    graph.title = "Latte"
    assert asked(graph, kept(reads())) == [False]
    graph = Graph()
    graph.events = [1, 6, 3]
    assert asked(graph, kept(reads())) == [False]


def test_what_was_not_there_and_is_now_makes_it_untrue() -> None:
    found = Reads(items={"i": None})
    assert asked(Graph(), kept(found)) == [False]
    found = Reads()
    found.met("u", None, float("inf"))
    assert asked(Graph(), kept(found)) == [False]


def test_an_answer_from_other_things_too_cannot_be_looked_at() -> None:
    found = reads()
    found.whole = False
    assert found.kept() is None


def test_after_its_time_the_graph_is_not_asked() -> None:
    graph = Graph()
    assert asked(graph, replace(kept(reads()), until=time.monotonic() - 1)) == [False]
    assert graph.asked == []


def test_all_who_wait_share_few_statements() -> None:
    graph = Graph()
    others = [kept(Reads(items={f"other-{n}": None})) for n in range(60)]
    assert asked(graph, *others, kept(reads())) == [True] * 61
    assert len(graph.asked) == 4
    assert sum(len(one["items"]) for one in graph.asked) == 62


def test_a_failure_is_told_to_all_who_wait() -> None:
    graph = Graph()
    graph.fails = True
    with pytest.raises(TimedOut):
        asked(graph, kept(reads()), kept(reads()))


def test_a_user_has_the_same_face_with_and_without_its_events() -> None:
    async def run() -> None:
        graph = Graph()
        assert (await facts.read(graph, users=["u"])).users == {"u": facts.face(USER)}
        await graph.close()

    asyncio.run(run())
