"""Mixed precision and compiled layers agree with plain float32, and the end of memory names what to lower."""

import shutil
from collections.abc import Callable

import numpy as np
import pytest
import torch

from gnn import fit, hetero_data, history, memory, moment, train, weights
from gnn.config import Config
from gnn.errors import ModelError, OutOfMemory
from gnn.model import Network, Tables
from gnn.moment import Moment
from gnn.pairs import Block, block
from graph.snapshot import Snapshot
from tests import snapshots as shops

CPU = torch.device("cpu")
SMALL = Config(epochs=1, width=8, heads=2)

BF16 = 0.1
"""Largest difference of a score in bfloat16, as a share of the scores' standard deviation."""


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return shops.of_shop()


@pytest.fixture(scope="module")
def there(snapshot: Snapshot) -> Moment:
    return moment.make(snapshot, SMALL, history.scheme_of(snapshot, SMALL))


@pytest.fixture(scope="module")
def step(there: Moment) -> tuple[Tables, Block]:
    tables = Tables.of(hetero_data.build(there), CPU)
    return tables, block(there, np.arange(len(there.x_user)), None, None)


def drawn(there: Moment, config: Config) -> Network:
    """Return a network whose every weight is away from zero, so that no layer is silent."""
    network = Network(config, weights.shape_of(config, there.scheme, there.state))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(torch.randn(value.shape, generator=generator) * 0.1)
    return network


@pytest.mark.parametrize("attention", ["uniform", "content+context+self"])
def test_scores_in_bfloat16_are_those_of_float32_within_a_tenth_of_their_spread(
    there: Moment, step: tuple[Tables, Block], attention: str
):
    network = drawn(there, Config(width=8, heads=2, attention=attention))
    plain = network(*step)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = network(*step)
    assert mixed.dtype == torch.float32
    difference = (mixed - plain).abs().max()
    assert 0 < difference < BF16 * plain.std()


def test_training_in_bfloat16_ranks_as_well(snapshot: Snapshot):
    plain = train.train(snapshot, SMALL, device="cpu").artefact.manifest.metrics["attune"]
    mixed = train.train(snapshot, Config(epochs=1, width=8, heads=2, bf16=True), device="cpu")
    for name, value in mixed.artefact.manifest.metrics["attune"].items():
        assert abs(value - plain[name]) < 0.02, name


@pytest.mark.timeout(1500)  # compiling takes a minute of a whole processor
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")
def test_compiled_training_gives_the_same_weights_within_a_ten_thousandth(snapshot: Snapshot):
    plain = train.train(snapshot, SMALL, device="cpu").artefact.weights
    made = train.train(snapshot, Config(epochs=1, width=8, heads=2, compile=True), device="cpu").artefact.weights
    for name, value in plain.items():
        np.testing.assert_allclose(made[name], value, atol=1e-4, rtol=0, err_msg=name)


def test_without_a_compiler_compiling_is_refused(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch):
    def nowhere(name: str) -> None:
        assert name

    monkeypatch.setattr(fit.shutil, "which", nowhere)
    with pytest.raises(ModelError, match="compile=false"):
        train.train(snapshot, Config(epochs=1, compile=True), device="cpu")


@pytest.mark.parametrize(
    "ask", [lambda: torch.empty(2**60, dtype=torch.uint8), lambda: np.empty(2**60, np.uint8)], ids=["torch", "numpy"]
)
def test_the_end_of_memory_says_which_settings_to_lower(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, ask: Callable[[], object]
):
    def make(*given: object) -> object:
        assert given
        return ask()

    monkeypatch.setattr(moment, "make", make)
    with pytest.raises(OutOfMemory, match=r"users_per_step \(now 32\).*batches=sampled"):
        train.train(snapshot, Config(), device="cpu")
    with pytest.raises(OutOfMemory) as caught:
        train.train(snapshot, Config(batches="sampled"), device="cpu")
    assert "batches" not in str(caught.value)


def test_other_errors_are_not_taken_for_the_end_of_memory():
    with pytest.raises(RuntimeError, match="shapes"), memory.watched(Config(), CPU):
        raise RuntimeError("shapes do not fit")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_full_accelerator_leaves_blocks_behind_or_says_what_to_lower(snapshot: Snapshot):
    torch.cuda.set_per_process_memory_fraction(1e-4)
    try:
        with pytest.raises(OutOfMemory, match="users_per_step"):
            train.train(snapshot, Config(semantic_width=4096), device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
