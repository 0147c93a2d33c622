"""Training on the small shop: quick, repeatable, interruptible, honest about too little data."""

import numpy as np
import pytest
import torch

from gnn import beside, fit, train
from gnn.config import Config
from gnn.errors import Diverged, ModelError, NotEnoughData
from gnn.train import Epoch, Silent
from graph import snapshot as snapshots
from graph.snapshot import Snapshot
from tests import snapshots as shops

SMALL = Config(epochs=3, width=8, heads=2)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return shops.of_shop()


@pytest.fixture(scope="module")
def trained(snapshot: Snapshot) -> train.Trained:
    return train.train(snapshot, SMALL, device="cpu")


def test_a_small_shop_trains_to_a_servable_artefact(snapshot: Snapshot, trained: train.Trained):
    assert trained.artefact.manifest.trained
    assert trained.artefact.manifest.servable
    assert trained.artefact.manifest.snapshot == snapshot.id
    metrics = trained.artefact.manifest.metrics
    assert set(metrics) == {"attune", "untrained", *beside.NAMES}
    assert len({tuple(row) for row in metrics.values()}) == 1
    assert [epoch.number for epoch in trained.curve] == list(range(len(trained.curve)))


def test_the_kept_weights_are_never_worse_than_untrained_on_validation(trained: train.Trained):
    assert max(epoch.score for epoch in trained.curve) >= trained.curve[0].score


def test_the_same_seed_gives_the_same_bytes(snapshot: Snapshot, trained: train.Trained):
    again = train.train(snapshot, SMALL, device="cpu")
    for name, value in trained.artefact.weights.items():
        assert value.tobytes() == again.artefact.weights[name].tobytes(), name


def test_loss_falls(snapshot: Snapshot):
    curve = train.train(snapshot, Config(epochs=6, patience=6), device="cpu").curve
    assert curve[-1].loss < curve[1].loss


@pytest.mark.parametrize("attention", ["uniform", "content", "context", "self"])
def test_every_attention_trains(snapshot: Snapshot, attention: str):
    assert train.train(snapshot, Config(epochs=1, attention=attention), device="cpu").artefact.manifest.trained


@pytest.mark.parametrize("fusion", ["sum", "concat"])
@pytest.mark.parametrize("loss", ["bce", "softmax"])
def test_every_fusion_and_loss_trains(snapshot: Snapshot, fusion: str, loss: str):
    made = train.train(snapshot, Config(epochs=1, fusion=fusion, loss=loss), device="cpu").artefact
    assert made.manifest.servable == (fusion != "concat")


def test_ctrl_c_keeps_the_best_so_far(snapshot: Snapshot):
    class Impatient(Silent):
        def epoch(self, report: Epoch) -> None:
            if report.number == 1:
                raise KeyboardInterrupt

    result = train.train(snapshot, SMALL, device="cpu", progress=Impatient())
    assert result.interrupted
    assert len(result.curve) == 2
    assert result.artefact.manifest.trained


def test_a_loss_that_is_not_a_number_is_told_and_not_saved(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch):
    def broken(self: object, score: torch.Tensor, *_: object) -> torch.Tensor:
        return score.sum() * float("nan")

    monkeypatch.setattr(fit.NextPeriodLoss, "forward", broken)
    with pytest.raises(Diverged, match="learning_rate"):
        train.train(snapshot, SMALL, device="cpu")


def build(users: int, items: int, at: list[int]) -> Snapshot:
    rng = np.random.default_rng(0)
    n = len(at)
    return snapshots.build(
        user_ids=[f"u{u}" for u in range(users)],
        item_ids=[f"i{i}" for i in range(items)],
        event_types=("view",),
        events=snapshots.make_events(rng.integers(0, users, n), rng.integers(0, items, n), [0] * n, at),
    )


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(build(3, 3, []), id="no events"),
        pytest.param(build(1, 1, list(range(0, 10**12, 10**11))), id="one user, one item"),
    ],
)
def test_too_little_data_is_said(snapshot: Snapshot):
    with pytest.raises(NotEnoughData, match="untrained"):
        train.train(snapshot, SMALL, device="cpu")


def test_a_shop_without_prices_categories_or_purchases_trains():
    snapshot = build(60, 30, [int(x) for x in np.random.default_rng(1).integers(0, 10**13, 3000)])
    assert train.train(snapshot, SMALL, device="cpu").artefact.manifest.trained


def test_devices_that_are_not_there_are_refused():
    assert train.choose_device("cpu") == torch.device("cpu")
    with pytest.raises(ModelError, match="auto"):
        train.choose_device("abacus")
