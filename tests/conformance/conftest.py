"""A workshop with Node.js and the pinned packages."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with these scripts, the schema and `node_modules`."""
    from api.schema import SDL
    from tests.conformance import packages

    modules = packages.install()
    folder = tmp_path_factory.mktemp("workshop") / "app"
    shutil.copytree(packages.HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", ".npmrc"))
    shutil.copy(SDL, folder)
    (folder / "node_modules").symlink_to(modules)
    (folder / "relay" / "__generated__").mkdir()
    (folder / "persisted.json").write_text("{}")
    return folder
