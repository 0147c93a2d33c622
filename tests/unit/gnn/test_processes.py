"""Two processes that train together come to what one comes to by itself."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from gnn import train
from gnn.artefact import Artefact
from gnn.config import from_mapping
from gnn.errors import ModelError
from gnn.processes import Group, joined
from tests import snapshots

SETTINGS = {"epochs": 2, "width": 8, "heads": 2, "users_per_step": 8, "learning_rate": 1e-4, "validation_users": 25}
_SAMPLED = {"batches": "sampled", "history_sample": 4, "users_per_step": 30}
ANEW = SETTINGS | _SAMPLED | {"epochs": 1, "cuts": 2, "refit": False}

Made = list[tuple[dict[str, np.ndarray], dict[str, object]]]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """What both processes came to, for each set of settings."""
    folder = tmp_path_factory.mktemp("pairs")
    asked = {"kept": SETTINGS, "anew": ANEW}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.unit.gnn.two", json.dumps(asked), str(folder)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]

    def made(at: Path) -> Made:
        return [(load_file(at / f"{n}.safetensors"), json.loads((at / f"{n}.json").read_text())) for n in (0, 1)]

    return {name: made(folder / name) for name in asked}


@pytest.fixture(scope="module")
def two(pairs: dict[str, Made]) -> Made:
    return pairs["kept"]


@pytest.fixture(scope="module")
def alone() -> Artefact:
    return train.train(snapshots.of_shop(), from_mapping(SETTINGS), device="cpu").artefact


def test_two_processes_come_to_the_weights_of_one(alone: Artefact, two: Made):
    # Adam divides by the size of a gradient, so rounding grows with the learning rate: 8e-6 at the default one.
    assert np.abs(alone.weights["fusion.gates"] - two[0][0]["fusion.gates"]).max() < 1e-6
    for name, value in alone.weights.items():
        np.testing.assert_allclose(two[0][0][name], value, atol=1e-6, rtol=0, err_msg=name)


def test_both_processes_hold_the_same_bytes(two: Made):
    for name, value in two[0][0].items():
        assert value.tobytes() == two[1][0][name].tobytes(), name
    assert two[0][1]["size"] == 2
    assert [part[1]["metrics"] for part in two] == [two[0][1]["metrics"]] * 2


def test_validation_over_two_processes_is_that_of_one(alone: Artefact, two: Made):
    measured = two[0][1]["metrics"]
    assert isinstance(measured, dict)
    for name in ("untrained", "popularity", "frequency"):
        assert measured[name] == alone.manifest.metrics[name], name


def test_steps_made_anew_are_shared_out_alike(pairs: dict[str, Made]):
    alone = train.train(snapshots.of_shop(), from_mapping(ANEW), device="cpu").artefact
    first, second = (weights for weights, _ in pairs["anew"])
    for name, value in alone.weights.items():
        np.testing.assert_allclose(first[name], value, atol=1e-6, rtol=0, err_msg=name)
        assert first[name].tobytes() == second[name].tobytes(), name


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined(torch.device("cpu")) as group:
        assert group == Group(0, 1)
        assert group.first


def test_shares_are_disjoint_and_whole():
    things = list(range(7))
    shares = [Group(rank, 3).share(things) for rank in range(3)]
    assert sorted(x for share in shares for x in share) == things


def test_processes_that_see_different_graphs_stop(monkeypatch: pytest.MonkeyPatch):
    def gather(self: Group, value: object) -> list[object]:
        return [value, "another"]

    monkeypatch.setattr(Group, "gather", gather)
    with pytest.raises(ModelError, match="same snapshot"):
        Group(0, 2).agree("one", "snapshot")
