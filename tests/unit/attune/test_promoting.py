"""`attune promote` and `rollback`: what is served changes whole, or not at all."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attune import training
from attune.cli import app
from gnn import artefact, untrained
from gnn.artefact import save
from gnn.config import Config
from gnn.registry import Registry
from graph.errors import GraphError
from graph.snapshot import Snapshot
from tests import snapshots as shop_snapshots


def test_without_the_graph_the_model_that_is_served_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:9")
    models = tmp_path / "models"
    models.mkdir()
    registry = Registry(models)
    snapshot = shop_snapshots.of_shop()
    first, second = (save(untrained.build(snapshot, Config(min_buyers=1, seed=seed)), models).name for seed in (1, 2))
    registry.promote(first)
    registry.promote(second)
    # Once: until a database counts as gone takes a while.
    done = CliRunner().invoke(app, ["rollback"])
    assert isinstance(done.exception, GraphError), done.output
    served, before = registry.current(), registry.previous()
    assert served is not None
    assert before is not None
    assert (served.name, before.name) == (second, first)


def test_each_file_of_the_model_to_serve_is_checked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    models = tmp_path / "models"
    snapshot = shop_snapshots.of_shop()
    first, second = (save(untrained.build(snapshot, Config(min_buyers=1, seed=seed)), models) for seed in (1, 2))
    registry = Registry(models)
    registry.promote(first.name)
    checked: Counter[Path] = Counter()

    def counting(path: Path, digest: Callable[[Path], str] = artefact.sha256) -> str:
        checked[path] += 1
        return digest(path)

    monkeypatch.setattr(artefact, "sha256", counting)

    def found(*_: object) -> Snapshot:
        return snapshot

    monkeypatch.setattr(training, "read", found)
    monkeypatch.setattr(training, "write_back", found)
    for command, folder in ((["promote", second.name], second), (["rollback"], first)):
        checked.clear()
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        assert registry.current() == folder
        assert checked == {path: 1 for path in folder.iterdir() if path.name != "manifest.json"}


def test_ctrl_c_while_lists_are_written_says_what_is_served_and_how_to_write_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "write_back", pressed)
    snapshot = shop_snapshots.of_shop()
    made = untrained.build(snapshot, Config(min_buyers=1))
    with pytest.raises(SystemExit):
        training._write(made, snapshot)
    said = capsys.readouterr().err
    assert f"Model {made.version} is being served, but not all of its lists are in the graph" in said
    assert f"attune promote {made.version}" in said
