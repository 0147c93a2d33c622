"""Training on batches that are made anew: the same with room for every history, as good with less, resumable."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gnn import train
from gnn.artefact import Artefact
from gnn.checkpoint import About, Checkpoints
from gnn.config import Config
from gnn.progress import Epoch
from graph.snapshot import Snapshot
from tests import snapshots as shops
from tests.unit.gnn.test_resume import Impatient, same

KEPT = Config(epochs=2, cuts=2, refit=False, width=8, heads=2, users_per_step=16, learning_rate=0.01, batches="kept")
WHOLE = replace(KEPT, batches="sampled", history_sample=1000)
FEW = replace(KEPT, batches="sampled", history_sample=6)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return shops.of_shop()


def trained(snapshot: Snapshot, config: Config) -> Artefact:
    return train.train(snapshot, config, device="cpu").artefact


@pytest.fixture(scope="module")
def kept(snapshot: Snapshot) -> Artefact:
    return trained(snapshot, KEPT)


@pytest.fixture(scope="module")
def few(snapshot: Snapshot) -> Artefact:
    return trained(snapshot, FEW)


def test_with_room_for_every_history_the_weights_are_those_of_kept_steps(snapshot: Snapshot, kept: Artefact):
    made = trained(snapshot, WHOLE)
    for name, value in kept.weights.items():
        np.testing.assert_allclose(made.weights[name], value, atol=1e-6, rtol=0, err_msg=name)


def test_a_few_edges_of_each_history_train_to_the_same_quality(kept: Artefact, few: Artefact):
    assert not same(kept, few)
    ours, theirs = few.manifest.metrics["attune"], kept.manifest.metrics["attune"]
    for name, value in theirs.items():
        # Some fifty users: one rank of one purchase moves a mean by as much.
        assert ours[name] == pytest.approx(value, abs=0.02), name


def test_workers_come_to_the_same_bytes(snapshot: Snapshot, few: Artefact):
    assert same(trained(snapshot, replace(FEW, loader_workers=2)), few)


@pytest.mark.parametrize("passes", [0, 1])
def test_ctrl_c_and_resume_give_the_bytes_of_an_uninterrupted_run(
    snapshot: Snapshot, few: Artefact, tmp_path: Path, passes: int
):
    checkpoints = Checkpoints(tmp_path / "checkpoint", every_s=0.0)
    checkpoints.begin(About(snapshot.id, snapshot.at, FEW.as_dict(), "cpu"))

    class Midway(Impatient):
        """Presses Ctrl-C some steps into the pass after so many."""

        def epoch(self, report: Epoch) -> None:
            if report.number == passes:
                self.left = 3

    cut = train.train(snapshot, FEW, device="cpu", progress=Midway(), checkpoints=checkpoints)
    assert cut.interrupted
    again = train.train(snapshot, FEW, device="cpu", checkpoints=checkpoints)
    assert not again.interrupted
    assert same(again.artefact, few)
