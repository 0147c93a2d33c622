"""Settings of the baselines: searched before the period that is reported on, written, and read again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gnn.artefact import Artefact
from gnn.config import Config
from gnn.errors import BadConfig, NotEnoughData
from gnn.evaluation import boosted, contenders, network, origins, tuning
from gnn.evaluation.period import Period
from gnn.split import Cut
from gnn.train import Progress, Silent
from graph.snapshot import Snapshot
from tests.unit.gnn.support import SMALL


def test_trees_on_the_networks_channels_are_measured_and_tuned_like_every_baseline(snapshot: Snapshot, period: Period):
    scores = []
    for _ in range(2):
        fitted = contenders.named(("lightgbm",), SMALL, device="cpu", tuned={"lightgbm": {"trees": 20}})["lightgbm"]
        scores.append(fitted.fit(period, 0, Silent()).score(period.users[:5]))
    assert np.array_equal(*scores)
    assert len(np.unique(scores[0])) > 20
    with pytest.raises(BadConfig, match="leafs"):
        contenders.named(("lightgbm",), SMALL, tuned={"lightgbm": {"leafs": 3}})
    found = tuning.tune(snapshot, ("lightgbm",), origins.before(period.cut), SMALL, trials=2, device="cpu")
    assert set(found["lightgbm"].settings) == {"leaves", "trees", "learning_rate", "smallest_leaf"}


def test_what_trees_learn_from_is_laid_out_once_for_all_their_settings(period: Period, monkeypatch: pytest.MonkeyPatch):
    seeds: list[int] = []
    learned = boosted.learned

    def counted(made: Artefact, at: Period, config: Config, progress: Progress) -> boosted.Learned:
        seeds.append(config.seed)
        return learned(made, at, config, progress)

    monkeypatch.setattr(boosted, "learned", counted)
    networks = network.Trained(replace(SMALL, epochs=0), "cpu")
    for trees, seed in ((5, 0), (10, 0), (5, 1)):
        contenders.one("lightgbm", networks, {"trees": trees}).fit(period, seed, Silent())
    assert seeds == [0, 1]


def test_tuning_tries_the_defaults_and_writes_what_is_read_again(snapshot: Snapshot, tmp_path: Path):
    cut = origins.before(origins.rolling(snapshot, SMALL)[0])
    found = tuning.tune(snapshot, ("frequency", "itemknn"), cut, SMALL, trials=3)
    default = tuning.tune(snapshot, ("frequency",), cut, SMALL, trials=1)
    assert default["frequency"].settings == {"half_life_weeks": 23.0}
    assert found["frequency"].ndcg20_all * found["frequency"].ndcg20_novel >= (
        default["frequency"].ndcg20_all * default["frequency"].ndcg20_novel
    )
    path = tmp_path / "tuned.toml"
    tuning.write(default, "shop", path)
    tuning.write({"itemknn": found["itemknn"]}, "shop", path)
    assert tuning.tuned("shop", path) == {
        "frequency": default["frequency"].settings,
        "itemknn": found["itemknn"].settings,
    }


def test_each_baseline_is_kept_before_the_next_is_tuned(snapshot: Snapshot):
    cut = origins.before(origins.rolling(snapshot, SMALL)[0])
    kept: list[str] = []

    def stop_after(name: str, found: tuning.Found) -> None:
        assert found.trials == 1
        kept.append(name)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuning.tune(snapshot, ("frequency", "itemknn"), cut, SMALL, trials=1, keep=stop_after)
    assert kept == ["frequency"]


def test_what_cannot_be_measured_is_not_tuned(snapshot: Snapshot):
    events, bought = snapshot.events, snapshot.event_types.index("purchase")
    rows = np.flatnonzero(events.type == bought)
    at, pair = events.at[rows], events.user[rows].astype(np.int64) * len(snapshot.item_ids) + events.item[rows]
    again = [int(at[n]) for n in np.argsort(at) if (pair[at < at[n]] == pair[n]).any() and (at == at[n]).sum() == 1]
    with pytest.raises(NotEnoughData, match="bought before"):
        tuning.tune(snapshot, ("frequency",), Cut(again[-1], again[-1] + 1), SMALL, trials=1)


def test_settings_are_read_again_whatever_the_shop_is_called(tmp_path: Path):
    path = tmp_path / "tuned.toml"
    found = tuning.Found({"ridge": 2.0}, 0.5, 0.25, 1, 1.0)
    for name in ('my "shop"', "Bø\\k", "a.b"):
        tuning.write({"ease": found}, name, path)
    assert [tuning.tuned(name, path) for name in ('my "shop"', "Bø\\k", "a.b")] == [{"ease": {"ridge": 2.0}}] * 3


@pytest.mark.parametrize("content", ["garbage [", "shop = 1", "[shop]\nease = 2", None])
def test_a_file_that_holds_no_tuned_settings_is_named(tmp_path: Path, content: str | None):
    path = tmp_path / "tuned.toml"
    if content is not None:
        path.write_text(content)
        with pytest.raises(BadConfig, match=r"tuned\.toml"):
            tuning.write({}, "shop", path)
    with pytest.raises(BadConfig, match=r"tuned\.toml"):
        tuning.tuned("shop", path)


def test_tuned_settings_of_this_repository_are_settings_that_exist():
    for name, settings in tuning.tuned("complete-journey").items():
        contenders.baseline(name, settings)
        assert settings
