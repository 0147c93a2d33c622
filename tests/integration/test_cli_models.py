"""Which model is served: trained, compressed, rolled back, a baseline in its place, and the demo that serves it."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gnn.checkpoint import About, Checkpoints
from gnn.registry import Registry
from graph import write
from graph.client import Client, Settings
from tests import command
from tests import shop as shops
from tests.command import Run

pytestmark = pytest.mark.integration


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
