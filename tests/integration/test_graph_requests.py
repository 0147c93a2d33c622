"""Reads and writes at request time, against a real Neo4j."""

import asyncio
import base64
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from graph import disputes, explore, neighbors, newcomers, record, snapshot, write
from graph.client import AsyncClient, Client
from graph.errors import TimedOut
from graph.record import NewEvent
from tests.graphs import write_shop
from tests.shop import Shop

pytestmark = pytest.mark.integration

T = TypeVar("T")

FOREVER = 1 << 60


def run(client: Client, work: Callable[[AsyncClient], Awaitable[T]]) -> T:
    async def main() -> T:
        async with AsyncClient(client.settings) as asynchronous:
            return await work(asynchronous)

    return asyncio.run(main())


def view(event_id: str, user: str = "u", item: str = "i", at: int = 1, **more: float | str) -> NewEvent:
    return NewEvent(user, item, "view", at, event_id, **more)  # type: ignore[arg-type]


def test_a_user_is_read_with_its_newest_events_in_one_statement(client: Client, shop: Shop) -> None:
    write_shop(client, shop)

    async def work(asynchronous: AsyncClient) -> explore.UserRow | None:
        row = await explore.user(asynchronous, "u0", limit=10)
        assert asynchronous.queries == 1
        return row

    row = run(client, work)
    assert row is not None
    assert row.properties["attr_city"] == "Oslo"
    expected = sorted((e for e in shop.events if e["user_id"] == "u0"), key=lambda e: -int(str(e["at"])))[:10]
    assert row.at == [e["at"] for e in expected]
    assert row.item_ids == [e["item_id"] for e in expected]
    assert row.types == [e["type"] for e in expected]
    assert row.quantity == [e.get("quantity") for e in expected]
    assert row.amount == [e.get("amount") for e in expected]
    assert row.value == [e.get("value") for e in expected]
    assert row.context == [e["context"] for e in expected]


def test_an_unknown_user_is_none_and_one_without_events_has_empty_lists(client: Client) -> None:
    write.users(client, [{"id": "u"}])
    assert run(client, lambda c: explore.user(c, "nobody")) is None
    row = run(client, lambda c: explore.user(c, "u"))
    assert row is not None
    assert (row.key, row.item_ids, row.at) == (0, [], [])


def test_items_categories_and_brands_are_read_by_id(client: Client, shop: Shop) -> None:
    write_shop(client, shop)
    write.price_levels(client, [{"id": "i2", "price": 9.0, "price_level": 0.5}])
    items = run(client, lambda c: explore.items(c, ["i2", "nothing", "i47"]))
    assert items == {
        "i2": explore.ItemRow(
            id="i2",
            title="Garden No. 2",
            description="Number 2 of its shelf",
            price=3.0,
            currency="EUR",
            price_level=0.5,
            image=None,
            available=True,
            category_id="Home > Garden",
            brand_id="Cirrus",
        ),
        "i47": items["i47"],
    }
    assert not items["i47"].available
    categories = run(client, lambda c: explore.categories(c, ["Food > Tea", "Food", "x"]))
    assert categories == {
        "Food > Tea": explore.CategoryRow("Food > Tea", "Tea", 1, "Food"),
        "Food": explore.CategoryRow("Food", "Food", 0, None),
    }
    assert run(client, lambda c: explore.brands(c, ["Arbor", "x"])) == {"Arbor": explore.BrandRow("Arbor", "Arbor")}


def test_the_price_that_was_paid_stands_in_for_a_missing_one(client: Client) -> None:
    write.items(client, [{"id": "i"}])
    write.price_levels(client, [{"id": "i", "price": 4.5, "price_level": 0.5}])
    assert run(client, lambda c: explore.items(c, ["i"]))["i"].price == 4.5


@pytest.mark.parametrize(
    ("search", "category", "expected"),
    [
        (None, None, 48),
        ("coffee", None, 12),
        ("COF", None, 12),
        ("coffee 4", None, 3),  # 4, 40, 44
        (None, "Food", 24),
        (None, "Food > Tea", 12),
        ("no", "Home", 24),
        ("coffee", "Home", 0),
        ("nothing like it", None, 0),
        ("***", None, 0),
        ('coffee" OR title:[', None, 0),
        (None, "No such", 0),
    ],
)
def test_items_are_searched_by_words_and_category_page_by_page(
    client: Client, shop: Shop, search: str | None, category: str | None, expected: int
) -> None:
    if not client.read("MATCH (i:Item) RETURN count(i) AS n")[0]["n"]:
        write_shop(client, shop)
        client.read("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()")

    async def work(asynchronous: AsyncClient) -> list[str]:
        found: list[str] = []
        after: int | None = None
        while True:
            page = await explore.search_items(asynchronous, search, category, 5, after)
            found += [row.id for _, row in page[:5]]
            if len(page) <= 5:
                return found
            after = page[4][0]

    found = run(client, work)
    assert len(found) == len(set(found)) == expected


def test_users_are_listed_page_by_page_and_searched_by_a_part_of_the_id(client: Client) -> None:
    write.users(client, [{"id": f"shopper-{n}"} for n in range(12)])
    first = run(client, lambda c: explore.users(c, 5, None))
    assert [user for _, user in first] == [f"shopper-{n}" for n in range(6)]
    rest = run(client, lambda c: explore.users(c, 50, first[4][0]))
    assert [user for _, user in rest] == [f"shopper-{n}" for n in range(5, 12)]
    assert [user for _, user in run(client, lambda c: explore.users(c, 5, None, "r-1"))] == [
        "shopper-1",
        "shopper-10",
        "shopper-11",
    ]


def test_neighbours_share_items_and_are_counted(client: Client) -> None:
    write.categories(client, [{"id": "A"}, {"id": "B"}])
    write.items(client, [{"id": f"i{n}", "category": "AB"[n % 2]} for n in range(4)])
    write.users(client, [{"id": name, **({"attr_city": "Rome"} if name == "v" else {})} for name in "uvwx"])
    bought = {"u": [0, 1, 2], "v": [0, 1, 2, 3], "w": [2], "x": [3]}
    write.events(
        client,
        [
            {"event_id": f"{user}{item}", "user_id": user, "item_id": f"i{item}", "type": "purchase", "at": item}
            for user, items in bought.items()
            for item in items
        ],
    )
    found = run(client, lambda c: neighbors.neighbors(c, "u", 5, until=FOREVER))
    assert found == [
        neighbors.NeighborRow("v", 0.75, ("i2", "i1", "i0"), 2, {"city": "Rome"}),
        neighbors.NeighborRow("w", 1 / 3, ("i2",), 1, {}),
    ]
    assert run(client, lambda c: neighbors.neighbors(c, "u", 1, until=FOREVER)) == found[:1]
    assert run(client, lambda c: neighbors.neighbors(c, "u", 5, until=1)) == []  # nothing had been recorded then
    assert run(client, lambda c: neighbors.neighbors(c, "nobody", 5, until=FOREVER)) == []


def test_supporters_share_two_items_beside_the_one_they_bought(client: Client) -> None:
    write.items(client, [{"id": name} for name in ("a", "b", "t")])
    users = [f"v{n}" for n in range(6)]
    write.users(client, [{"id": "u"}, *({"id": name} for name in users)])
    pairs = [("u", "a"), ("u", "b"), *((user, item) for user in users for item in ("a", "b", "t"))]
    write.events(
        client,
        [
            {"event_id": f"{user}{item}", "user_id": user, "item_id": item, "type": "purchase", "at": 1}
            for user, item in pairs[:-1]
        ],
    )
    assert run(client, lambda c: neighbors.supporters(c, "u", ["t", "a", "nothing"], until=FOREVER)) == {"t": 5, "a": 0}
    assert run(client, lambda c: neighbors.supporters(c, "u", ["t"], until=1)) == {"t": 0}
    assert run(client, lambda c: neighbors.supporters(c, "nobody", ["t"], until=FOREVER)) == {}


def test_an_event_is_recorded_once_and_its_id_is_kept_from_others(client: Client) -> None:
    async def work(c: AsyncClient) -> list[list[str]]:
        batches = [
            [view("1", at=5, amount=2.5), view("2", item="j")],
            [view("1", at=5, amount=2.5), view("3")],
            [view("1", at=6, amount=2.5), view("2", user="v", item="j"), view("2", item="j", context="web")],
            [view("1", at=6, amount=3.5), view("2", user="v", item="j", at=9)],
            [view("4"), view("4"), view("4", at=9), view("4", at=9, context="web")],
        ]
        return [[one.status for one in await record.record_events(c, batch)] for batch in batches]

    assert run(client, work) == [
        ["created", "created"],
        ["existing", "created"],
        ["retimed", "conflict", "conflict"],
        ["conflict", "conflict"],
        ["created", "existing", "retimed", "conflict"],
    ]
    read = snapshot.read(client)
    assert (read.user_ids, read.item_ids, len(read.events)) == (("u",), ("i", "j"), 4)
    assert read.item_titles == ("i", "j")


def test_types_are_recorded_side_by_side_the_shops_own_included(client: Client) -> None:
    events = [NewEvent("u", "i", kind, 1, "1") for kind in ("view", "purchase", "wish")]
    events.append(NewEvent("u", "i", "borrow", 1, "1"))
    assert [one.status for one in run(client, lambda c: record.record_events(c, events))] == [
        "created",
        "created",
        "created",
        "conflict",  # the shop's own types share one relationship type
    ]
    assert snapshot.read(client).event_types == ("purchase", "view", "wish")


def test_recording_at_once_from_many_sides_gives_each_event_and_each_node_once(client: Client) -> None:
    events = [view(str(n), user=f"u{n % 7}", item=f"i{n % 5}") for n in range(40)]

    async def work(c: AsyncClient) -> list[list[record.Recorded]]:
        return await asyncio.gather(*(record.record_events(c, events[n % 20 : n % 20 + 20]) for n in range(0, 60, 5)))

    run(client, work)
    read = snapshot.read(client)
    assert (len(read.user_ids), len(read.item_ids)) == (7, 5)
    keys = client.read("MATCH (u:User) RETURN u.key AS key ORDER BY key")
    assert [row["key"] for row in keys] == list(range(7))
    assert len(read.events) == len({e.event_id for n in range(0, 60, 5) for e in events[n % 20 : n % 20 + 20]})


def test_too_many_events_are_refused(client: Client) -> None:
    events = [view(str(n)) for n in range(record.MOST + 1)]
    with pytest.raises(ValueError, match="1000"):
        run(client, lambda c: record.record_events(c, events))


def test_an_erased_user_is_gone_with_its_events_and_nothing_else(client: Client, shop: Shop) -> None:
    write_shop(client, shop)
    write.model_output(
        client, "m", {}, [{"user_id": "u0", "item_id": "i0", "rank": 1, "score": 1.0}], [], []
    )  # fmt: skip
    own = sum(row["user_id"] == "u0" for row in shop.events)
    assert run(client, lambda c: record.erase_user(c, "u0")) == own
    assert run(client, lambda c: record.erase_user(c, "u0")) is None
    read = snapshot.read(client)
    assert "u0" not in read.user_ids
    assert len(read.events) == len(shop.events) - own
    assert len(read.user_ids) == len(shop.users) - 1


def test_an_item_that_an_event_creates_says_when_it_came(client: Client) -> None:
    write.items(client, [{"id": "old"}])
    came = client.read("MATCH (i:Item) RETURN i.created_at AS at")[0]["at"]

    async def work(asynchronous: AsyncClient) -> list[newcomers.CreatedRow]:
        await record.record_events(asynchronous, [view("e1", item="new"), view("e2", item="old")])
        return await newcomers.newest(asynchronous, since=came, limit=9)

    rows = run(client, work)
    assert {row.id for row in rows} == {"old", "new"}
    assert [row.created_at for row in rows if row.id == "old"] == [came]
    assert rows[0].available


def test_a_user_that_is_known_is_brought_up_to_date_by_what_was_recorded_since(client: Client) -> None:
    offline = [{"user_id": "u", "item_id": f"i{n}", "type": "purchase", "event_id": str(n), "at": n} for n in range(20)]
    write.users(client, [{"id": "u"}])
    write.items(client, [{"id": f"i{n}"} for n in range(20)])
    write.events(client, offline)
    client.write("MATCH ()-[r:PURCHASED]->() REMOVE r.recorded_at")
    dispute = explore.DisputeRow("item", "Item", "i3", "", 5)

    async def dispute_in_one_place(c: AsyncClient) -> None:
        await disputes.write(c, "u", dispute)
        await record.record_events(c, [view("w1", at=35)])
        await disputes.remove(c, "u", dispute)

    # What happens, and after how many statements the user is up to date: 2 where counts do not tell all.
    steps: list[tuple[Callable[[AsyncClient], Awaitable[object]], int]] = [
        (lambda c: c.ping(), 1),
        (lambda c: record.record_events(c, [view("v1", at=30), view("v2", at=29, amount=2.0)]), 1),
        (lambda c: record.record_events(c, [view("v2", at=29, amount=2.0)]), 1),
        (lambda c: record.record_events(c, [view("late", at=7, context="web"), view("later", at=7)]), 1),
        (lambda c: disputes.write(c, "u", dispute), 1),
        (dispute_in_one_place, 1),
        (lambda c: c.write("MATCH ()-[r:VIEWED {event_id: 'v1'}]->() DELETE r SET startNode(r).events_at = 1"), 2),
        (lambda c: c.write("MATCH (u:User) SET u.city = 'Oslo', u.events_at = 2"), 1),
        (lambda c: c.write("MATCH ()-[r:PURCHASED {event_id: '3'}]->() DELETE r"), 2),
        (lambda c: c.write("MATCH (u:User), (i:Item {id: 'i4'}) CREATE (u)-[:VIEWED {event_id: 'x', at: 3}]->(i)"), 2),
    ]

    async def work(c: AsyncClient) -> None:
        known = await explore.user(c, "u")
        for step, expected in steps:
            await step(c)
            before = c.queries
            now = await explore.user(c, "u", known=known)
            assert c.queries - before == expected
            fresh = await explore.user(c, "u")
            assert now
            assert fresh
            assert sorted(map(repr, now.events())) == sorted(map(repr, fresh.events()))
            assert (now.at, now.state, now.disputes) == (fresh.at, fresh.state, fresh.disputes)
            assert (sorted(now.recorded), now.properties) == (sorted(fresh.recorded), fresh.properties)
            known = now
        assert await explore.user(c, "u", known=known) is known

    run(client, work)


def test_of_a_user_with_more_events_than_are_read_all_of_them_are_read_again(client: Client) -> None:
    async def work(c: AsyncClient) -> None:
        await record.record_events(c, [view(str(n), at=n) for n in range(12)])
        known = await explore.user(c, "u", limit=10)
        await record.record_events(c, [view("old", at=1), view("new", at=20)])
        now = await explore.user(c, "u", limit=10, known=known)
        assert now
        assert now.at == [20, *range(11, 2, -1)]
        almost = await explore.user(c, "u", limit=15)
        await record.record_events(c, [view("newer", at=21), view("newest", at=22)])
        now = await explore.user(c, "u", limit=15, known=almost)
        assert now
        assert now.at == [22, 21, 20, *range(11, 0, -1), 1]

    run(client, work)


def test_what_is_read_after_a_state_was_seen_is_of_that_state(client: Client) -> None:
    # So many that the server takes a while from where a write has its name to where all of it can be read.
    client.write("UNWIND range(1, 20000) AS n CREATE (:Many {n: n, value: 0})")
    client.write("MATCH (one:Many {n: 20000}) SET one:Last")

    def write_often() -> None:
        for value in range(1, 21):
            client.write("MATCH (one:Many) SET one.value = $value", value=value)

    async def work(asynchronous: AsyncClient) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        thread = threading.Thread(target=write_often)
        thread.start()
        while thread.is_alive():
            before = asynchronous.seen
            value = (await asynchronous.read("MATCH (one:Last) RETURN one.value AS value"))[0]["value"]
            if before and before == asynchronous.seen:
                found.setdefault(before, set()).add(value)
        return found

    found = run(client, work)
    client.write("MATCH (one:Many) DETACH DELETE one")
    assert len(found) > 5
    assert {state: values for state, values in found.items() if len(values) > 1} == {}


def test_a_state_that_is_still_to_come_is_waited_for_once(client: Client) -> None:
    async def work(asynchronous: AsyncClient) -> str | None:
        state = await asynchronous.state()
        assert state
        # As after a backup was put back: three bytes at the end say which transaction it is.
        ahead = base64.b64decode(state.removeprefix("FB:"))[:-3] + b"\x7f\xff\x90"
        asynchronous.seen = "FB:" + base64.b64encode(ahead).decode()
        with pytest.raises(TimedOut):
            await asynchronous.state(timeout_s=0.2)
        assert await asynchronous.state() == state == asynchronous.seen
        return state

    assert run(client, work)
