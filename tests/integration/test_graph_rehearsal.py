"""What Java keeps from one start to the next: made once, used by every server, and left alone when it is damaged."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from graph import classdata, jars, java, local, rehearsal
from graph.client import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def class_path() -> list[Path]:
    return jars.ensure(jars.locked(jars.NEO4J), print)


@pytest.fixture(scope="module", autouse=True)
def made() -> None:
    """The archives: `make setup` has made them where tests run."""
    assert rehearsal.make(print)


def sharing(class_path: list[Path]) -> bool:
    """Start Java as for a server, and tell whether it uses the archives."""
    command = [str(java.executable()), *classdata.options(), "-version"]
    environment = java.environment(classdata.folder(), class_path)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return "sharing" in done.stderr


def test_what_is_made_is_not_made_again() -> None:
    before = classdata.kept_file().stat()
    said: list[str] = []
    assert rehearsal.make(said.append)
    assert not said
    assert classdata.kept_file().stat() == before


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_server_uses_both_archives(neo4j: Settings, home: Path) -> None:
    assert neo4j
    running = local.running(home)
    assert running is not None
    mapped = Path(f"/proc/{running.pid}/maps").read_text()
    for file in (classdata.base_file(), classdata.kept_file()):
        assert str(file) in mapped


def cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwritten(file: Path) -> None:
    with file.open("r+b") as out:
        out.seek(file.stat().st_size // 2)
        out.write(b"\xff" * 1_000_000)


def of_something_else(file: Path) -> None:
    file.write_bytes(b"no class data")


@pytest.mark.parametrize(
    ("which", "damage"),
    [
        (classdata.base_file, overwritten),
        (classdata.kept_file, cut_off),
        (classdata.kept_file, overwritten),
        (classdata.kept_file, of_something_else),
    ],
)
def test_java_leaves_a_damaged_archive_alone(
    class_path: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    which: Callable[[], Path],
    damage: Callable[[Path], None],
) -> None:
    mine = tmp_path / "java"
    shutil.copytree(classdata.folder(), mine)
    monkeypatch.setattr(classdata, "folder", lambda: mine)
    assert sharing(class_path)
    which().chmod(0o600)
    damage(which())
    assert not classdata.usable(class_path)
    sharing(class_path)  # it runs


def test_an_archive_of_other_jars_is_not_used(class_path: list[Path]) -> None:
    assert not classdata.usable(class_path[1:])


def test_without_archives_java_is_told_of_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classdata, "folder", lambda: tmp_path)
    assert classdata.options() == []
    assert not classdata.usable([])
