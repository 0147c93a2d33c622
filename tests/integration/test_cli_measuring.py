"""`attune evaluate` and `attune tune`: figures of models and of explanations, as JSON and as pages."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import Run

pytestmark = pytest.mark.integration


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
