"""The command line as its users type it: a shop's folder, a model, lists, reasons, and their mistakes."""

import asyncio
import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from api.ids import parse_global_id
from attune.cli import main
from gnn.checkpoint import About, Checkpoints
from gnn.paths import Kind
from gnn.registry import Registry
from graph import disputes, schema, write
from graph.client import AsyncClient, Client, Settings
from graph.explore import DisputeRow
from tests import command, served
from tests import shop as shops

pytestmark = pytest.mark.integration

_WRITTEN = """MATCH (u:User {id: $user})-[r:RECOMMENDED]->(i:Item) WITH u, r, i ORDER BY r.rank
WITH u, collect(i.id) AS items, collect(r.score) AS scores
RETURN items, scores, [(u)-[:ATTENDS]->(j) | j.id] AS attended"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def attune(home: Path, neo4j: Settings) -> Run:
    with Client(neo4j) as client:
        write.wipe(client)
        schema.migrate(client)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_")}
    environment |= {"ATTUNE_HOME": str(home), "COLUMNS": "200", "PYTHONWARNINGS": "ignore"}

    def run(*arguments: str, code: int = 0, **extra: str) -> subprocess.CompletedProcess[str]:
        """Call the entry point in this process: importing torch once is enough."""
        out, err, saved = io.StringIO(), io.StringIO(), dict(os.environ)
        os.environ.clear()
        os.environ.update(environment | extra)
        saved_argv, sys.argv = sys.argv, ["attune", *arguments]
        returned = 0
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main()
        except SystemExit as ended:
            returned = ended.code if isinstance(ended.code, int) else 1
            err.write(str(ended.code) if isinstance(ended.code, str) else "")
        finally:
            sys.argv = saved_argv
            os.environ.clear()
            os.environ.update(saved)
        done = subprocess.CompletedProcess(arguments, returned or 0, out.getvalue(), err.getvalue())
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done

    return run


@pytest.fixture(scope="module")
def loaded(attune: Run, shop: shops.Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = shops.write_folder(shop, tmp_path_factory.mktemp("shop") / "files")
    return json.loads(attune("load", "files", str(folder), "--json").stdout)


@pytest.fixture(scope="module")
def trained(attune: Run, loaded: dict[str, Any]) -> dict[str, Any]:
    assert loaded
    return json.loads(attune("train", "--set", "epochs=3", "--device", "cpu", "--json").stdout)


def test_a_users_mistake_ends_a_process_without_a_traceback(tmp_path: Path):
    assert "nowhere" in command.alone(tmp_path, "load", "files", "nowhere", code=2)


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


def test_explain_sums_to_the_score(attune: Run, trained: dict[str, Any]):
    assert trained
    top = json.loads(attune("recommend", "u0", "-k", "1", "--json").stdout)["recommendations"][0]
    explanation = json.loads(attune("explain", "u0", top["item_id"], "--json").stdout)
    assert set(explanation) == {"sentence", "score", "estimated", "contributions", "neighbors", "cypher"}
    assert sum(part["value"] for part in explanation["contributions"]) == pytest.approx(explanation["score"], abs=1e-5)
    assert explanation["score"] == pytest.approx(top["score"], abs=1e-5)
    printed = attune("explain", "u0", top["item_id"]).stdout
    assert "the sum of the above" in printed
    assert "not on the list" not in printed


def test_explain_says_in_a_line_why_an_item_is_not_on_the_list(attune: Run, trained: dict[str, Any]):
    assert trained
    listed = {row["item_id"] for row in json.loads(attune("recommend", "u0", "--json").stdout)["recommendations"]}
    absent = next(f"i{n}" for n in range(46) if f"i{n}" not in listed)
    (line,) = (row for row in attune("explain", "u0", absent).stdout.splitlines() if "not on the list" in row)
    assert line.startswith("It is not on the list: by score it stands at place ")
    told = attune("explain", "u0", absent, "--locale", "zh").stdout.splitlines()
    (chinese,) = (row for row in told if row.startswith("它不在列表上：按得分它排在第"))
    assert re.findall(r"[0-9][0-9,.]*[0-9]|[0-9]", chinese) == re.findall(r"[0-9][0-9,.]*[0-9]|[0-9]", line)


def test_explain_speaks_chinese_and_the_shops_own_words(attune: Run, trained: dict[str, Any], tmp_path: Path):
    assert trained
    top = json.loads(attune("recommend", "u0", "-k", "1", "--json").stdout)["recommendations"][0]["item_id"]
    assert json.loads(attune("explain", "u0", top, "--locale", "zh", "--json").stdout)["sentence"].startswith("因为")
    file = tmp_path / "words.toml"
    file.write_text("[en.summary]\none = 'Since {reason}!'\ntwo = 'Since {reason}, {other}!'\n")
    told = attune("explain", "u0", top, "--json", ATTUNE_SENTENCES=str(file)).stdout
    assert json.loads(told)["sentence"].startswith("Since ")
    file.write_text("[en.summary]\nones = 'Since {reason}!'\n")
    for said in (("explain", "u0", top), ("serve", "--port", "0")):
        refused = attune(*said, code=2, ATTUNE_SENTENCES=str(file))
        assert "`en.summary.ones` is not a text that sentences are made of" in refused.stderr
        assert "did you mean `en.summary.one`?" in refused.stderr


def test_explain_draws_bars_and_writes_a_page_with_the_same_numbers(
    attune: Run, trained: dict[str, Any], tmp_path: Path
):
    assert trained
    file = tmp_path / "tickets" / "why.html"
    explanation = json.loads(attune("explain", "u0", "i1", "--html", str(file), "--json").stdout)
    assert explanation == json.loads(attune("explain", "u0", "i1", "--json").stdout)
    text, printed = file.read_text(encoding="utf-8"), attune("explain", "u0", "i1").stdout
    for value in [explanation["score"], *(part["value"] for part in explanation["contributions"])]:
        assert f"{value:+.4f}" in text
        assert f"{value:+.4f}" in printed
    assert "│█" in printed
    assert trained["version"] in text
    refused = attune("explain", "u0", "i1", "--html", str(file / "below.html"), code=2)
    assert "cannot be written" in refused.stderr


@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_bar_is_one_line_below_its_heading_at_any_width(
    monkeypatch: pytest.MonkeyPatch, attune: Run, trained: dict[str, Any], width: int
):
    assert trained
    parts = json.loads(attune("explain", "u0", "i1", "--json").stdout)["contributions"]
    with monkeypatch.context() as patched:
        patched.setattr("attune.console.OUT.width", width)
        printed = attune("explain", "u0", "i1").stdout
    table = printed.partition("\nIn Neo4j Browser")[0].splitlines()
    heading = next(line for line in table if "against │ for" in line)
    drawn = [line for line in table if set("│█▐▏▎▍▌▋▊▉") & set(line)]
    assert len(drawn) == len(parts) + 2
    assert {line.index("│") for line in drawn} == {heading.index("│")}


def test_evaluate_measures_explanations_beside_others(attune: Run, trained: dict[str, Any], tmp_path: Path):
    assert trained
    out = tmp_path / "report"
    done = attune("evaluate", "--explanations", "--users", "2", "--items", "1", "--out", str(out), "--json")
    table = json.loads(done.stdout)
    assert table["model"] == trained["version"]
    assert {"attune", "GNNExplainer", "attention"} <= {row["explainer"] for row in table["rows"]}
    assert json.loads((out / "explanations.json").read_text()) == table
    assert "<svg" in (out / "explanations.html").read_text()


def test_evaluate_writes_a_table_and_pictures(attune: Run, loaded: dict[str, Any], tmp_path: Path):
    assert loaded
    out = tmp_path / "report"
    done = attune("evaluate", "--models", "popularity,ease", "--out", str(out), "--json")
    table = json.loads(done.stdout)
    assert {row["model"] for row in table["rows"]} == {"popularity", "ease"}
    assert json.loads((out / "evaluation.json").read_text()) == table
    assert "<svg" in (out / "report.html").read_text()


def test_a_worse_model_is_saved_and_served_only_when_asked_for(attune: Run, trained: dict[str, Any]):
    blind = ["epochs=0", "item_edges=false", "own_history=false", "categories=false", "brands=false"]
    chosen = [part for setting in blind for part in ("--set", setting)]
    worse = json.loads(attune("train", *chosen, "--device", "cpu", "--json").stdout)
    assert not worse["promoted"]
    assert worse["against"]["version"] == trained["version"]
    assert worse["against"]["all"]["high"] < 0
    assert json.loads(attune("status", "--json").stdout)["model"]["version"] == trained["version"]
    attune("promote", worse["version"])
    assert json.loads(attune("status", "--json").stdout)["model"]["version"] == worse["version"]
    back = json.loads(attune("rollback", "--json").stdout)
    assert back["version"] == trained["version"]
    assert json.loads(attune("status", "--json").stdout)["model"]["version"] == trained["version"]


def test_a_training_that_learned_nothing_takes_no_trained_models_place(attune: Run, trained: dict[str, Any]):
    until = datetime.fromtimestamp((shops.START_US + 6 * shops.DAY_US) / 1e6, UTC).isoformat()
    made = json.loads(attune("train", "--until", until, "--device", "cpu", "--json").stdout)
    assert not made["trained"]
    assert not made["promoted"]
    assert json.loads(attune("status", "--json").stdout)["model"]["version"] == trained["version"]


def test_a_file_of_settings_comes_before_single_ones_and_curves_are_written(
    attune: Run, trained: dict[str, Any], home: Path, tmp_path: Path
):
    file = tmp_path / "settings.toml"
    file.write_text("width = 8\nepochs = 2\n")
    made = json.loads(
        attune(
            *("train", "--warm", "--config", str(file), "--set", "epochs=1", "--even-if-worse"),
            *("--device", "cpu", "--json"),
        ).stdout
    )
    assert made["promoted"]
    manifest = json.loads((Path(made["path"]) / "manifest.json").read_text())
    assert (manifest["config"]["width"], manifest["config"]["epochs"]) == (8, 1)
    assert list((home / "runs").glob("*/events.out.tfevents.*"))
    attune("rollback")
    file.write_text("with = 8\n")
    refused = attune("train", "--config", str(file), code=2).stderr
    assert "settings.toml" in refused
    assert "Did you mean width?" in refused
    assert trained


def test_a_warm_start_from_the_served_model(attune: Run, trained: dict[str, Any]):
    made = json.loads(
        attune("train", "--warm", "--set", "epochs=3", "--set", "seed=1", "--device", "cpu", "--json").stdout
    )
    assert made["trained"]
    assert made["metrics"] == {}  # nothing was held back to measure on
    assert made["against"]["version"] == trained["version"]
    attune("promote", trained["version"])


def test_a_compressed_model_takes_the_place_of_the_one_in_full_and_explains_its_lists(
    attune: Run, trained: dict[str, Any]
):
    made = json.loads(attune("compress", "--share", "0.0001", "--json").stdout)
    assert made["compression"]["of"] == trained["version"]
    assert made["measured"]["bytes_after"] < made["measured"]["bytes_before"]
    assert made["promoted"]
    first = json.loads(attune("recommend", "u0", "-k", "1", "--json").stdout)["recommendations"][0]
    said = json.loads(attune("explain", "u0", first["item_id"], "--json").stdout)
    assert said["score"] == pytest.approx(first["score"])
    assert sum(part["value"] for part in said["contributions"]) == pytest.approx(first["score"], abs=1e-5)
    assert trained["version"] in attune("compress", code=1).stderr
    attune("promote", trained["version"])


def test_the_demo_ends_as_a_service_of_its_own_that_says_where_it_is(trained: dict[str, Any], home: Path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_")}
    options = ["demo", "--no-open", "--port", "0", "--begun", str(time.time())]
    with subprocess.Popen(
        [*command.PROGRAM, *options],
        env=environment | {"ATTUNE_HOME": str(home)},
        stderr=subprocess.PIPE,
        text=True,
    ) as service:
        assert service.stderr is not None
        told = ""
        try:
            while "Neo4j Browser" not in told:
                line = service.stderr.readline()
                assert line, told
                told += line
            assert "Ready after" in told
            page = told.split("Page", 1)[1].split()[0]
            asked = httpx.post(f"{page}graphql", json={"query": "{ model { version } }"}, timeout=60)
            assert asked.json()["data"]["model"]["version"] == trained["version"]
            # What a training needs is not there.
            mapped = Path(f"/proc/{service.pid}/maps")
            assert not mapped.exists() or "libtorch" not in mapped.read_text()
            service.send_signal(signal.SIGINT)
            assert "error" not in service.stderr.read()
        finally:
            service.terminate()
        assert service.wait(60) == 0


def test_a_model_is_compressed_and_measured_after_a_load_that_came_later(
    attune: Run, trained: dict[str, Any], neo4j: Settings
):
    with Client(neo4j) as client:
        write.items(client, [{"id": "i3", "price": 99.0}, {"id": "later", "title": "Later"}])
        try:
            done = attune("compress", "--json")
            made = json.loads(done.stdout)
            assert "both rank it as it is now" in done.stderr
            assert made["measured"]["users"] > 0
            assert made["measured"]["bytes_after"] < made["measured"]["bytes_before"]
            assert made["promoted"]
        finally:
            client.write("MATCH (i:Item {id: 'later'}) DETACH DELETE i")
            write.items(client, [{"id": "i3", "price": 3.5}])
            attune("promote", trained["version"])


def test_a_model_whose_training_was_interrupted_is_not_passed_off_as_whole(
    attune: Run, trained: dict[str, Any], home: Path
):
    again = ("train", "--set", "epochs=3", "--device", "cpu", "--json")
    attune("promote", trained["version"])
    made = Registry(home / "models").load().manifest
    assert "--resume" not in attune(*again).stderr
    checkpoints = Checkpoints(home / "checkpoint")
    checkpoints.begin(About(made.snapshot, made.snapshot_at, made.config, "cpu"))
    try:
        done = attune(*again)
        assert json.loads(done.stdout)["already"]
        assert "attune train --resume goes on from there" in done.stderr
    finally:
        checkpoints.clear()


def test_nothing_is_left_of_a_compression_that_could_not_read_the_graph(
    attune: Run, trained: dict[str, Any], home: Path
):
    assert trained
    before = sorted(path.name for path in (home / "models").iterdir())
    attune("compress", code=1, NEO4J_URI="bolt://127.0.0.1:9", NEO4J_PASSWORD="x")  # nobody listens there
    assert sorted(path.name for path in (home / "models").iterdir()) == before


def test_a_baseline_is_served_in_the_networks_place_and_explained(attune: Run, trained: dict[str, Any]):
    made = json.loads(attune("train", "--model", "frequency+ease", "--even-if-worse", "--json").stdout)
    assert made["promoted"]
    assert made["against"]["version"] == trained["version"]
    first = json.loads(attune("recommend", "u0", "-k", "1", "--json").stdout)["recommendations"][0]
    said = json.loads(attune("explain", "u0", first["item_id"], "--json").stdout)
    assert sum(part["value"] for part in said["contributions"]) == pytest.approx(first["score"], abs=1e-5)
    assert {part["kind"] for part in said["contributions"]} <= {"ITEM", "OWN_HISTORY", "OTHER"}
    assert json.loads(attune("train", "--model", "frequency+ease", "--json").stdout)["already"]
    assert "interrupted" in attune("train", "--resume", code=2).stderr
    attune("promote", trained["version"])


def test_tune_writes_settings_that_evaluate_uses(attune: Run, loaded: dict[str, Any], tmp_path: Path):
    assert loaded
    file = tmp_path / "tuned.toml"
    done = attune("tune", "shop", "--models", "frequency", "--trials", "2", "--out", str(file), "--json")
    found = json.loads(done.stdout)["frequency"]["settings"]
    used = attune("evaluate", "--models", "frequency", "--origins", "2", "--tuned", f"shop:{file}", "--json")
    table = json.loads(used.stdout)
    assert table["settings"]["frequency"] == found
    assert len(table["origins"]) == 2


def test_evaluate_foretells_the_pairs_of_a_file(attune: Run, loaded: dict[str, Any], tmp_path: Path):
    assert loaded
    file = tmp_path / "published.csv"
    file.write_text("user_id,item_id\nu0,i1\nu1,i2\nnobody,i1\n", "utf-8")
    done = attune("evaluate", "--models", "popularity", "--truth", str(file), "--set", "min_buyers=1", "--json")
    (origin,) = json.loads(done.stdout)["origins"]
    assert (origin["name"], origin["users"], origin["cut"]) == ("published", 2, None)
    assert "1 of 3 pairs" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("load", "files", "nowhere"), "nowhere"),
        (("recommend",), "USER"),
        (("recommend", "nobody"), "nobody"),
        (("recommend", "u0", "--mode", "everything"), "everything"),
        (("recommend", "u0", "-k", "-3"), "-3"),
        (("recommend", "u0", "-k", "0"), "-k is 0"),
        (("recommend", "u0", "-k", "1000000000"), "1000000000"),
        (("recommend", "u0", "--out", "u0.parquet"), "--all"),
        (("recommend", "--all", "--out", "lists.xlsx"), ".csv"),
        (("recommend", "--all"), "--out"),
        (("explain", "nobody", "i1"), "nobody"),
        (("explain", "u0", "nothing"), "nothing"),
        (("train", "--set", "with=8"), "width"),
        (("train", "--set", "width"), "key=value"),
        (("train", "--model", "ials"), "frequency+ease"),
        (("train", "--until", "yesterday"), "yesterday"),
        (("train", "--until", "1971-02-03"), "no event before 1971-02-03"),
        (("train", "--set", "target=perchase"), "it holds purchase"),
        (("evaluate", "--models", "popularity", "--set", "target=perchase"), "'perchase'"),
        (("tune", "shop", "--models", "popularity", "--out", "x.toml", "--set", "target=perchase"), "'perchase'"),
        (("train", "--device", "abacus"), "abacus"),
        (("train", "--config", "nowhere.toml"), "nowhere.toml"),
        (("train", "--resume", "--warm"), "--resume"),
        (("train", "--resume"), "interrupted"),
        (("promote", "yesterdays"), "yesterdays"),
        (("compress", "yesterdays"), "yesterdays"),
        (("evaluate", "--models", "crystal-ball"), "crystal-ball"),
        (("evaluate", "--tuned", "crystal-ball"), "crystal-ball"),
        (("evaluate", "--seeds", "many"), "many"),
        (("evaluate", "--truth", "nowhere.csv"), "nowhere.csv"),
        (("evaluate", "--apart"), "--truth"),
        (("tune", "shop", "--models", "attune", "--out", "x.toml"), "attune"),
        (("fly",), "fly"),
    ],
)
def test_wrong_use_ends_with_2_and_names_the_place(
    attune: Run, trained: dict[str, Any], arguments: tuple[str, ...], named: str
):
    assert trained
    assert named in attune(*arguments, code=2).stderr


@pytest.mark.parametrize("arguments", [("train",), ("recommend", "u0"), ("explain", "u0", "i1"), ("evaluate",)])
def test_a_database_that_is_down_ends_with_1_and_a_remedy(attune: Run, arguments: tuple[str, ...]):
    done = attune(*arguments, code=1, NEO4J_URI="bolt://127.0.0.1:9", NEO4J_PASSWORD="x")  # nobody listens there
    assert "127.0.0.1:9" in done.stderr


def test_serve_says_when_the_port_is_taken(attune: Run, trained: dict[str, Any]):
    import socket

    assert trained
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        told = attune("serve", "--port", port, code=1).stderr
        assert port in told
        assert "Page" not in told  # no address of what is not served


def test_before_any_training_the_remedy_is_named(attune: Run, loaded: dict[str, Any], tmp_path: Path, neo4j: Settings):
    assert loaded
    done = attune(
        "recommend",
        "u0",
        code=2,
        ATTUNE_HOME=str(tmp_path),
        NEO4J_URI=neo4j.uri,
        NEO4J_USER=neo4j.user,
        NEO4J_PASSWORD=neo4j.password,
    )
    assert "attune train" in done.stderr


def test_two_processes_train_one_model_that_the_first_alone_writes(attune: Run, trained: dict[str, Any], home: Path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_")}
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    asked = ["--set", "epochs=1", "--set", "seed=2", "--device", "cpu", "--even-if-worse", "--json"]
    before = set((home / "models").iterdir())
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *launch, "-m", "attune", "train", *asked],
        env=environment | {"ATTUNE_HOME": str(home), "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    made = json.loads(done.stdout)  # one object: the second process says nothing
    assert made["trained"]
    assert made["promoted"]
    assert {path.name for path in set((home / "models").iterdir()) - before} == {made["version"]}
    attune("promote", trained["version"])
