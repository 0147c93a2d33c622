"""The folder of all state: what it may be, and what is said where it cannot be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attune.cli import app


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "300")


@pytest.mark.parametrize("command", [("status",), ("up",), ("down",), ("key", "list"), ("train",)])
def test_a_home_that_is_no_folder_is_told_with_what_to_set(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").touch()
    for home in (tmp_path / "taken", tmp_path / "taken" / "below"):
        monkeypatch.setenv("ATTUNE_HOME", str(home))
        done = CliRunner().invoke(app, list(command))
        assert done.exit_code == 2, done.exception
        assert f"the folder {home} cannot be made" in done.output
        assert "ATTUNE_HOME" in done.output


def test_a_file_in_the_place_of_a_folder_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "neo4j").touch()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "attune", "up"],
        env=os.environ | {"ATTUNE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert f"{tmp_path / 'neo4j'}: File exists" in done.stderr
    assert "Traceback" not in done.stderr


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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "attune", "key", "list", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
