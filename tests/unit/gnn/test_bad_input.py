"""What a shop or a machine may lack: purchases in a period, attributes, memory. More in test_train, test_ranking."""

import tracemalloc
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from gnn import history, moment, train
from gnn.config import Config
from gnn.errors import ModelError, NotEnoughData
from gnn.output import Users
from gnn.progress import Silent
from graph import snapshot as snapshots
from graph.snapshot import Attribute, Snapshot
from tests import snapshots as shops

SMALL = Config(epochs=1, width=8, heads=2)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return shops.of_shop()


def test_a_period_without_purchases_at_the_end_is_said(snapshot: Snapshot):
    events = snapshot.events.take(snapshot.events.type != snapshot.event_types.index("purchase"))
    bought = snapshot.events.take(snapshot.events.type == snapshot.event_types.index("purchase"))
    first, last = int(snapshot.events.at.min()), int(snapshot.events.at.max())
    early = bought.take(bought.at < first + (last - first) // 2)
    both = {
        part.name: np.concatenate([getattr(events, part.name), getattr(early, part.name)]) for part in fields(early)
    }
    order = np.lexsort((both["at"], both["user"]))
    quiet = replace(snapshot, events=type(events)(**{name: values[order] for name, values in both.items()}))
    with pytest.raises(NotEnoughData, match="too few users"):
        train.train(quiet, SMALL, device="cpu")


def test_attributes_that_nobody_declared_do_no_harm(snapshot: Snapshot):
    U = len(snapshot.user_ids)
    unknown = Attribute("numeric", np.full(U, np.nan, np.float32))
    some = Attribute("ordinal", np.where(np.arange(U) % 2, np.nan, 1).astype(np.float32), ("low", "high"))
    odd = replace(snapshot, attributes={"age": unknown, "income": some})
    made = train.train(odd, SMALL, device="cpu").artefact
    assert all(np.isfinite(value).all() for value in made.weights.values())
    users = Users(made, odd)
    for user in (0, 1):
        assert np.isfinite(users.scores(user)).all()


class Full(Silent):
    """Training in which the device's memory runs out at the first step."""

    def advance(self, n: int = 1) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")


def test_a_device_without_memory_left_names_the_settings_to_lower(snapshot: Snapshot):
    with pytest.raises(ModelError, match="users_per_cut") as found:
        train.train(snapshot, SMALL, device="cpu", progress=Full())
    assert not isinstance(found.value, NotEnoughData)
    assert "users_per_cut (now 2500)" in found.value.remedy


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_real_gpu_without_memory_left_names_the_settings_to_lower(snapshot: Snapshot):
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-6)
    try:
        with pytest.raises(ModelError, match="users_per_cut"):
            train.train(snapshot, replace(SMALL, width=512), device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_item_item_edges_of_a_large_shop_never_stand_in_a_dense_matrix():
    config = Config(heads=2, dense_limit=100, neighbours=5, min_buyers=1)

    def peak_bytes(items: int) -> int:
        at = np.sort(np.random.default_rng(0).integers(0, 10**13, items * 3))
        rng = np.random.default_rng(1)
        shop = snapshots.build(
            user_ids=[f"u{u}" for u in range(400)],
            item_ids=[f"i{i}" for i in range(items)],
            event_types=("view",),
            events=snapshots.make_events(
                np.sort(rng.integers(0, 400, len(at))), rng.integers(0, items, len(at)), [0] * len(at), at
            ),
        )
        tracemalloc.start()
        made = moment.make(shop, config, history.scheme_of(shop, config))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(made.state.candidates) > 0.9 * items
        return peak

    small, large = peak_bytes(6_000), peak_bytes(12_000)
    assert large < 12_000**2 * 4 / 3  # a third of one dense float32 matrix
    assert large < 2.8 * small  # dense ones would grow four times
