"""What is installed with the package: whoever has it needs neither Node.js nor a checkout to serve the page."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "api" / "web" / "page"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    # In a copy, so that setuptools leaves nothing in the checkout.
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    for room in ("graph", "loaders", "gnn", "api", "attune"):
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    program = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, built], cwd=source, capture_output=True, text=True, check=True
    )
    return zipfile.ZipFile(built / done.stdout.splitlines()[-1])


def test_the_wheel_holds_the_page_with_every_asset_that_was_built(wheel: zipfile.ZipFile) -> None:
    held = set(wheel.namelist())
    index = wheel.read("api/web/page/index.html").decode()
    linked = {f"api{path}" for path in re.findall(r'(?:src|href)="(/web/[^"]+)"', index)}
    assert len(linked) >= 3
    assert linked <= held
    assert {f"api/web/page/assets/{path.name}" for path in (PAGE / "assets").iterdir()} <= held


def test_the_wheel_carries_the_licences_of_what_was_bundled(wheel: zipfile.ZipFile) -> None:
    told = wheel.read("api/web/page/licenses.md").decode()
    assert all(f"## {name}" in told for name in ("preact", "@preact/signals", "cytoscape"))
    assert "OFL" in wheel.read("api/web/page/inter-license.txt").decode()


def test_the_wheel_holds_no_sources_of_the_page(wheel: zipfile.ZipFile) -> None:
    assert not [name for name in wheel.namelist() if name.endswith((".ts", ".tsx", ".map")) or "node_modules" in name]


def test_the_lock_file_of_the_page_names_no_registry() -> None:
    text = (ROOT / "web" / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert text.count('"integrity": "sha512-') == text.count('"node_modules/')
