"""`attune evaluate` and `attune tune`: what cannot be written is refused before the graph is read."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from attune import console, measuring
from attune.cli import app
from gnn.evaluation import faithfulness
from gnn.evaluation.faith_table import MEASURES, Faith, Told
from gnn.evaluation.intervals import Interval
from gnn.registry import Registry
from graph.errors import Unavailable


@pytest.fixture(autouse=True)
def _nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a home without a database: who reads the graph fails with another exit code."""
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "300")


def attune(*arguments: str) -> Result:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 2, (done.output, done.exception)
    return done


@pytest.mark.parametrize("option", ["--out", "--keep"])
def test_a_folder_of_figures_that_cannot_be_is_refused_before_anything_is_read(tmp_path: Path, option: str):
    (tmp_path / "taken").touch()
    said = attune("evaluate", "--models", "popularity", option, str(tmp_path / "taken")).output
    assert f"{option} {tmp_path / 'taken'} cannot be written: there is a file of that name" in said
    attune("evaluate", "--models", "popularity", option, str(tmp_path / "taken" / "below"))


def test_a_file_of_settings_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path: Path):
    assert "is a folder" in attune("tune", "shop", "--models", "ease", "--out", str(tmp_path)).output
    (tmp_path / "taken").touch()
    attune("tune", "shop", "--models", "ease", "--out", str(tmp_path / "taken" / "tuned.toml"))


@pytest.mark.parametrize("name", ["", "my:shop"])
def test_a_name_that_tuned_could_not_say_is_wrong_use(tmp_path: Path, name: str):
    assert "--tuned NAME:FILE" in attune("tune", name, "--out", str(tmp_path / "tuned.toml")).output


def test_models_that_name_none_do_not_mean_all(tmp_path: Path):
    assert "leave it out for all" in attune("tune", "shop", "--models", " , ", "--out", str(tmp_path / "t.toml")).output
    assert "leave it out for all" in attune("evaluate", "--models", "").output


@pytest.mark.parametrize(
    ("kind", "models", "said"),
    [
        ("ablations", "no time", "no such variants; known: ablation, grid"),
        ("ablation", "no tme", "no such variant of ablation; known: no purchase power, "),
        ("grid", "no time", "no such variant of grid; known: "),
    ],
)
def test_variants_that_there_are_not_are_refused_before_anything_is_read(kind: str, models: str, said: str):
    done = CliRunner().invoke(app, ["evaluate", "--variants", kind, "--models", models])
    assert done.exit_code == console.FAILED
    assert said in str(done.exception)


@pytest.mark.parametrize(
    "other", [("--variants", "grid"), ("--models", "ease"), ("--keep", "kept"), ("--tuned", "x"), ("--set", "epochs=1")]
)
def test_what_explanations_would_not_look_at_is_refused(other: tuple[str, str]):
    said = attune("evaluate", "--explanations", *other).output
    assert f"leave {other[0]} out" in said


def test_a_file_of_lists_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path: Path):
    (tmp_path / "taken").touch()
    out = tmp_path / "taken" / "lists.csv"
    said = attune("recommend", "--all", "--out", str(out)).output
    assert f"--out {out.parent} cannot be written: there is a file of that name" in said


def test_ctrl_c_says_what_is_left_of_work_that_does_not_go_on(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended, console.interruptible(lambda: "tuned.toml has the settings of ease"):
        raise KeyboardInterrupt
    assert ended.value.code == console.FAILED
    said = capsys.readouterr().err
    assert "tuned.toml has the settings of ease" in said
    assert "nothing is lost" not in said


def test_figures_of_explanations_take_a_line_each_in_80_characters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    better = Interval(difference=0.5, low=0.4, high=0.6, relative=1.0, relative_low=0.8, relative_high=1.2)
    costs = {"attune": 1 / 250, "random paths": 1 / 135_478, "gradient x input": 1 / 43, "GNNExplainer": 1.0}
    rows = tuple(
        Told(
            explainer=name,
            list=kind,
            users=24,
            measures=dict.fromkeys(MEASURES, -0.1714),
            lost=(0.1,),
            lacking=(0.1,),
            against={} if name == "attune" else dict.fromkeys(MEASURES, better),
            ms=2.5,
            cost=cost,
        )
        for kind in ("all", "discover")
        for name, cost in costs.items()
    )
    monkeypatch.setattr(console.OUT, "width", 80)
    measuring.show(Faith("m", "s", (1,), 240, 1e-12, rows))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert max(map(len, lines)) <= 80
    for name in costs:
        found = [line for line in lines if line.startswith(name)]
        assert [line.count("-0.171") for line in found] == [len(MEASURES)] * 2
    assert [line for line in lines if "1/135,478" in line] == [line for line in lines if "random" in line]
    assert [line for line in lines if line.startswith("list ")] == ["list all", "list discover"]


def test_no_explanation_is_measured_before_all_is_read(monkeypatch: pytest.MonkeyPatch):
    def never(*given: object) -> None:
        raise AssertionError(given)

    def something(*given: object) -> object:
        return given

    monkeypatch.setattr(measuring, "read", something)
    monkeypatch.setattr(Registry, "load", something)
    monkeypatch.setattr(faithfulness, "measure", never)
    # No database runs: the disputes cannot be read.
    with pytest.raises(Unavailable):
        measuring.explanations(2, 1, seed=0, out=None, json=False)
