"""Fixtures of the integration tests: the API over the small shop, served for one module."""

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
    """A folder of models over the freshly loaded small shop; other modules empty the graph."""
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
