"""Writing a shop into a real Neo4j: idempotent, counted, and read back as it was given."""

import math
from pathlib import Path

import numpy as np
import pytest

from graph import newcomers, schema, server, snapshot, write
from graph.client import Client
from graph.errors import NotFound, SchemaTooNew
from tests.graphs import write_shop
from tests.shop import Row, Shop

pytestmark = pytest.mark.integration


def counts(client: Client) -> tuple[int, int]:
    nodes = client.read("MATCH (n) WHERE NOT n:Attune RETURN count(n) AS n")[0]["n"]
    return nodes, client.read("MATCH ()-[r]->() RETURN count(r) AS n")[0]["n"]


def test_a_shop_comes_back_as_it_was_written(client: Client, shop: Shop) -> None:
    write_shop(client, shop)
    read = snapshot.read(client)
    assert read.user_ids == tuple(row["user_id"] for row in shop.users)
    assert read.item_ids == tuple(row["item_id"] for row in shop.items)
    assert read.item_titles == tuple(row["title"] for row in shop.items)
    assert read.category_ids == ("Food", "Food > Coffee", "Food > Tea", "Home", "Home > Garden", "Home > Tools")
    assert read.category_parent.tolist() == [-1, 0, 0, -1, 3, 3]
    assert [read.category_ids[row] for row in read.item_category] == [row["category"] for row in shop.items]
    assert [read.brand_ids[row] for row in read.item_brand] == [row["brand"] for row in shop.items]
    assert read.item_price.tolist() == [row["price"] for row in shop.items]
    assert read.item_available.tolist() == [row["available"] for row in shop.items]
    assert read.event_types == ("purchase", "rate", "view", "wish")
    assert read.contexts == ("store", "web")

    def expected(row: Row) -> tuple[object, ...]:
        return (
            row["user_id"],
            row["item_id"],
            row["type"],
            row["at"],
            row.get("quantity"),
            row.get("amount"),
            row.get("value"),
            row["context"],
            snapshot.basket_hash(str(row["basket_id"])),
        )

    def known(value: float) -> float | None:
        return None if math.isnan(value) else float(value)

    e = read.events
    found = [
        (
            read.user_ids[e.user[row]],
            read.item_ids[e.item[row]],
            read.event_types[e.type[row]],
            int(e.at[row]),
            known(e.quantity[row]),
            known(e.amount[row]),
            known(e.value[row]),
            read.contexts[e.context[row]],
            int(e.basket[row]),
        )
        for row in range(len(e))
    ]
    assert sorted(found, key=str) == sorted(map(expected, shop.events), key=str)


def test_attributes_are_read_as_declared_or_inferred(client: Client, shop: Shop) -> None:
    write_shop(client, shop)
    attributes = snapshot.read(client).attributes
    assert attributes["income"].kind == "ordinal"
    assert attributes["income"].levels == ("low", "high")
    assert attributes["income"].values[:4].tolist() == [0, 0, 1, 1]
    assert attributes["age"].kind == "numeric"
    assert attributes["age"].values[:2].tolist() == [20, 21]
    assert attributes["city"].kind == "categorical"
    assert attributes["city"].levels == ("Oslo", "Rome")


def test_writing_twice_changes_nothing(client: Client, shop: Shop) -> None:
    first = write_shop(client, shop)
    before, id_before = counts(client), snapshot.read(client).id
    second = write_shop(client, shop)
    assert first == write.EventCounts(created=len(shop.events), existing=0, missing=0)
    assert second == write.EventCounts(created=0, existing=len(shop.events), missing=0)
    assert counts(client) == before
    assert snapshot.read(client).id == id_before


def test_the_order_of_writing_does_not_change_the_snapshot(client: Client, shop: Shop) -> None:
    write_shop(client, shop)
    id_before = snapshot.read(client).id
    write.wipe(client)
    schema.migrate(client)
    write_shop(client, Shop(shop.users, shop.items, shop.events[::-1]))
    assert snapshot.read(client).id == id_before


def test_a_snapshot_at_a_moment_is_the_cut_of_the_whole(client: Client, shop: Shop) -> None:
    write_shop(client, shop)
    moment = int(np.median([int(str(row["at"])) for row in shop.events]))
    cut = snapshot.read(client, at=moment)
    assert 0 < len(cut.events) < len(shop.events)
    assert cut.events.at.max() < moment
    assert cut.id == snapshot.read(client).until(moment).id


def test_an_empty_graph_is_read_as_an_empty_snapshot(client: Client) -> None:
    read = snapshot.read(client)
    assert (read.user_ids, read.item_ids, len(read.events)) == ((), (), 0)


def test_a_user_without_events_and_an_item_never_bought_are_in_the_snapshot(client: Client) -> None:
    write.users(client, [{"id": "u"}])
    write.items(client, [{"id": "i"}])
    read = snapshot.read(client)
    assert (read.user_ids, read.item_ids, read.item_titles) == (("u",), ("i",), ("i",))
    assert math.isnan(read.item_price[0])
    assert read.item_available[0]


def test_an_event_without_its_user_or_item_is_counted_as_missing(client: Client) -> None:
    write.users(client, [{"id": "u"}])
    write.items(client, [{"id": "i"}])
    base = {"type": "view", "at": 1}
    found = write.events(
        client,
        [
            {**base, "event_id": "1", "user_id": "u", "item_id": "i"},
            {**base, "event_id": "2", "user_id": "nobody", "item_id": "i"},
            {**base, "event_id": "3", "user_id": "u", "item_id": "nothing"},
        ],
    )
    assert found == write.EventCounts(created=1, existing=0, missing=2)


def test_an_event_id_of_another_user_or_item_is_a_conflict_and_the_rest_is_written(client: Client) -> None:
    write.users(client, [{"id": "u"}, {"id": "v"}])
    write.items(client, [{"id": "i"}, {"id": "j"}])
    write.events(client, [{"event_id": "1", "user_id": "u", "item_id": "i", "type": "view", "at": 1}])
    found = write.events(
        client,
        [
            {"event_id": "1", "user_id": "u", "item_id": "j", "type": "view", "at": 1},
            {"event_id": "1", "user_id": "u", "item_id": "i", "type": "view", "at": 1},
            {"event_id": "2", "user_id": "v", "item_id": "i", "type": "view", "at": 2},
            {"event_id": "2", "user_id": "v", "item_id": "j", "type": "view", "at": 2},
            {"event_id": "1", "user_id": "v", "item_id": "j", "type": "purchase", "at": 2},
        ],
    )
    assert found == write.EventCounts(created=2, existing=1, missing=0, conflicts=2)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"event_id": 7}, "7"), ({"at": "yesterday"}, "yesterday"), ({"user_id": None}, "None")],
)
def test_an_event_with_a_wrong_type_is_refused(client: Client, change: dict[str, object], named: str) -> None:
    event = {"event_id": "1", "user_id": "u", "item_id": "i", "type": "view", "at": 1} | change
    with pytest.raises(ValueError, match=named):
        write.events(client, [event])


def test_keys_are_dense_kept_and_never_drawn_twice(client: Client) -> None:
    write.users(client, [{"id": "a"}, {"id": "b"}, {"id": "a"}])
    write.users(client, [{"id": "c"}, {"id": "a", "attr_age": 3}])
    write.users(client, [{"id": "d", "key": 9}, {"id": "e"}])
    rows = client.read("MATCH (u:User) RETURN u.id AS id, u.key AS key ORDER BY key")
    assert [(row["id"], row["key"]) for row in rows] == [("a", 0), ("b", 1), ("c", 2), ("d", 9), ("e", 10)]


def test_gaps_between_keys_do_not_shift_rows(client: Client) -> None:
    write.users(client, [{"id": "a", "key": 3}, {"id": "b", "key": 70_000}])
    write.items(client, [{"id": "i", "key": 5}, {"id": "j", "key": 8}])
    write.events(client, [{"event_id": "1", "user_id": "b", "item_id": "j", "type": "view", "at": 1}])
    read = snapshot.read(client)
    assert read.user_ids == ("a", "b")
    assert (read.events.user.tolist(), read.events.item.tolist()) == ([1], [1])


def test_what_a_row_leaves_out_stays(client: Client) -> None:
    write.categories(client, [{"id": "A > B"}, {"id": "C"}])
    write.items(client, [{"id": "i", "title": "One", "price": 2.0, "category": "A > B"}])
    write.items(client, [{"id": "i", "price": 3.0, "title": None}])
    read = snapshot.read(client)
    assert (read.item_titles, read.item_price.tolist()) == (("One",), [3.0])
    assert read.category_ids[read.item_category[0]] == "A > B"
    write.items(client, [{"id": "i", "category": "C"}])
    read = snapshot.read(client)
    assert read.category_ids[read.item_category[0]] == "C"
    assert client.read("MATCH (:Item)-[r:IN_CATEGORY]->() RETURN count(r) AS n")[0]["n"] == 1


def test_an_item_of_an_unknown_category_is_an_error_that_names_it(client: Client) -> None:
    with pytest.raises(NotFound, match="No such shelf"):
        write.items(client, [{"id": "i", "category": "No such shelf"}])


def test_a_misspelt_property_is_refused(client: Client) -> None:
    with pytest.raises(ValueError, match="prize"):
        write.items(client, [{"id": "i", "prize": 2.0}])
    with pytest.raises(ValueError, match="age"):
        write.users(client, [{"id": "u", "age": 2.0}])


def test_promotions_gather_on_their_item(client: Client) -> None:
    write.items(client, [{"id": "i"}, {"id": "j"}])
    rows = [
        {"item_id": "i", "at": 20, "until": 30, "share": 0.5},
        {"item_id": "nothing", "at": 20, "until": 30, "share": 0.5},
        {"item_id": "i", "at": 10, "until": 20, "share": 0.25},
    ]
    assert write.promotions(client, rows) == 2
    assert write.promotions(client, [{"item_id": "i", "at": 20, "until": 30, "share": 1.0}]) == 1
    write.users(client, [{"id": "u"}])
    write.events(client, [{"event_id": "1", "user_id": "u", "item_id": "j", "type": "view", "at": 25}])
    found = snapshot.read(client).promotions
    assert (found.item.tolist(), found.at.tolist(), found.until.tolist()) == ([0, 0], [10, 20], [20, 30])
    assert found.share.tolist() == [0.25, 1.0]


def test_purchase_power_and_price_levels_are_properties(client: Client) -> None:
    write.users(client, [{"id": "u", "attr_income": "low"}])
    write.items(client, [{"id": "i", "price": 2.0}])
    power = {"id": "u", "spend_per_week": 3.5, "basket_value": None, "purchases": 4, "income": None}
    assert write.purchase_power(client, [power, {"id": "nobody"}]) == 1
    assert write.price_levels(client, [{"id": "i", "price": 1.9, "price_level": 0.25}]) == 1
    user = client.read("MATCH (u:User) RETURN properties(u) AS p")[0]["p"]
    item = client.read("MATCH (i:Item) RETURN properties(i) AS p")[0]["p"]
    assert item.pop("created_at") > 0
    assert user == {
        "id": "u", "key": 0, "attr_income": "low", "income": "low", "spend_per_week": 3.5, "purchases": 4
    }  # fmt: skip
    assert item == {"id": "i", "key": 0, "price": 2.0, "typical_price": 1.9, "price_level": 0.25}


def test_the_newest_items_come_first_and_a_later_write_does_not_make_them_newer(client: Client) -> None:
    write.categories(client, [{"id": "A > B"}])
    write.items(client, [{"id": "i"}, {"id": "j", "category": "A > B", "price": 2.0}])
    first = newcomers.newest_of(client, since=0, limit=9)
    assert [row.id for row in first] == ["j", "i"]  # of one moment: what was written last
    assert (first[0].category_id, first[0].brand_id, first[0].price, first[0].available) == ("A > B", None, 2.0, True)
    began = first[0].created_at
    while int(client.read("RETURN timestamp() AS now")[0]["now"]) <= began:
        pass
    write.items(client, [{"id": "i", "price": 3.0, "available": False}, {"id": "k"}])
    found = newcomers.newest_of(client, since=0, limit=2)
    assert [row.id for row in found] == ["k", "j"]
    assert [row.id for row in newcomers.newest_of(client, since=began + 1, limit=9)] == ["k"]
    before = newcomers.newest_of(client, since=0, until=began + 1, limit=9)
    assert [(row.id, row.created_at, row.price, row.available) for row in before] == [
        ("j", began, 2.0, True),
        ("i", began, 3.0, False),
    ]


def test_a_newer_schema_is_refused(client: Client) -> None:
    client.write("MATCH (a:Attune) SET a.schema_version = $version", version=schema.VERSION + 1)
    with pytest.raises(SchemaTooNew) as caught:
        schema.migrate(client)
    assert (caught.value.found, caught.value.known) == (schema.VERSION + 1, schema.VERSION)


def test_a_graph_of_an_older_schema_is_migrated_when_its_server_is_opened(client: Client, home: Path) -> None:
    client.write("DROP INDEX purchased_basket")
    client.write("DROP INDEX item_created")
    client.write("MATCH (a:Attune) SET a.schema_version = 1")
    server.up(home, heap_mb=512, report=print)
    assert schema.version(client) == schema.VERSION
    names = client.read("SHOW INDEXES YIELD name RETURN collect(name) AS names")[0]["names"]
    assert {"purchased_basket", "purchased_at", "item_created"} <= set(names)


def test_a_graph_without_a_schema_is_migrated_forward(client: Client) -> None:
    client.write("MATCH (a:Attune) DELETE a")
    client.write("DROP CONSTRAINT user_key")
    assert schema.migrate(client) == 0
    assert schema.version(client) == schema.VERSION
    names = client.read("SHOW CONSTRAINTS YIELD name RETURN collect(name) AS names")[0]["names"]
    assert "user_key" in names
