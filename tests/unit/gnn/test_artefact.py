"""Artefacts on disk: whole or not at all, checked, switched, rolled back."""

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pytest

from gnn import artefact, ranking, untrained
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.errors import ArtefactRefused, NoArtefact
from gnn.registry import Registry
from tests import snapshots
from tests.unit.gnn.support import history_of

SHOP = snapshots.of_shop()


@pytest.fixture(scope="module")
def made() -> Artefact:
    return untrained.build(SHOP)


def test_what_is_loaded_ranks_as_what_was_saved(made: Artefact, tmp_path: Path):
    again = artefact.load(artefact.save(made, tmp_path))
    history = history_of(SHOP, 3)
    before, after = (ranking.rank(x, history, now=SHOP.at, k=10) for x in (made, again))
    assert np.array_equal(before.item, after.item)
    assert np.array_equal(before.score, after.score)
    assert (again.version, again.config, again.scheme) == (made.version, made.config, made.scheme)
    assert again.item_ids == made.item_ids


@pytest.mark.parametrize("name", ["weights.safetensors", "ids.json", "x_item.npy", "ease.weight.npy"])
def test_a_changed_or_missing_file_is_refused(made: Artefact, tmp_path: Path, name: str):
    folder = artefact.save(made, tmp_path)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ArtefactRefused, match="sha256"):
        artefact.load(folder)
    (folder / name).unlink()
    with pytest.raises(ArtefactRefused, match=name):
        artefact.load(folder)


def test_another_format_and_a_broken_manifest_are_refused(made: Artefact, tmp_path: Path):
    folder = artefact.save(made, tmp_path)
    manifest = folder / "manifest.json"
    content = orjson.loads(manifest.read_bytes())
    manifest.write_bytes(orjson.dumps({**content, "format": 99}))
    with pytest.raises(ArtefactRefused, match="format 99"):
        artefact.load(folder)
    manifest.write_bytes(b"{")
    with pytest.raises(ArtefactRefused, match="not a manifest"):
        artefact.load(folder)


def test_a_failed_save_leaves_nothing(made: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artefact.np, "save", full)
    with pytest.raises(OSError, match="No space"):
        artefact.save(made, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert Registry(tmp_path).versions() == ()


def test_promotion_switches_and_rollback_switches_back(tmp_path: Path):
    registry = Registry(tmp_path)
    assert registry.current() is None
    with pytest.raises(NoArtefact):
        registry.load()
    first, second = (untrained.build(SHOP, Config(seed=seed)) for seed in (0, 1))
    for each in (first, second):
        artefact.save(each, tmp_path)
        registry.promote(each.version)
    assert set(registry.versions()) == {first.version, second.version}
    assert registry.load().version == second.version
    assert registry.rollback().name == first.version
    assert registry.load().version == first.version


def test_a_second_rollback_goes_further_back_and_a_third_says_what_there_is(tmp_path: Path):
    registry = Registry(tmp_path)
    made = [untrained.build(SHOP, Config(seed=seed)) for seed in range(3)]
    first, second, third = (artefact.save(each, tmp_path).name for each in made)
    for version in (first, second, first, second, third):
        registry.promote(version)
    assert registry.rollback().name == second
    assert registry.rollback().name == first
    with pytest.raises(NoArtefact, match=f"before {first}.*attune promote.*") as refused:
        registry.rollback()
    assert second in str(refused.value)
    assert third in str(refused.value)
    assert registry.load().version == first
    registry.promote(third)
    assert registry.rollback().name == first


def test_a_rollback_passes_over_models_that_were_deleted(tmp_path: Path):
    registry = Registry(tmp_path)
    made = [untrained.build(SHOP, Config(seed=seed)) for seed in range(3)]
    first, second, third = (artefact.save(each, tmp_path).name for each in made)
    for version in (first, second, third):
        registry.promote(version)
    shutil.rmtree(tmp_path / second)
    assert registry.rollback().name == first


def test_a_rollback_that_another_process_made_meanwhile_is_not_made_twice(tmp_path: Path):
    registry = Registry(tmp_path)
    first, second, third = (artefact.save(untrained.build(SHOP, Config(seed=seed)), tmp_path).name for seed in range(3))
    for version in (first, second, third):
        registry.promote(version)
    checked = registry.checked(second)
    assert registry.rollback().name == second
    assert registry.go_back(checked).name == second
    previous = registry.previous()
    assert previous is not None
    assert previous.name == first


def test_what_an_earlier_version_wrote_of_the_model_before_is_understood(tmp_path: Path):
    registry = Registry(tmp_path)
    first, second = (artefact.save(untrained.build(SHOP, Config(seed=seed)), tmp_path).name for seed in range(2))
    (tmp_path / "current").write_text(json.dumps({"current": second, "previous": first}))
    assert registry.rollback().name == first
    with pytest.raises(NoArtefact):
        registry.rollback()
    (tmp_path / "current").write_text(json.dumps({"current": second, "previous": None}))
    assert registry.previous() is None


def test_two_models_of_the_same_content_in_one_second_are_two(tmp_path: Path):
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    first, second = (
        artefact.build(SHOP, one.config, one.scheme, one.state, one.weights, trained=False, created=moment)
        for one in [untrained.build(SHOP)] * 2
    )
    for each in (first, second):
        artefact.save(each, tmp_path)
    assert Registry(tmp_path).versions() == tuple(sorted((first.version, second.version)))
    assert len(Registry(tmp_path).versions()) == 2


def test_an_unknown_version_is_not_promoted(tmp_path: Path):
    with pytest.raises(NoArtefact, match="none"):
        Registry(tmp_path).promote("2020")
    with pytest.raises(NoArtefact, match="previous"):
        Registry(tmp_path).rollback()


def test_a_model_whose_scores_are_not_sums_is_never_promoted(tmp_path: Path):
    made = untrained.build(SHOP, Config(fusion="concat"))
    artefact.save(made, tmp_path)
    with pytest.raises(ArtefactRefused, match="bilinear"):
        Registry(tmp_path).promote(made.version)
    assert Registry(tmp_path).current() is None


def test_a_damaged_artefact_does_not_replace_the_current_one(made: Artefact, tmp_path: Path):
    artefact.save(made, tmp_path)
    registry = Registry(tmp_path)
    registry.promote(made.version)
    other = untrained.build(SHOP, Config(seed=1))
    (artefact.save(other, tmp_path) / "ids.json").write_bytes(b"{}")
    with pytest.raises(ArtefactRefused):
        registry.promote(other.version)
    assert registry.load().version == made.version


def test_serving_imports_no_torch():
    import subprocess

    code = "import sys, gnn.artefact, gnn.ranking, gnn.explain, gnn.untrained; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
