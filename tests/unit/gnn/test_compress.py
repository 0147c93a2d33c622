"""A compressed model: what it keeps, how far its scores may be off, and that it is a model like any other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn import artefact, compress, explain, ranking, scorer, untrained
from gnn.artefact import Artefact
from gnn.compact import CompactEdges, pack
from gnn.config import Config
from gnn.errors import ArtefactRefused, ModelError, NotEnoughData
from gnn.evaluation import compression
from gnn.registry import Registry
from gnn.state import state_arrays
from graph.disk import sha256
from graph.snapshot import Snapshot
from tests import snapshots as shops
from tests.unit.gnn.support import history_of

SMALL = Config(width=8, heads=2)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return shops.of_shop()


def drawn(snapshot: Snapshot, config: Config) -> Artefact:
    """Return a model whose weights are drawn at random: nothing in it is silent, and nothing needs training."""
    made, rng = untrained.build(snapshot, config), np.random.default_rng(0)
    weights = {name: (value + rng.normal(0, 0.2, value.shape)).astype("f4") for name, value in made.weights.items()}
    return replace(made, weights=weights)


@pytest.fixture(scope="module")
def full(snapshot: Snapshot) -> Artefact:
    return drawn(snapshot, SMALL)


@st.composite
def matrices(draw: st.DrawFn) -> sp.csr_matrix:
    n = draw(st.sampled_from([1, 3, 300, 70_000, 200_000]))
    places = st.tuples(st.integers(0, min(n, 6) - 1), st.integers(0, n - 1))
    weights = st.floats(-1e3, 1e3, width=32).filter(lambda value: value == 0 or abs(value) > 1e-6)
    entries = draw(st.dictionaries(places, weights, max_size=30))
    row, column = np.array(list(entries), np.int64).reshape(-1, 2).T
    return sp.csr_matrix((np.array(list(entries.values()), np.float32), (row, column)), shape=(n, n))


@settings(max_examples=100, deadline=None)
@given(matrix=matrices(), dropped=st.sampled_from([0.0, 1e-3, 1.0, 50.0]))
def test_no_weight_is_further_off_than_its_row_says(matrix: sp.csr_matrix, dropped: float):
    packed = pack(matrix, dropped)
    again = packed.served(np.arange(matrix.shape[0]))[np.arange(matrix.shape[0])]
    off = abs(again - matrix).max(axis=1).toarray().ravel()
    assert (off <= compress.errors(packed, dropped) * (1 + 1e-5)).all()


@settings(max_examples=50, deadline=None)
@given(matrix=matrices(), seed=st.integers(0, 9))
def test_rows_are_read_in_any_order_and_more_than_once(matrix: sp.csr_matrix, seed: int):
    packed = pack(matrix, 0.0)
    # Item 0 is no candidate, the others are those of the matrix.
    position = np.arange(-1, matrix.shape[0])
    rows = np.random.default_rng(seed).integers(0, 4, 5).clip(0, matrix.shape[0])
    found = packed.served(position)[rows]
    whole = packed.unpacked(position).matrix(matrix.shape[1])
    assert abs(found - whole[rows]).sum() == 0
    assert whole[[0]].nnz == 0


def test_edges_take_two_bytes_each_and_far_ones_a_bridge():
    near = pack(sp.csr_matrix((np.ones(255), (np.zeros(255, int), np.arange(255))), shape=(255, 255)), 0.0)
    assert (near.gap.dtype, len(near.gap)) == (np.uint8, 255)
    row = sp.csr_matrix((np.ones(3), ([0, 0, 0], [0, 255, 511])), shape=(512, 512))
    assert pack(row, 0.0).gap.tolist() == [0, 255, 255, 1]
    far = pack(sp.csr_matrix((np.ones(2), ([0, 0], [0, 60_000])), shape=(60_001, 60_001)), 0.0)
    assert (far.gap.dtype, len(far.gap)) == (np.uint16, 2)


@pytest.mark.parametrize("share", [0.0, 0.08, 0.5])
@pytest.mark.parametrize("attention", ["context", "content+self"])
@pytest.mark.parametrize("fusion", ["bilinear", "sum"])
def test_no_score_is_further_off_than_its_bound(snapshot: Snapshot, share: float, attention: str, fusion: str):
    full = drawn(snapshot, replace(SMALL, attention=attention, fusion=fusion))
    small = compress.compress(full, share)
    rows = np.arange(len(full.item_ids))
    largest = 0.0
    for user in range(0, len(snapshot.user_ids), 10):
        sent = scorer.messages(small, history_of(snapshot, user).columns(), snapshot.at, {"income": "low"})
        whole = scorer.messages(full, history_of(snapshot, user).columns(), snapshot.at, {"income": "low"})
        off = np.abs(scorer.scores(small, sent, rows) - scorer.scores(full, whole, rows))
        assert (off <= compress.score_errors(small, sent, rows) + 1e-9).all()
        channel = np.abs(scorer.channel_values(small, sent, rows) - scorer.channel_values(full, whole, rows))
        assert (channel <= compress.channel_errors(small, sent, rows) + 1e-9).all()
        largest = max(largest, float(off.max()))
    assert largest > 0


def test_it_is_saved_loaded_promoted_and_ranks_the_same_afterwards(snapshot: Snapshot, full: Artefact, tmp_path: Path):
    small = compress.compress(full)
    artefact.save(full, tmp_path)
    folder = artefact.save(small, tmp_path)
    registry = Registry(tmp_path)
    registry.promote(small.version)
    again = registry.load()
    assert isinstance(again.state.ease, CompactEdges)
    assert again.manifest.compression == small.manifest.compression
    assert again.manifest.compression["of"] == full.version
    history = history_of(snapshot, 3)
    before, after = (ranking.rank(model, history, now=snapshot.at, k=10) for model in (small, again))
    assert np.array_equal(before.item, after.item)
    assert np.array_equal(before.score, after.score)
    for files in ("ease.*", "x_item.*", "price.*", "ids.*"):
        whole = sum(path.stat().st_size for path in (tmp_path / full.version).glob(files))
        assert sum(path.stat().st_size for path in folder.glob(files)) < whole


def test_what_is_packed_on_disk_is_loaded_to_the_bit(full: Artefact, tmp_path: Path):
    small = compress.compress(full)
    again = artefact.load(artefact.save(small, tmp_path))
    saved, loaded = (state_arrays(model.state) for model in (small, again))
    assert saved.keys() == loaded.keys()
    for name, value in saved.items():
        assert loaded[name].dtype == value.dtype
        assert np.array_equal(loaded[name], value, equal_nan=value.dtype.kind == "f")
        assert not loaded[name].flags.writeable
    assert (again.item_ids, again.category_ids, again.brand_ids) == (
        small.item_ids,
        small.category_ids,
        small.brand_ids,
    )


@pytest.mark.parametrize("name", ["ids.json.xz", "x_item.npy.xz"])
def test_a_packed_file_that_cannot_be_read_is_refused(full: Artefact, tmp_path: Path, name: str):
    folder = artefact.save(compress.compress(full), tmp_path)
    (folder / name).write_bytes(b"not packed")
    with pytest.raises(ArtefactRefused, match="sha256"):
        artefact.load(folder)
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    manifest["files"][name] = sha256(folder / name)
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    with pytest.raises(ArtefactRefused, match="cannot be read"):
        artefact.load(folder)


def test_its_explanations_sum_to_the_scores_that_it_serves(snapshot: Snapshot, full: Artefact):
    small = compress.compress(full, 0.2)
    for user in range(0, len(snapshot.user_ids), 10):
        history = history_of(snapshot, user)
        ranked = ranking.rank(small, history, now=snapshot.at, k=5)
        for item, score in zip(ranked.item.tolist(), ranked.score, strict=True):
            said = explain.explain(small, history, item, now=snapshot.at)
            assert said.score == pytest.approx(score, abs=1e-9)
            assert sum(part.value for part in said.contributions) == pytest.approx(score, abs=1e-5)


def test_similar_items_are_those_of_the_model_in_full(full: Artefact):
    small = compress.compress(full, 0.0)
    for item in range(0, len(full.item_ids), 7):
        whole, strength = explain.similar(full, item, 3)
        found, about = explain.similar(small, item, 3)
        assert len(found) == len(whole)
        assert np.allclose(about, strength, atol=float(strength.max(initial=0.0)) / 200)


def test_a_compressed_model_is_not_compressed_again_and_names_its_original(full: Artefact):
    with pytest.raises(ModelError, match=full.version):
        compress.compress(compress.compress(full))


def test_a_shop_without_edges_is_compressed(snapshot: Snapshot):
    nothing = untrained.build(snapshot.until(0))
    small = compress.compress(nothing)
    assert ranking.rank(small, history_of(snapshot.until(0), 0), now=snapshot.at, k=5).item.tolist() == (
        ranking.rank(nothing, history_of(snapshot.until(0), 0), now=snapshot.at, k=5).item.tolist()
    )


def test_the_report_holds_both_against_the_same_period(snapshot: Snapshot, tmp_path: Path):
    model = untrained.build(snapshot, SMALL)
    folders = tuple(artefact.save(each, tmp_path) for each in (model, compress.compress(model, 0.0)))
    found = compression.measure(snapshot, model, (folders[0], folders[1]), 0.0)
    assert found.users > 10
    assert found.bytes_before == sum(path.stat().st_size for path in folders[0].iterdir())
    assert abs(found.all.difference - (found.ndcg_all[1] - found.ndcg_all[0])) < 1e-9
    assert found.all.low <= found.all.difference <= found.all.high
    assert 0 < found.head_moved <= found.head_bound
    assert found.kept_of_head > 0.9
    assert found.acceptable


def test_dropping_nearly_everything_is_seen_to_lose(snapshot: Snapshot, tmp_path: Path):
    model = untrained.build(snapshot, SMALL)
    folder = artefact.save(model, tmp_path)
    found = compression.measure(snapshot, model, (folder, folder), 0.999)
    assert found.novel.relative < -compression.MOST_LOST
    assert not found.acceptable


def test_without_a_period_to_rank_nothing_is_measured(snapshot: Snapshot, tmp_path: Path):
    nothing = snapshot.until(0)
    model = untrained.build(nothing)
    folder = artefact.save(model, tmp_path)
    with pytest.raises(NotEnoughData):
        compression.measure(nothing, model, (folder, folder), 0.1)
