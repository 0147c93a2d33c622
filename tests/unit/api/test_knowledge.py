"""What is known without asking: for how long, and what ends it."""

import asyncio
from collections.abc import Callable

from api.knowledge import Knowledge
from api.rows import KeptRows
from api.writes import Writes
from graph.client import AsyncClient, Settings
from graph.explore import BrandRow

ARBOR = BrandRow("b", "Arbor")


def knowing(for_s: float, check: Callable[[AsyncClient, Writes, Knowledge], object]) -> None:
    async def run() -> None:
        async with AsyncClient(Settings("bolt://127.0.0.1:1", "neo4j", "")) as client:
            writes = Writes()
            check(client, writes, Knowledge(client, writes, for_s=for_s))

    asyncio.run(run())


def test_by_default_nothing_is_known() -> None:
    def check(client: AsyncClient, writes: Writes, knowledge: Knowledge) -> None:
        look = knowledge.look()
        knowledge.found(look, "state-1")
        assert not knowledge.holds(look)
        assert knowledge.state is None
        rows = KeptRows[BrandRow](knowledge)
        rows.keep({"b": ARBOR}, look)
        assert rows.known(["b"]) == ({}, None)

    knowing(0.0, check)


def test_a_look_is_true_for_its_time() -> None:
    def check(client: AsyncClient, writes: Writes, knowledge: Knowledge) -> None:
        look = knowledge.look()
        knowledge.found(look, "state-1")
        assert knowledge.holds(look)
        assert knowledge.state == "state-1"
        knowledge.for_s = 1e-9
        assert not knowledge.holds(look)
        assert knowledge.state is None

    knowing(60.0, check)


def test_a_write_ends_what_was_looked_at_before_it_and_while_it_was_under_way() -> None:
    def check(client: AsyncClient, writes: Writes, knowledge: Knowledge) -> None:
        before = knowledge.look()
        knowledge.found(before, "state-1")
        with writes.writing(60):
            amid = knowledge.look()
            assert not knowledge.holds(before)
            assert not knowledge.holds(amid)
        assert not knowledge.holds(before)
        assert not knowledge.holds(amid)
        assert knowledge.state is None
        # The look began before the write, and what it found came after it.
        knowledge.found(before, "state-2")
        assert knowledge.state is None
        knowledge.found(amid, "state-2")
        assert knowledge.state is None
        assert knowledge.holds(knowledge.look())

    knowing(60.0, check)


def test_a_write_about_one_user_ends_what_is_known_of_that_user_and_of_the_whole_graph() -> None:
    def check(client: AsyncClient, writes: Writes, knowledge: Knowledge) -> None:
        catalogue, ann, both = (
            knowledge.look(),
            knowledge.look("ann"),
            knowledge.look("ann").beside(knowledge.look("bob")),
        )
        assert both.users.keys() == {"ann", "bob"}
        for user, holding in (("cid", [True, True, True]), ("bob", [True, True, False]), ("ann", [True, False, False])):
            with writes.writing(60, [user]):
                during = knowledge.look(user)
                assert [knowledge.holds(look) for look in (catalogue, ann, both)] == holding
            assert [knowledge.holds(look) for look in (catalogue, ann, both)] == holding
            assert not any(knowledge.holds(look, whole=False) for look in (catalogue, ann, both))
            assert not knowledge.holds(during)
            assert knowledge.holds(knowledge.look(user))
        with writes.writing(60):
            pass
        assert not knowledge.holds(catalogue)

    knowing(60.0, check)


def test_of_two_looks_at_a_user_the_earlier_one_counts() -> None:
    def check(client: AsyncClient, writes: Writes, knowledge: Knowledge) -> None:
        before = knowledge.look("ann")
        with writes.writing(60, ["ann"]):
            pass
        after = knowledge.look("ann")
        assert knowledge.holds(after)
        assert not knowledge.holds(after.beside(before))
        assert not knowledge.holds(before.beside(after))

    knowing(60.0, check)


def test_what_was_read_in_the_state_that_the_graph_is_known_to_be_in_is_true_however_old() -> None:
    def check(client: AsyncClient, writes: Writes, knowledge: Knowledge) -> None:
        client.seen = "state-1"
        old = knowledge.look()
        client.seen = "state-2"
        other = knowledge.look()
        with writes.writing(60):  # it changed nothing
            pass
        assert not knowledge.holds(old)
        knowledge.found(knowledge.look(), "state-1")
        assert knowledge.holds(old)
        assert not knowledge.holds(other)

    knowing(60.0, check)


def test_a_database_that_names_no_state_is_known_by_time_alone() -> None:
    def check(client: AsyncClient, writes: Writes, knowledge: Knowledge) -> None:
        old = knowledge.look()
        with writes.writing(60):
            pass
        knowledge.found(knowledge.look(), None)
        assert not knowledge.holds(old)

    knowing(60.0, check)


def test_rows_are_kept_with_the_look_they_are_from_and_the_first_make_room() -> None:
    def check(client: AsyncClient, writes: Writes, knowledge: Knowledge) -> None:
        rows = KeptRows[BrandRow](knowledge, most=3)
        first = knowledge.look()
        rows.keep({"a": None, "b": ARBOR}, first)
        second = knowledge.look()
        rows.keep({"c": None, "a": None}, second)
        assert rows.known(["c", "b", "a", "unread"]) == ({"c": None, "b": ARBOR, "a": None}, first)
        assert rows.known(["a", "c"]) == ({"a": None, "c": None}, second)
        rows.keep({"d": None}, second)
        assert rows.known(["a", "b", "c", "d"])[0].keys() == {"a", "c", "d"}
        with writes.writing(60):
            pass
        assert rows.known(["a", "c"]) == ({}, None)

    knowing(60.0, check)
