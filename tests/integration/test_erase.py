"""`attune erase`: one user goes, once somebody has said so, and is in nothing that a load keeps."""

import json
from pathlib import Path

import polars as pl
import pytest

from graph.census import census
from graph.client import Client
from loaders.files import Folder
from loaders.load import load
from tests import command
from tests import shop as shops
from tests.shop import Shop

pytestmark = pytest.mark.integration

_USERS = "MATCH (u:User) RETURN collect(u.id) AS users"


@pytest.fixture
def filled(client: Client, shop: Shop, tmp_path: Path) -> Client:
    load(Folder(shops.write_folder(shop, tmp_path / "shop")), home=tmp_path, client_settings=client.settings)
    return client


def sampled(home: Path) -> set[str]:
    (path,) = home.glob("loads/*/sample.parquet")
    return set(pl.read_parquet(path)["user_id"])


def test_one_user_goes_and_all_others_stay(filled: Client, shop: Shop, tmp_path: Path) -> None:
    user = sorted(sampled(tmp_path))[0]
    events = sum(event["user_id"] == user for event in shop.events)
    others = sampled(tmp_path) - {user}
    told = json.loads(command.run(filled, tmp_path, "erase", user, "--yes", "--json", code=0).stdout)
    assert (told["user"], told["erasedEvents"]) == (user, events)
    assert told["erasedSamples"] > 0
    assert sampled(tmp_path) == others
    assert set(filled.read(_USERS)[0]["users"]) == {f"{row['user_id']}" for row in shop.users} - {user}
    assert census(filled).total_events == len(shop.events) - events
    assert "there is no user" in command.run(filled, tmp_path, "erase", user, "--yes", code=2).output


def test_nobody_goes_until_somebody_says_so(filled: Client, tmp_path: Path) -> None:
    before, kept = census(filled), sampled(tmp_path)
    refused = command.run(filled, tmp_path, "erase", "u0", code=2)
    assert "--yes" in refused.output
    assert census(filled) == before
    assert sampled(tmp_path) == kept


def test_a_file_that_names_the_user_brings_it_back(filled: Client, shop: Shop, tmp_path: Path) -> None:
    user = sorted(sampled(tmp_path))[0]
    command.run(filled, tmp_path, "erase", user, "--yes", code=0)
    again = load(Folder(tmp_path / "shop"), home=tmp_path, client_settings=filled.settings)
    assert not again.already
    assert census(filled).total_events == len(shop.events)
    # What was left of the sample tells the load as before.
    assert load(Folder(tmp_path / "shop"), home=tmp_path, client_settings=filled.settings).already
