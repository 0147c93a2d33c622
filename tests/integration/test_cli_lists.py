"""Lists on the command line, for one user and for everybody, and what `attune status` says."""

import asyncio
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from api.ids import parse_global_id
from gnn.paths import Kind
from graph import disputes, write
from graph.client import AsyncClient, Client, Settings
from graph.explore import DisputeRow
from tests import served
from tests import shop as shops
from tests.command import Run

pytestmark = pytest.mark.integration

_WRITTEN = """MATCH (u:User {id: $user})-[r:RECOMMENDED]->(i:Item) WITH u, r, i ORDER BY r.rank
WITH u, collect(i.id) AS items, collect(r.score) AS scores
RETURN items, scores, [(u)-[:ATTENDS]->(j) | j.id] AS attended"""


def test_load_reports_what_it_did(loaded: dict[str, Any], shop: shops.Shop):
    assert loaded["tables"]["events"]["loaded"] == len(shop.events)
    assert loaded["tables"]["items"]["loaded"] == len(shop.items)


def test_status_says_what_is_loaded_and_served(attune: Run, trained: dict[str, Any], shop: shops.Shop):
    status = json.loads(attune("status", "--json").stdout)
    assert status["neo4j"]["running"]
    assert status["graph"]["users"] == len(shop.users)
    assert sum(status["graph"]["events"].values()) == len(shop.events)
    assert status["model"]["version"] == trained["version"]
    assert "neo4j running" in attune("status").stdout


def test_recommend_prints_items_of_the_users_taste(attune: Run, trained: dict[str, Any]):
    assert trained["promoted"]
    answer = json.loads(attune("recommend", "u0", "-k", "6", "--json").stdout)["recommendations"]
    assert [row["rank"] for row in answer] == [1, 2, 3, 4, 5, 6]
    assert [row["score"] for row in answer] == sorted((row["score"] for row in answer), reverse=True)
    food = [row for row in answer if int(row["item_id"][1:]) % 4 < 2]
    assert len(food) >= 5
    assert answer[0]["title"] in attune("recommend", "u0", "-k", "6").stdout


def test_recommend_marks_what_is_newer_than_the_model(attune: Run, trained: dict[str, Any], neo4j: Settings):
    assert trained

    def listed() -> dict[str, bool]:
        rows = json.loads(attune("recommend", "u0", "-k", "60", "--json").stdout)["recommendations"]
        return {row["item_id"]: row["estimated"] for row in rows}

    assert "estimated" not in attune("recommend", "u0", "-k", "60").stdout
    with Client(neo4j) as client:
        write.items(client, [{"id": "fresh", "title": "Fresh", "category": "Food > Coffee", "price": 4.0}])
        try:
            served.until(lambda: "fresh" in listed())
            assert [item for item, estimated in listed().items() if estimated] == ["fresh"]
            lines = attune("recommend", "u0", "-k", "60").stdout.splitlines()
            assert [("Fresh" in line, line.startswith("≈")) for line in lines if "≈" in line] == [
                (True, False),
                (False, True),
            ]
            assert json.loads(attune("explain", "u0", "fresh", "--json").stdout)["estimated"]
            assert "≈ Estimated" in attune("explain", "u0", "fresh").stdout
            assert "Estimated" not in attune("explain", "u0", "i1").stdout
        finally:
            client.write("MATCH (i:Item {id: 'fresh'}) DETACH DELETE i")


def test_budget_and_mode_hold(attune: Run, trained: dict[str, Any], shop: shops.Shop):
    assert trained
    bought = {str(row["item_id"]) for row in shop.events if row["user_id"] == "u0" and row["type"] == "purchase"}
    answer = json.loads(attune("recommend", "u0", "--mode", "discover", "--budget", "10", "--json").stdout)
    assert answer["recommendations"]
    for row in answer["recommendations"]:
        assert row["price"] <= 10
        assert row["item_id"] not in bought


def test_lists_of_everybody_have_the_contracts_columns(
    attune: Run, trained: dict[str, Any], shop: shops.Shop, tmp_path: Path
):
    assert trained
    out = tmp_path / "lists.parquet"
    attune("recommend", "--all", "-k", "5", "--mode", "all", "--out", str(out))
    frame = pl.read_parquet(out)
    assert frame.columns == ["user_id", "item_id", "rank", "score"]
    assert frame["user_id"].n_unique() == len(shop.users)
    assert frame.filter(pl.col("user_id") == "u0")["rank"].to_list() == [1, 2, 3, 4, 5]
    attune("recommend", "--all", "-k", "5", "--out", str(out.with_suffix(".csv")))
    assert pl.read_csv(out.with_suffix(".csv")).equals(frame.with_columns(pl.col("rank").cast(pl.Int64)))
    alone = json.loads(attune("recommend", "u0", "-k", "5", "--json").stdout)["recommendations"]
    assert frame.filter(pl.col("user_id") == "u0")["item_id"].to_list() == [row["item_id"] for row in alone]


def test_what_a_user_disputes_is_in_no_list_of_everybody_and_status_tells_its_share(
    attune: Run, trained: dict[str, Any], neo4j: Settings, tmp_path: Path
):
    assert trained
    assert json.loads(attune("status", "--json").stdout)["disputed"] is None
    top = json.loads(attune("recommend", "u2", "-k", "1", "--json").stdout)["recommendations"][0]
    told = json.loads(attune("explain", "u2", top["item_id"], "--json").stdout)["contributions"]
    reason = next(part for part in told if part["kind"] == "ITEM")
    through = parse_global_id(reason["path"][1]["id"])[1]  # pyright: ignore[reportOptionalSubscript]

    async def dispute(withdrawn: bool = False) -> None:
        row = DisputeRow(Kind.ITEM.value, "Item", through, "", 1)
        async with AsyncClient(neo4j) as client:
            await (disputes.remove(client, "u2", row) if withdrawn else disputes.write(client, "u2", row))

    asyncio.run(dispute())
    try:
        disputed = json.loads(attune("status", "--json").stdout)["disputed"]
        assert (disputed["users"], disputed["ofUsers"], disputed["disputes"]) == (1, 60, 1)
        assert 1 <= disputed["reasonsDisputed"] < disputed["reasonsTold"] <= 25
        assert disputed["share"] == round(disputed["reasonsDisputed"] / disputed["reasonsTold"], 4)
        assert "disputed share" in attune("status").stdout
        out = tmp_path / "lists.parquet"
        attune("recommend", "--all", "-k", "5", "--out", str(out))
        frame = pl.read_parquet(out).filter(pl.col("user_id") == "u2")
        alone = json.loads(attune("recommend", "u2", "-k", "5", "--json").stdout)["recommendations"]
        assert frame["item_id"].to_list() == [row["item_id"] for row in alone]
        assert frame["score"].to_list() == pytest.approx([row["score"] for row in alone], abs=1e-6)
        # So is what is written into the graph: here as if none had been written yet.
        with Client(neo4j) as client:
            client.write("MATCH (m:Model) DETACH DELETE m")
            attune("promote", trained["version"])
            (written,) = client.read(_WRITTEN, user="u2")
        assert written["items"][:5] == frame["item_id"].to_list()
        assert written["scores"][:5] == pytest.approx(frame["score"].to_list(), abs=1e-6)
        assert written["attended"]
        assert through not in written["attended"]
    finally:
        asyncio.run(dispute(withdrawn=True))
