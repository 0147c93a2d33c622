"""`attune empty`: a graph to begin anew, once somebody has said so; what is not Attune's stays."""

import json
from pathlib import Path

import pytest

from graph import schema
from graph.census import census
from graph.client import Client
from graph.empty import STEPS, empty
from loaders import stage
from loaders.files import Folder
from loaders.load import load
from tests import command
from tests import shop as shops
from tests.shop import Shop

pytestmark = pytest.mark.integration

_OTHERS = "CREATE (:Order {id: 'o1'})-[:OF]->(:Parcel {id: 'p1'})"
_LINK = "MATCH (o:Order), (i:Item {id: 'i0'}) CREATE (o)-[:HOLDS]->(i)"
_WRITTEN = """MATCH (u:User {id: 'u0'}), (i:Item {id: 'i0'}), (j:Item {id: 'i1'})
CREATE (u)-[:RECOMMENDED]->(i), (u)-[:ATTENDS]->(i), (u)-[:DISPUTES]->(i), (i)-[:SIMILAR]->(j)
CREATE (:Model {version: 'm'})"""
_LABELS = "MATCH (n) RETURN collect(DISTINCT labels(n)[0]) AS labels"
_TYPES = "MATCH ()-[r]->() RETURN collect(DISTINCT type(r)) AS types"


@pytest.fixture
def filled(client: Client, shop: Shop, tmp_path: Path) -> Client:
    folder = shops.write_folder(shop, tmp_path / "shop")
    load(Folder(folder), home=tmp_path, client_settings=client.settings)
    for statement in (_OTHERS, _LINK, _WRITTEN):
        client.write(statement)
    return client


def test_nothing_goes_until_somebody_says_so(filled: Client, shop: Shop, tmp_path: Path) -> None:
    before = census(filled)
    refused = command.run(filled, tmp_path, "empty", code=2)
    assert f"{len(shop.users)} users" in refused.output
    assert "--yes" in refused.output
    assert census(filled) == before


def test_all_of_attune_goes_and_what_others_keep_stays(filled: Client, shop: Shop, tmp_path: Path) -> None:
    model = tmp_path / "models" / "one" / "manifest.json"
    model.parent.mkdir(parents=True)
    model.touch()
    told = json.loads(command.run(filled, tmp_path, "empty", "--yes", "--json", code=0).stdout)
    assert told == {"removed": {"users": len(shop.users), "items": len(shop.items), "events": len(shop.events)}}
    assert sorted(filled.read(_LABELS)[0]["labels"]) == ["Attune", "Order", "Parcel"]
    assert filled.read(_TYPES)[0]["types"] == ["OF"]
    assert schema.version(filled) == schema.VERSION
    assert model.is_file()
    # The same folder is loaded as if it had never been.
    again = load(Folder(tmp_path / "shop"), home=tmp_path, client_settings=filled.settings)
    assert not again.already
    assert census(filled).total_events == len(shop.events)


def test_nothing_goes_while_a_load_runs_and_no_load_begins_while_it_goes(filled: Client, tmp_path: Path) -> None:
    before, source = census(filled), Folder(tmp_path / "shop")
    with stage.opened(tmp_path, source):
        refused = command.run(filled, tmp_path, "empty", "--yes", code=1)
        assert "another process is loading into the graph" in refused.output
        assert census(filled) == before
    with stage.nobody_loads(tmp_path):
        refused = command.run(filled, tmp_path, "load", "files", str(tmp_path / "shop"), code=2)
        assert "another process is emptying the graph" in refused.output
    command.run(filled, tmp_path, "empty", "--yes", code=0)


def test_what_was_interrupted_goes_on(filled: Client) -> None:
    told: list[str] = []

    def stop(what: str) -> None:
        told.append(what)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        empty(filled, stop)
    assert census(filled).users
    told.clear()
    empty(filled, told.append)
    assert len(told) == STEPS
    assert filled.read(_TYPES)[0]["types"] == ["OF"]
