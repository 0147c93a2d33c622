"""Batches made anew through PyG's loader: the kept blocks where nothing is left out, and fair samples where it is."""

import gc
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch_geometric.data import HeteroData
from torch_geometric.loader import NodeLoader
from torch_geometric.sampler import BaseSampler, HeteroSamplerOutput, NodeSamplerInput

from gnn import history
from gnn.config import Config
from gnn.errors import ModelError
from gnn.hetero_data import HISTORY, NEAR
from gnn.lessons import Lesson, Lessons
from gnn.neighbour_loader import Batches, to_block
from gnn.neighbour_sampler import ASKED
from gnn.pairs import Block
from gnn.processes import Group
from gnn.progress import Silent
from gnn.sampling import chances, systematic
from gnn.sparse import Paths
from gnn.split import split
from gnn.steps import Steps
from graph.snapshot import Snapshot
from tests import shop
from tests import snapshots as shops

CPU = torch.device("cpu")
KEPT = Config(width=8, heads=2, users_per_step=8, batches="kept")
WHOLE = replace(KEPT, batches="sampled", history_sample=1000)
FEW = replace(WHOLE, history_sample=4)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return shops.of_shop()


def lessons(snapshot: Snapshot, config: Config, group: Group | None = None) -> list[Lesson]:
    scheme = history.scheme_of(snapshot, config)
    given = (snapshot, scheme, config, CPU, Silent())
    return (Lessons(*given) if group is None else Lessons(*given, group)).at(split(snapshot, config).train[-2:])


@pytest.fixture(scope="module")
def kept(snapshot: Snapshot) -> list[Lesson]:
    return lessons(snapshot, KEPT)


@pytest.fixture(scope="module")
def few(snapshot: Snapshot) -> Batches:
    found = lessons(snapshot, FEW)[-1].blocks
    assert isinstance(found, Batches)
    return found


def met(block: Block) -> torch.Tensor:
    """Return which pairs have a history edge between them, [B]."""
    return torch.from_numpy(np.diff(block.own.matrix.tocsc().indptr) > 0)


def parts(block: Block) -> dict[str, np.ndarray | int]:
    """Return every array of a block by its name."""
    found: dict[str, np.ndarray | int] = {}
    for field in fields(block):
        value = getattr(block, field.name)
        for k, part in enumerate(value if isinstance(value, tuple) else (value,)):
            if isinstance(part, Paths):
                for name in ("data", "indices", "indptr"):
                    found[f"{field.name}{k}.{name}"] = getattr(part.matrix, name)
            else:
                found[f"{field.name}{k}"] = part.numpy() if isinstance(part, torch.Tensor) else part
    return found


def same(one: Block, other: Block) -> bool:
    ours, theirs = parts(one), parts(other)
    return all(np.array_equal(value, theirs[name], equal_nan=name == "level0") for name, value in ours.items())


@pytest.mark.parametrize("most", [0, 1000])
def test_with_room_for_every_history_batches_are_the_kept_blocks(snapshot: Snapshot, kept: list[Lesson], most: int):
    made = lessons(snapshot, replace(WHOLE, history_sample=most))
    assert [len(lesson) for lesson in made] == [len(lesson) for lesson in kept]
    for ours, theirs in zip(kept, made, strict=True):
        for one, other in zip(ours.of_pass(1), theirs.of_pass(7), strict=True):
            for (name, value), (_, found) in zip(parts(one).items(), parts(other).items(), strict=True):
                np.testing.assert_array_equal(found, value, err_msg=name)
                if isinstance(value, np.ndarray) and isinstance(found, np.ndarray):
                    assert found.dtype == value.dtype, name


def test_shares_of_two_processes_are_those_of_the_kept_blocks(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch):
    def alone(self: Group, value: torch.Tensor) -> torch.Tensor:
        assert self.size == 2
        return value

    monkeypatch.setattr(Group, "add", alone)
    for rank in (0, 1):
        ours, theirs = (lessons(snapshot, config, Group(rank, 2))[-1] for config in (KEPT, WHOLE))
        assert all(same(one, other) for one, other in zip(ours.of_pass(1), theirs.of_pass(1), strict=True))


def test_it_is_a_sampler_and_a_loader_of_pyg(few: Batches):
    loader = few.loader(1)
    assert isinstance(loader, NodeLoader)
    sampler = loader.node_sampler
    assert isinstance(sampler, BaseSampler)
    places = few.places[0]
    out = sampler.sample_from_nodes(
        NodeSamplerInput(torch.from_numpy(places), torch.from_numpy(few.users[places]), input_type="user")
    )
    assert isinstance(out, HeteroSamplerOutput)
    for kind, row in out.row.items():
        edge, col = out.edge[kind], out.col[kind]
        assert edge is not None
        ends = torch.stack([out.node[kind[0]][row], out.node[kind[2]][col]])
        torch.testing.assert_close(ends, few.data[kind].edge_index[:, edge].long())
    batches = list(loader)
    assert len(batches) == len(few)
    for batch in batches:
        assert isinstance(batch, HeteroData)
        assert batch.validate()
        assert batch["user"].batch_size == batch["user"].num_nodes
    with pytest.raises(ModelError, match="sample_from_nodes"):
        sampler.sample_from_edges(None)  # pyright: ignore[reportArgumentType] - it takes none


def test_item_edges_lead_from_what_was_drawn_to_what_is_asked_about(few: Batches):
    for batch in few.loader(1):
        asked = set(batch[ASKED].edge_index[1].tolist())
        drawn = set(batch[HISTORY].edge_index[1][batch[HISTORY].factor > 0].tolist())
        for kind in NEAR:
            source, target = batch[kind].edge_index
            assert set(target.tolist()) <= asked
            assert set(source.tolist()) <= drawn


def test_a_long_history_leads_on_by_as_many_edges_as_are_to_be_drawn(few: Batches):
    seen = 0
    for batch in few.loader(1):
        user, factor = batch[HISTORY].edge_index[0], batch[HISTORY].factor
        size = torch.bincount(user, minlength=batch["user"].num_nodes)
        leads = torch.bincount(user[factor > 0], minlength=batch["user"].num_nodes)
        assert torch.equal(leads, size.clamp_max(FEW.history_sample))
        seen += int((size > FEW.history_sample).sum())
        block = to_block(batch)
        negative = met(block) & (block.label == 0)
        assert int(torch.bincount(block.pair_user[negative]).max()) <= FEW.history_sample
    assert seen > 10


def test_what_is_bought_next_is_always_asked_about(kept: list[Lesson], few: Batches):
    for ours, theirs in zip(kept[-1].of_pass(1), few.of_pass(1), strict=True):
        for one, other in ((ours, theirs), (theirs, ours)):
            here, there = (
                {(int(u), int(i)) for u, i, y in zip(b.pair_user, b.pair_item, b.label, strict=True) if y}
                for b in (one, other)
            )
            assert here == there


def test_attention_sees_the_whole_history(kept: list[Lesson], few: Batches):
    for ours, theirs in zip(kept[-1].of_pass(1), few.of_pass(1), strict=True):
        for name in ("edge_index", "edge_attr", "base", "x_user"):
            assert torch.equal(getattr(ours, name), getattr(theirs, name)), name


def test_what_arrives_over_paths_and_what_is_lost_are_right_in_the_mean_over_draws(kept: list[Lesson], few: Batches):
    whole = next(iter(kept[-1].of_pass(0)))
    message = whole.base
    items = int(max(whole.pair_item.max(), whole.edge_index[1].max())) + 1
    arrived, stood = [], []
    passes = 200
    for number in range(passes):
        part = to_block(few.loader(number)(torch.from_numpy(few.places[0])))  # pyright: ignore[reportArgumentType]
        table = torch.zeros(len(whole.x_user) * items)
        # Where an item is not asked about its sum is not known: pairs of items that are never left out are compared.
        table[part.pair_user * items + part.pair_item] = (part.paths[0] @ message)[:, 0]
        weights = torch.zeros(len(whole.x_user) * items)
        weights[part.pair_user * items + part.pair_item] = part.weight
        arrived.append(table)
        stood.append(weights)
    key = whole.pair_user * items + whole.pair_item
    always = ~met(whole) | (whole.label > 0)
    assert bool(always.any())
    found = torch.stack(arrived)[:, key[always]].double()
    wanted = (whole.paths[0] @ message)[always, 0].double()
    error = found.std(dim=0) / passes**0.5
    assert bool((found.std(dim=0) > 0).any())
    # Some hundred sums, each within five standard errors; those that never vary within rounding.
    assert bool(((found.mean(dim=0) - wanted).abs() <= 5 * error + 1e-5).all())
    weight = torch.stack(stood)[:, key].double()
    deviation = (weight.mean(dim=0) - whole.weight.double()).abs()
    assert bool((deviation <= 5 * weight.std(dim=0) / passes**0.5 + 1e-5).all())


def test_what_is_drawn_depends_on_the_pass_and_not_on_the_order(snapshot: Snapshot):
    steps = Steps(lessons(snapshot, FEW), CPU)
    order = list(range(len(steps)))
    first = [step.part for step in steps.of_pass(1, order)]
    backwards = [step.part for step in steps.of_pass(1, order[::-1])][::-1]
    assert all(same(one, other) for one, other in zip(first, backwards, strict=True))
    assert not same(first[0], next(steps.of_pass(2, order)).part)


def test_worker_processes_draw_the_same(snapshot: Snapshot):
    found = lessons(snapshot, FEW)
    order = list(range(sum(map(len, found))))[::-1]
    alone = [step.part for step in Steps(found, CPU).of_pass(1, order)]
    helped = [step.part for step in Steps(found, CPU, workers=2).of_pass(1, order)]
    assert all(same(one, other) for one, other in zip(alone, helped, strict=True))


def alive() -> int:
    gc.collect()
    return sum(type(thing) is Block for thing in gc.get_objects())


@pytest.mark.parametrize("users", [30, 120])
def test_no_block_outlives_its_step(users: int):
    found = lessons(shops.of_shop(shop.make(users=users)), replace(FEW, users_per_step=20))
    steps = Steps(found, CPU)
    before = alive()
    assert len(steps) > 2
    most = 0
    for step in steps.of_pass(1, range(len(steps))):
        del step
        most = max(most, alive() - before)
    assert most <= 1
    assert alive() == before


def test_auto_keeps_cuts_while_there_is_room(snapshot: Snapshot):
    config = replace(KEPT, batches="auto")
    assert [isinstance(lesson.blocks, Batches) for lesson in lessons(snapshot, config)] == [False, False]
    first = lessons(snapshot, config)[0]
    size = sum(part.nbytes for part in first.of_pass(1))
    tight = replace(config, kept_gb=(size + 1) / 1e9)
    assert [isinstance(lesson.blocks, Batches) for lesson in lessons(snapshot, tight)] == [False, True]
    none = replace(config, kept_gb=0.0)
    assert [isinstance(lesson.blocks, Batches) for lesson in lessons(snapshot, none)] == [True, True]


@pytest.mark.parametrize("most", [1, 3, 7, 40])
def test_as_many_are_drawn_as_asked_for_each_with_its_chance(most: int):
    rng = np.random.default_rng(0)
    size = rng.pareto(1.0, 40) + 0.01
    chance = chances(size, most)
    assert chance.sum() == pytest.approx(most)
    assert chance.max() <= 1
    open_ = chance < 1
    if open_.any():
        np.testing.assert_allclose(chance[open_] / size[open_], (chance[open_] / size[open_])[0])
    drawn = np.array([systematic(chance, start) for start in (np.arange(5000) + 0.5) / 5000])
    assert set(drawn.sum(axis=1).tolist()) == {most}
    np.testing.assert_allclose(drawn.mean(axis=0), chance, atol=1e-3)
