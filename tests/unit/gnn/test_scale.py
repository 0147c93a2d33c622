"""The bytes that docs/scale.md states are those of the arrays of a real snapshot."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from gnn import history, moment
from gnn.config import Config
from gnn.hetero_data import HISTORY, NEAR
from gnn.moment import Moment
from gnn.neighbour_loader import Batches
from gnn.neighbour_sampler import Draws
from gnn.pairs import Block, block
from gnn.sampling import Asker
from gnn.split import split
from graph.snapshot import Snapshot
from tests import snapshots

CONFIG = Config()


@pytest.fixture(scope="module")
def page() -> dict[str, str]:
    """Return array -> bytes, from the first table of the page."""
    text = (Path(__file__).parents[3] / "docs" / "scale.md").read_text("utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return {cells[0].strip(): cells[1].strip() for cells in reversed(rows)}


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return snapshots.of_shop()


@pytest.fixture(scope="module")
def there(snapshot: Snapshot) -> Moment:
    return moment.make(snapshot, CONFIG, history.scheme_of(snapshot, CONFIG))


@pytest.fixture(scope="module")
def step(snapshot: Snapshot, there: Moment) -> Block:
    cuts = split(snapshot, CONFIG)
    labels = cuts.validation.wanted(snapshot, CONFIG.target)
    users = np.arange(10)
    drawn = np.random.default_rng(0).random((len(users), CONFIG.random_negatives))
    pools = Asker.of(there, labels, CONFIG).pools(users, drawn)
    return block(there, users, pools, labels)


def sizes(there: Moment) -> dict[str, int]:
    L = len(there.state.node)
    return {
        "H": CONFIG.heads,
        "F": there.edges.features.shape[1],
        "Fu": there.x_user.shape[1],
        "L": L,
        "G": L + 2,
    }


def stated(page: dict[str, str], array: str, there: Moment) -> int:
    """Return the bytes of one unit, `48 + 8H + 8F a user ...` worked out."""
    formula = page[array].split(" a ")[0].split(" an ")[0]
    axes = sizes(there)
    total = 0
    for term in formula.split(" + "):
        digits = term.rstrip("HFuLG")
        total += int(digits) * axes.get(term[len(digits) :], 1)
    return total


def held(block: Block, *names: str) -> int:
    found = 0
    for name in names:
        value = getattr(block, name)
        parts = [part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, Tensor)]
        found += sum(part.nbytes for part in parts)
    return found


def test_bytes_of_an_event(page: dict[str, str], snapshot: Snapshot, there: Moment):
    events = snapshot.events
    whole = sum(getattr(events, field.name).nbytes for field in fields(events))
    assert whole == len(events) * stated(page, "snapshot, events", there)


def test_bytes_of_history_edges_and_users(page: dict[str, str], there: Moment):
    edges = there.edges
    whole = sum(getattr(edges, field.name).nbytes for field in fields(edges))
    assert whole == len(edges) * stated(page, "history edges of a cut", there)
    users = there.x_user.nbytes + there.level.nbytes
    assert users == len(there.x_user) * stated(page, "user features of a cut", there)


def test_bytes_of_items(page: dict[str, str], there: Moment):
    state = there.state
    matrices = state.matrices
    assert page["item-item edges of a cut"] == "8 an edge, 24 an item"
    for part in matrices:
        assert part.target.nbytes + part.weight.nbytes == 8 * len(part.target)
    assert sum(part.indptr.nbytes for part in matrices) == 24 * (len(state.position) + 1)
    names = ("position", "x_item", "price", "price_level", "node", "node_share", "brand", "brand_share")
    items = sum(getattr(state, name).nbytes for name in (*names, "line", "line_share", "walk_mass"))
    assert items == len(state.position) * (stated(page, "items' side of a cut", there) - 8)
    assert state.candidates.itemsize == 8  # left out above: there are at most as many candidates as items


def test_bytes_of_a_step(page: dict[str, str], there: Moment, step: Block):
    N, B = step.edge_index.shape[1], len(step.pair_user)
    edges = held(step, "edge_index", "edge_attr", "base", "edge_node")
    assert edges == N * stated(page, "step, history edges", there)
    pairs = held(step, "pair_user", "pair_item", "label", "novel", "weight")
    assert pairs == B * stated(page, "step, pairs", there)
    for paths in (step.own, *step.paths, *step.nodes):
        matrix = paths.matrix
        assert matrix.nnz > 0
        held_bytes = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
        assert held_bytes == 8 * matrix.nnz + 4 * (matrix.shape[0] + 1)
    assert page["step, paths"].startswith("8 a path, and 4 for each history edge")
    for matrix in (step.own.matrix, *(paths.matrix for paths in step.nodes)):
        assert matrix.shape[0] <= N  # no more rows than history edges
        assert matrix.nnz <= B  # one path a pair at most
    assert page["step, own history and nodes"].startswith("at most 8 + 8G a pair, and 4 + 4G for each history edge")


def test_bytes_of_a_cut_that_is_sampled(page: dict[str, str], snapshot: Snapshot, there: Moment):
    labels = split(snapshot, CONFIG).validation.wanted(snapshot, CONFIG.target)
    asker, draws = Asker.of(there, labels, CONFIG), Draws(0, 0, np.random.PCG64(0))
    kept = Batches.of(there, [np.arange(10), np.arange(10, 20)], slice(None), asker, draws, CONFIG.history_sample)
    edges = kept.data[HISTORY]
    history = sum(edges[name].nbytes for name in ("edge_index", "edge_attr", "base", "bought"))
    history += kept.asker.history.data.nbytes + kept.asker.history.indices.nbytes
    assert history == edges.num_edges * stated(page, "sampled cut, history edges", there)
    assert page["sampled cut, item-item edges"] == "12 an edge, and 4 once more for those of EASE"
    for name in NEAR:
        near = kept.data[name]
        assert near.edge_index.nbytes + near.edge_weight.nbytes == 12 * near.num_edges
    assert np.shares_memory(kept.asker.near.data, kept.data[NEAR[0]].edge_weight.numpy())
    assert kept.asker.near.indices.nbytes == 4 * kept.data[NEAR[0]].num_edges


def test_the_largest_step_of_the_defaults_follows_from_the_bytes():
    text = (Path(__file__).parents[3] / "docs" / "scale.md").read_text("utf-8")
    a_user = 3 * 8 * CONFIG.history_sample * CONFIG.neighbours
    assert f"{a_user / 1e6:.1f} MB a user, {a_user * CONFIG.users_per_step / 1e6:.0f} MB a step" in text


def test_the_figures_of_each_size_follow_from_the_bytes(page: dict[str, str]):
    text = (Path(__file__).parents[3] / "docs" / "scale.md").read_text("utf-8")
    edge = 48 + 8 * 4 + 8 * 20
    assert f"history edges of one cut ({edge} each)" in text
    for power in (8, 9, 10):
        events, edges = 44 * 10**power / 1e9, edge * 10**power / 2 / 1e9
        assert f"{events:g} GB" in text
        assert f"{edges:g} GB" in text
    assert 8 * 3 * CONFIG.neighbours * 10**6 / 1e9 == 4.8
    assert page
