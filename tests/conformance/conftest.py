"""The API over the small shop, and a workshop with Node.js and the pinned packages."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from graph.client import Client, Settings
    from tests.served import Served
    from tests.shop import Shop


@pytest.fixture(scope="module")
def models(session_client: "Client", shop: "Shop", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models over the freshly loaded small shop."""
    from tests import served

    folder = tmp_path_factory.mktemp("models")
    served.load_shop(session_client, shop)
    served.first_model(session_client, folder)
    return folder


@pytest.fixture(scope="module")
def api(neo4j: "Settings", models: Path) -> Iterator["Served"]:
    """The API over the small shop."""
    from tests import served

    with served.serving(served.settings(neo4j, models)) as running:
        yield running


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
