"""A training that was interrupted goes on to the very bytes that it would have reached."""

from dataclasses import replace
from pathlib import Path

import pytest

from gnn import train
from gnn.artefact import Artefact
from gnn.checkpoint import About, Checkpoints
from gnn.config import Config
from gnn.errors import NoCheckpoint
from gnn.progress import Epoch, Silent
from gnn.validation import Validator
from graph.snapshot import Snapshot
from tests import snapshots as shops

SMALL = Config(epochs=3, width=8, heads=2, users_per_step=8, learning_rate=0.01)


class Impatient(Silent):
    """Presses Ctrl-C after so many calls of `advance`, or when the pass of this number ends."""

    def __init__(self, *, calls: int | None = None, after: int | None = None) -> None:
        self.left, self.after = calls, after

    def advance(self, n: int = 1) -> None:
        if self.left is not None and n:
            self.left -= n
            if self.left <= 0:
                self.left = None
                raise KeyboardInterrupt

    def epoch(self, report: Epoch) -> None:
        if report.number == self.after:
            raise KeyboardInterrupt


class Told(Silent):
    """Keeps how often laying out the cuts advances before the first step is made, and which steps tell a loss."""

    def __init__(self) -> None:
        self.calls = self.layouts = 0
        self.steps: list[int] = []

    def phase(self, name: str, total: int | None = None) -> None:
        if name == "Training":
            self.layouts = self.calls

    def advance(self, n: int = 1) -> None:
        self.calls += n

    def loss(self, step: int, value: float) -> None:
        self.steps.append(step)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return shops.of_shop()


@pytest.fixture(scope="module")
def uninterrupted(snapshot: Snapshot) -> tuple[Artefact, Told]:
    told = Told()
    return train.train(snapshot, SMALL, device="cpu", progress=told).artefact, told


@pytest.fixture(scope="module")
def whole(uninterrupted: tuple[Artefact, Told]) -> Artefact:
    return uninterrupted[0]


def same(one: Artefact, other: Artefact) -> bool:
    return all(value.tobytes() == other.weights[name].tobytes() for name, value in one.weights.items())


@pytest.mark.parametrize("steps", [1, 7, 30, 95])
def test_ctrl_c_at_any_step_and_resume_give_the_bytes_of_an_uninterrupted_run(
    snapshot: Snapshot, uninterrupted: tuple[Artefact, Told], tmp_path: Path, steps: int
):
    whole, told = uninterrupted
    checkpoints = Checkpoints(tmp_path / "checkpoint", every_s=0.0)
    checkpoints.begin(About(snapshot.id, snapshot.at, SMALL.as_dict(), "cpu"))
    impatient = Impatient(calls=told.layouts + steps)
    cut = train.train(snapshot, SMALL, device="cpu", progress=impatient, checkpoints=checkpoints)
    assert cut.interrupted
    assert not same(cut.artefact, whole)
    again = train.train(snapshot, SMALL, device="cpu", checkpoints=checkpoints)
    assert not again.interrupted
    assert same(again.artefact, whole)
    assert [epoch.number for epoch in again.curve] == list(range(len(again.curve)))


def test_ctrl_c_before_anything_is_measured_ends_and_can_be_resumed(
    snapshot: Snapshot, whole: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def pressed(self: Validator, network: object) -> None:
        raise KeyboardInterrupt

    checkpoints = Checkpoints(tmp_path / "checkpoint", every_s=0.0)
    checkpoints.begin(About(snapshot.id, snapshot.at, SMALL.as_dict(), "cpu"))
    with monkeypatch.context() as patched:
        patched.setattr(Validator, "measure", pressed)
        with pytest.raises(KeyboardInterrupt):
            train.train(snapshot, SMALL, device="cpu", checkpoints=checkpoints)
    assert same(train.train(snapshot, SMALL, device="cpu", checkpoints=checkpoints).artefact, whole)


def test_ctrl_c_while_a_pass_is_told_keeps_the_weights_that_were_measured(snapshot: Snapshot):
    class Later(Impatient):
        def epoch(self, report: Epoch) -> None:
            self.left = 1 if report.number == self.after else None

    cut = [train.train(snapshot, SMALL, device="cpu", progress=kind(after=1)) for kind in (Impatient, Later)]
    assert cut[0].curve[-1].best
    assert cut[0].artefact.manifest.metrics == cut[1].artefact.manifest.metrics
    assert same(cut[0].artefact, cut[1].artefact)


def test_what_was_done_before_the_interruption_is_not_done_again(
    snapshot: Snapshot, uninterrupted: tuple[Artefact, Told], tmp_path: Path
):
    checkpoints = Checkpoints(tmp_path / "checkpoint", every_s=0.0)
    checkpoints.begin(About(snapshot.id, snapshot.at, SMALL.as_dict(), "cpu"))
    train.train(snapshot, SMALL, device="cpu", progress=Impatient(after=2), checkpoints=checkpoints)
    resumed = Told()
    train.train(snapshot, SMALL, device="cpu", progress=resumed, checkpoints=checkpoints)
    assert len(resumed.steps) < len(uninterrupted[1].steps)


def test_a_finished_training_leaves_nothing_to_resume(snapshot: Snapshot, tmp_path: Path):
    brief = replace(SMALL, epochs=1, cuts=2)
    checkpoints = Checkpoints(tmp_path / "checkpoint", every_s=0.0)
    checkpoints.begin(About(snapshot.id, snapshot.at, brief.as_dict(), "cpu"))
    train.train(snapshot, brief, device="cpu", checkpoints=checkpoints)
    with pytest.raises(NoCheckpoint, match="--resume"):
        checkpoints.about()


def test_a_damaged_checkpoint_costs_time_and_nothing_else(snapshot: Snapshot, whole: Artefact, tmp_path: Path):
    checkpoints = Checkpoints(tmp_path / "checkpoint")
    about = About(snapshot.id, snapshot.at, SMALL.as_dict(), "cpu")
    checkpoints.begin(about)
    (checkpoints.folder / "fit.pt").write_bytes(b"half a file")
    assert checkpoints.about() == about
    assert about.settings == SMALL
    assert same(train.train(snapshot, SMALL, device="cpu", checkpoints=checkpoints).artefact, whole)


def test_a_checkpoint_that_cannot_be_read_names_the_file(tmp_path: Path):
    checkpoints = Checkpoints(tmp_path)
    (tmp_path / "about.json").write_text("{")
    with pytest.raises(NoCheckpoint, match=r"about\.json"):
        checkpoints.about()
