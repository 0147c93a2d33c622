"""The folder of all state: what it may be, and what is said where it cannot be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attune.cli import app
from tests import command


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "300")


@pytest.mark.parametrize("asked", [("status",), ("up",), ("down",), ("key", "list"), ("train",)])
def test_a_home_that_is_no_folder_is_told_with_what_to_set(
    asked: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").touch()
    whys = {tmp_path / "taken": "there is a file of that name", tmp_path / "taken" / "below": "Not a directory"}
    for home, why in whys.items():
        monkeypatch.setenv("ATTUNE_HOME", str(home))
        done = CliRunner().invoke(app, list(asked))
        assert done.exit_code == 2, done.exception
        assert f"the folder {home} cannot be made: {why}" in done.output
        assert "ATTUNE_HOME" in done.output


def test_a_file_in_the_place_of_a_folder_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "neo4j").touch()
    assert f"{tmp_path / 'neo4j'}: File exists" in command.alone(tmp_path, "up", code=1)


def test_status_tells_of_a_damaged_pointer_beside_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "current").write_text("torn")
    done = CliRunner().invoke(app, ["status", "--json"])
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert facts["model"] is None
    assert "current cannot be read" in facts["modelError"]
    assert not facts["neo4j"]["running"]
    assert "modelError" in CliRunner().invoke(app, ["status"]).stdout


def test_status_computes_nothing_and_so_waits_for_no_library_that_would(tmp_path: Path) -> None:
    heavy = "('scipy', 'polars', 'pandas', 'pyarrow', 'torch', 'strawberry')"
    program = (
        "import atexit, sys; from attune.cli import main; sys.argv = ['attune', 'status']; "
        f"atexit.register(lambda: print('imported', [name for name in {heavy} if name in sys.modules])); main()"
    )
    environment = os.environ | {"ATTUNE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert "neo4j running" in done.stdout
    assert "imported []" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_in_a_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        said = command.alone(tmp_path, "key", "list", "--json", code=1, stdout=full)
    assert "No space left on device" in said
