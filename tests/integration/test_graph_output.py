"""What a model found, in the graph: whole or not at all; and the saved queries of docs/explore.md, each run."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, LiteralString, cast

import pytest

from graph import output, write
from graph.client import Client
from graph.output import OutputCounts, model_output
from tests import saved_queries
from tests.graphs import write_shop
from tests.shop import Shop

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[2] / "docs"
QUERIES = sorted((DOCS / "queries").glob("*.cypher"))

Rows = list[dict[str, Any]]


def found_by(version: int, users: int = 6) -> tuple[Rows, Rows, Rows]:
    """Some output that differs from version to version."""
    recommended = [
        {"user_id": f"u{user}", "item_id": f"i{(user + rank + version) % 48}", "rank": rank, "score": 1.0 / rank}
        for user in range(users)
        for rank in range(1, 6)
    ]
    similar = [
        {"item_id": f"i{item}", "similar_id": f"i{(item + version) % 48}", "weight": 0.5} for item in range(users)
    ]
    attends = [
        {"user_id": f"u{user}", "item_id": f"i{(user + n) % 48}", "weight": 0.1 * version}
        for user in range(users)
        for n in range(3)
    ]
    return recommended, similar, attends


def in_view(client: Client) -> tuple[str, int, int, int]:
    row = client.read(
        """
        MATCH (m:Model {current: true})
        RETURN m.version AS version, count { ()-[:RECOMMENDED {model: m.version}]->() } AS recommended,
          count { ()-[:SIMILAR {model: m.version}]->() } AS similar,
          count { ()-[:ATTENDS {model: m.version}]->() } AS attends
        """
    )
    assert len(row) == 1
    return row[0]["version"], row[0]["recommended"], row[0]["similar"], row[0]["attends"]


def everything(client: Client) -> int:
    return client.read("MATCH ()-[r:RECOMMENDED|SIMILAR|ATTENDS]->() RETURN count(r) AS n")[0]["n"]


def test_a_new_version_takes_the_place_of_the_old(client: Client, shop: Shop) -> None:
    write_shop(client, shop)
    assert model_output(client, "m1", {"ndcg": 0.4}, *found_by(1)) == OutputCounts(30, 6, 18)
    assert in_view(client) == ("m1", 30, 6, 18)
    assert model_output(client, "m2", {"ndcg": 0.5, "config": {"heads": 2}}, *found_by(2, users=3)) == OutputCounts(
        15, 3, 9
    )
    assert in_view(client) == ("m2", 15, 3, 9)
    assert everything(client) == 27
    models = client.read(
        "MATCH (m:Model) RETURN m.version AS version, m.ndcg AS ndcg, m.config AS config ORDER BY version"
    )
    assert models == [
        {"version": "m1", "ndcg": 0.4, "config": None},
        {"version": "m2", "ndcg": 0.5, "config": '{"heads": 2}'},
    ]


def test_writing_the_current_version_again_changes_nothing(client: Client, shop: Shop) -> None:
    write_shop(client, shop)
    model_output(client, "m1", {}, *found_by(1))
    assert model_output(client, "m1", {}, *found_by(2)) == OutputCounts(0, 0, 0)
    assert in_view(client) == ("m1", 30, 6, 18)


class CrashedError(Exception):
    """Stands for a process that ends here."""


def test_a_crash_leaves_the_old_version_whole_and_the_next_run_cleans_up(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shop(client, shop)
    model_output(client, "m1", {}, *found_by(1))
    monkeypatch.setattr(output, "BATCH", 10)
    recommended, similar, attends = found_by(2)

    def torn() -> Iterator[Mapping[str, Any]]:
        yield from attends[:12]
        raise CrashedError

    with pytest.raises(CrashedError):
        model_output(client, "m2", {}, recommended, similar, torn())
    assert everything(client) > 54
    assert in_view(client) == ("m1", 30, 6, 18)
    # Not the version that crashed, nor anything that knows of it.
    model_output(client, "m3", {}, *found_by(3, users=3))
    assert in_view(client) == ("m3", 15, 3, 9)
    assert everything(client) == 27


def test_a_crash_after_the_switch_leaves_the_new_version_whole(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shop(client, shop)
    model_output(client, "m1", {}, *found_by(1))
    cleaned = output.clean
    calls = iter((cleaned, None))

    def clean(client: Client, version: str) -> None:
        work = next(calls)
        if work is None:
            raise CrashedError
        work(client, version)

    with monkeypatch.context() as patched:
        patched.setattr(output, "clean", clean)
        with pytest.raises(CrashedError):
            model_output(client, "m2", {}, *found_by(2))
    assert in_view(client) == ("m2", 30, 6, 18)
    assert everything(client) == 108
    model_output(client, "m2", {}, *found_by(2))
    assert everything(client) == 54


def test_rows_of_nodes_that_are_gone_are_left_out(client: Client, shop: Shop) -> None:
    write_shop(client, shop)
    recommended, similar, attends = found_by(1)
    recommended.append({"user_id": "erased", "item_id": "i0", "rank": 1, "score": 1.0})
    assert model_output(client, "m1", {}, recommended, similar, attends) == OutputCounts(30, 6, 18)


def test_the_doc_shows_each_saved_query_as_it_is() -> None:
    shown = re.findall(r"```cypher\n(.*?)\n```", (DOCS / "explore.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(QUERIES) == 10
    assert shown == [path.read_text(encoding="utf-8").rstrip() for path in QUERIES]


def test_the_archive_for_neo4j_browser_holds_the_saved_queries():
    assert saved_queries.ARCHIVE.read_bytes() == saved_queries.archive(), "run python -m tests.saved_queries"


@pytest.fixture(scope="module")
def explored(session_client: Client, shop: Shop) -> Client:
    """A graph as it is after a load and a training."""
    from graph import schema

    client = session_client
    write.wipe(client)
    schema.migrate(client)
    write_shop(client, shop)
    # The shop's baskets hold one purchase each; those with i0 get another.
    beside = [row for row in shop.events if row["item_id"] == "i0" and row["type"] == "purchase"]
    write.events(client, [{**row, "event_id": f"{row['event_id']}+", "item_id": "i1"} for row in beside])
    power = {"spend_per_week": 9.0, "basket_value": 4.5, "price_level": 0.4, "discount_share": 0.1, "purchases": 20}
    write.purchase_power(client, [{"id": row["user_id"], **power} for row in shop.users])
    write.price_levels(
        client,
        [{"id": row["item_id"], "price": row["price"], "price_level": n / 48} for n, row in enumerate(shop.items)],
    )
    model_output(client, "m1", {"ndcg": 0.4}, *found_by(1))
    return client


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_each_saved_query_answers(explored: Client, path: Path) -> None:
    # From the project's own files.
    query = cast("LiteralString", path.read_text(encoding="utf-8"))
    rows = explored.read(query, user="u0", item="i0", timeout_s=10.0)
    assert rows, path.stem
    filled = [any(row[column] is not None for row in rows) for column in rows[0]]
    assert all(filled), rows[0]
    assert re.search(r"\b(CREATE|MERGE|SET|DELETE|REMOVE)\b", query) is None


def test_the_style_sheet_names_only_what_the_graph_has(explored: Client) -> None:
    sheet = (DOCS / "queries" / "attune.grass").read_text(encoding="utf-8")
    for kind, name, body in re.findall(r"(node|relationship)\.(\w+) \{\n(.*?)\n\}", sheet, re.DOTALL):
        (caption,) = re.findall(r'caption: "\{(\w+)\}"', body)
        if kind == "node":
            query = "MATCH (n) WHERE $name IN labels(n) RETURN count(n[$caption]) AS named"
        else:
            query = "MATCH ()-[r]->() WHERE type(r) = $name RETURN count(r[$caption]) AS named"
        (row,) = explored.read(query, name=name, caption=caption)
        assert row["named"], f"{name}.{caption}"


def test_recommendations_come_in_their_order(explored: Client) -> None:
    query = cast("LiteralString", (DOCS / "queries" / "01-recommendations.cypher").read_text(encoding="utf-8"))
    rows = explored.read(query, user="u0")
    assert [(row["rank"], row["item"]) for row in rows] == [(1, "i2"), (2, "i3"), (3, "i4"), (4, "i5"), (5, "i6")]
