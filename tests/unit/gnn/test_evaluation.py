"""The protocol on the small shop: split by time, full ranking, slices, groups, rolling origins, paired intervals."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from gnn.artefact import Artefact
from gnn.baselines import registry
from gnn.config import Config
from gnn.errors import BadConfig, NotEnoughData
from gnn.evaluation import boosted, charts, contenders, network, origins, protocol, report, tuning, variants
from gnn.evaluation.intervals import intervals
from gnn.evaluation.kept import Kept
from gnn.evaluation.measure import SLICES, Score, measure
from gnn.evaluation.period import COLD_USERS, EVERYONE, Period, prepare
from gnn.evaluation.table import MEAN, Table
from gnn.split import Cut
from gnn.state import ITEM_FEATURES
from gnn.train import Epoch, Progress, Silent
from graph import snapshot as snapshots
from graph.snapshot import Snapshot
from tests import shop as shops
from tests import snapshots as shop_snapshots

SMALL = Config(epochs=1, min_buyers=1)
FEW = ("popularity", "frequency", "frequency+ease")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return shop_snapshots.of_shop()


@pytest.fixture(scope="module")
def table(snapshot: Snapshot) -> Table:
    """Two origins, two seeds, the network and some of the baselines."""
    return protocol.evaluate(
        snapshot,
        contenders.named((*FEW, "bpr", "untrained", "attune"), SMALL, device="cpu"),
        origins.rolling(snapshot, SMALL, 2),
        SMALL,
        seeds=(0, 1),
    )


@pytest.fixture(scope="module")
def period(snapshot: Snapshot) -> Period:
    return prepare(snapshot, origins.rolling(snapshot, SMALL)[0], SMALL)


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


def test_a_model_that_knows_the_promotions_of_the_period_is_the_only_one_that_sees_them(snapshot: Snapshot):
    (cut,) = shop_snapshots.periods(origins.rolling(snapshot, SMALL))
    wanted = np.bincount(snapshot.events.item[snapshot.events.at >= cut.at], minlength=len(snapshot.item_ids))
    best = np.argsort(-wanted)[:3]
    given = snapshots.make_promotions(best, [cut.at + 1] * 3, [cut.until] * 3, [1.0] * 3)
    announcing = replace(snapshot, promotions=given)
    period = prepare(announcing, cut, SMALL)
    assert not len(period.past.announced)
    assert sorted(period.announced.announced.item) == sorted(best)
    silent = Config(epochs=0, min_buyers=1)
    blind = network.Trained(silent, "cpu").at(period, 0, Silent())[0]
    told = network.Trained(replace(silent, announced=True), "cpu").at(period, 0, Silent())[0]
    column = ITEM_FEATURES.index("promoted_next")
    assert not blind.state.x_item[:, column].any()
    rows = told.state.x_item[:, column]
    assert set(np.flatnonzero(rows > 0)) == {int(item) for item in best}
    users = period.users[:5]
    assert np.array_equal(
        network.served(blind, period)(users),
        network.served(network.Trained(silent, "cpu").at(prepare(snapshot, cut, SMALL), 0, Silent())[0], period)(users),
    )
    assert contenders.named((contenders.AHEAD,), SMALL)[contenders.AHEAD].settings["announced"]


def test_the_network_is_held_against_every_variant_of_itself(snapshot: Snapshot):
    config = Config(epochs=0, min_buyers=1, loss="bce", fusion="sum")
    chosen = {
        name: contender
        for name, contender in variants.named("ablation", config, "cpu").items()
        if name in ("attune", "no own history", "no item-item edges", "loss: bce", "fusion: sum")
    }
    assert list(chosen) == ["attune", "no item-item edges", "no own history"]
    table = protocol.evaluate(snapshot, chosen, origins.rolling(snapshot, config), config)
    (row,) = [row for row in table.rows if (row.model, row.slice, row.group) == ("attune", "all", EVERYONE)]
    assert row.against["no own history"]["ndcg20"].low > 0
    assert set(row.against) == {"no item-item edges", "no own history"}
    assert len(variants.named("grid", Config())) == 19


def test_every_model_is_on_every_slice_at_every_origin_and_in_their_mean(table: Table):
    first, second = (origin.name for origin in table.origins)
    everyone = {(row.origin, row.model, row.slice) for row in table.rows if row.group == EVERYONE}
    assert everyone == {
        (origin, model, name)
        for origin in (first, second, MEAN)
        for model in (*FEW, "bpr", "untrained", "attune")
        for name in SLICES
    }
    for row in table.rows:
        for metric in ("recall20", "ndcg20", "revenue_ndcg20", "hitrate10", "mrr", "coverage", "gini", "diversity"):
            assert 0 <= row.metrics.get(metric, 0.0) <= 1, metric


def test_the_mean_row_is_the_mean_of_the_origins(table: Table):
    for model in ("frequency", "attune"):
        at = [table.chosen("novel", origin=origin.name) for origin in table.origins]
        each = [row.metrics["ndcg20"] for rows in at for row in rows if row.model == model]
        whole = next(row.metrics["ndcg20"] for row in table.chosen("novel", origin=MEAN) if row.model == model)
        assert len(each) == 2
        assert whole == pytest.approx(np.mean(each))


def test_the_network_is_compared_with_every_other_model(table: Table):
    compared = [row for row in table.rows if row.model == "attune" and row.users]
    assert {row.origin for row in compared} == {*(origin.name for origin in table.origins), MEAN}
    for row in compared:
        assert set(row.against) == {*FEW, "bpr", "untrained"}
        for name, by in row.against.items():
            other = next(
                other
                for other in table.rows
                if (other.model, other.slice, other.group, other.origin) == (name, row.slice, row.group, row.origin)
            )
            for metric, gap in by.items():
                assert gap.difference == pytest.approx(row.metrics[metric] - other.metrics[metric])
                assert gap.low <= gap.difference + 1e-9
                assert gap.difference <= gap.high + 1e-9


def test_income_bands_and_cold_users_are_told_apart(table: Table, snapshot: Snapshot):
    groups = {row.group for row in table.rows}
    assert groups == {EVERYONE, COLD_USERS, "income: low", "income: high", "income: unknown"}
    by = {row.group: row for row in table.chosen("all") if row.model == "frequency"}
    rows = [row for row in table.rows if (row.model, row.slice, row.origin) == ("frequency", "all", MEAN)]
    by = {row.group: row.users for row in rows}
    assert by[EVERYONE] == by["income: low"] + by["income: high"] + by["income: unknown"]


def test_what_happens_after_the_cut_changes_no_score(snapshot: Snapshot, period: Period):
    """Two futures: whoever is ranked for in both gets the same scores."""
    kept = snapshot.events.at < shop_snapshots.periods([period.cut])[0].at
    mirrored = snapshots.build(
        user_ids=snapshot.user_ids,
        item_ids=snapshot.item_ids,
        event_types=snapshot.event_types,
        contexts=snapshot.contexts,
        category_ids=snapshot.category_ids,
        category_parent=snapshot.category_parent,
        item_category=snapshot.item_category,
        item_price=snapshot.item_price,
        item_available=snapshot.item_available,
        events=snapshots.make_events(
            snapshot.events.user,
            np.where(kept, snapshot.events.item, (snapshot.events.item + 1) % len(snapshot.item_ids)),
            snapshot.events.type,
            snapshot.events.at,
        ),
    )
    assert not kept.all()
    other = prepare(mirrored, period.cut, SMALL)
    assert not np.array_equal(other.truth.toarray(), period.truth.toarray())
    for name, contender in contenders.named((*FEW, "tifuknn"), SMALL).items():
        users = np.arange(10)
        here, there = (contender.fit(at, 0, Silent()).score(users) for at in (period, other))
        assert np.array_equal(here, there), name


def truth_first(period: Period) -> Score:
    """The best lists there are: what is bought in the period, then the rest."""
    return lambda users: period.truth[users].toarray().astype(np.float64)


def test_whoever_knows_the_future_is_perfect_in_every_slice(period: Period):
    measured = measure(truth_first(period), period, Silent())
    for name in SLICES:
        for metric in ("ndcg20", "mrr", "hitrate10"):
            values = measured.per_user[name][metric]
            assert np.isnan(values).all() or np.nanmin(values) == pytest.approx(1.0), (name, metric)


def test_novel_and_unexplored_lists_hold_what_is_new(period: Period, snapshot: Snapshot):
    bought = period.bought.toarray() > 0
    leaf = snapshot.item_category
    past = period.past.events
    purchases = past.type == snapshot.event_types.index("purchase")
    for name in ("novel", "unexplored"):
        values = measure(truth_first(period), period, Silent()).per_user[name]["recall20"]
        for place, user in enumerate(period.users):
            wanted = (period.truth[[user]].toarray()[0] > 0) & ~bought[user]
            if name == "unexplored":
                seen = set(leaf[past.item[purchases & (past.user == user)]])
                wanted &= np.array([leaf[item] not in seen for item in period.candidates])
            assert np.isnan(values[place]) == (not wanted.any())


def test_lists_of_a_whole_catalogue_miss_nothing():
    snapshot = shop_snapshots.of_shop(shops.make(users=20, items=16))
    cut = origins.rolling(snapshot, SMALL)
    found = protocol.evaluate(snapshot, contenders.named(("frequency",), SMALL), cut, SMALL)
    assert {row.slice: row.metrics["recall20"] for row in found.rows if row.users and row.group == EVERYONE} == {
        row.slice: 1.0 for row in found.rows if row.users and row.group == EVERYONE
    }


def test_blocks_do_not_change_what_is_measured(period: Period, monkeypatch: pytest.MonkeyPatch):
    score = contenders.named(("frequency",), SMALL)["frequency"].fit(period, 0, Silent()).score
    whole = measure(score, period, Silent())
    monkeypatch.setattr("gnn.evaluation.measure._CELLS", 3 * len(period.candidates))
    parts = measure(score, period, Silent())
    for name in SLICES:
        for metric, values in whole.per_user[name].items():
            assert np.array_equal(values, parts.per_user[name][metric], equal_nan=True)
        assert whole.per_model[name] == parts.per_model[name]


def test_rolling_origins_tile_the_end_of_the_events(snapshot: Snapshot):
    cuts = shop_snapshots.periods(origins.rolling(snapshot, SMALL, 3))
    assert [cut.until for cut in cuts[:-1]] == [cut.at for cut in cuts[1:]]
    assert cuts[-1].until == snapshot.at
    assert origins.before(cuts[2]) == cuts[1]
    days = shop_snapshots.periods(origins.rolling(snapshot, SMALL, 2, days=7))
    assert all(cut.until - cut.at == 7 * 86_400_000_000 for cut in days)
    with pytest.raises(NotEnoughData, match="later --until"):
        origins.rolling(snapshot, SMALL, until=int(snapshot.events.at.min()))
    with pytest.raises(NotEnoughData, match="--origins"):
        origins.rolling(snapshot, SMALL, 50)


def test_explicit_cuts_are_followed_by_periods_of_the_length_asked_for(snapshot: Snapshot):
    middle = int(np.median(snapshot.events.at))
    assert origins.at(snapshot, SMALL, [middle], days=7) == (Cut(middle, middle + 7 * 86_400_000_000),)
    assert origins.at(snapshot, SMALL, [middle]) == (Cut(middle, snapshot.at),)
    with pytest.raises(NotEnoughData, match="--cut"):
        origins.at(snapshot, SMALL, [snapshot.at])


def test_a_period_without_purchases_is_refused(snapshot: Snapshot):
    with pytest.raises(NotEnoughData):
        prepare(snapshot, Cut(snapshot.at, snapshot.at + 1), SMALL)


def test_unknown_models_and_settings_are_refused_and_the_known_ones_named():
    with pytest.raises(BadConfig, match="popularity"):
        contenders.check_names(["crystal-ball"])
    with pytest.raises(BadConfig, match="complete-journey"):
        tuning.tuned("crystal-ball")
    with pytest.raises(BadConfig, match="half_life_weeks"):
        registry.make("frequency", {"half_lives": 3.0})


def test_an_interval_beside_a_model_that_finds_nothing_is_plain_numbers_too():
    ours, theirs = np.full((5, 1), 0.5), np.zeros((1, 5, 1))
    (found,) = intervals(ours, theirs, np.random.default_rng(0), resamples=50)
    assert (found.difference, found.low, found.high) == (0.5, 0.5, 0.5)
    assert orjson.loads(orjson.dumps(asdict(found)))["relative"] is None


def test_intervals_agree_with_the_textbook_and_exclude_zero_when_the_gap_is_clear():
    rng = np.random.default_rng(0)
    theirs = rng.uniform(0.3, 0.5, (1, 400, 1))
    gap = rng.normal(0.1, 0.2, (400, 1))
    (found,) = intervals(theirs[0] + gap, theirs, rng)
    error = 1.96 * gap.std() / np.sqrt(400)
    assert found.difference == pytest.approx(gap.mean())
    assert found.low == pytest.approx(gap.mean() - error, abs=0.002)
    assert found.high == pytest.approx(gap.mean() + error, abs=0.002)
    assert found.relative == pytest.approx(gap.mean() / theirs.mean())
    assert 0 < found.relative_low < found.relative < found.relative_high


def test_over_origins_a_user_is_drawn_whole():
    """The same gap at both origins is no more certain than at one; independent gaps are."""
    rng = np.random.default_rng(0)
    theirs = np.full((1, 300, 2), 0.5)
    one = rng.normal(0.1, 0.2, (300, 1))
    other = rng.normal(0.1, 0.2, (300, 1))
    alone, same, apart = (
        intervals(0.5 + gap, theirs[:, :, : gap.shape[1]], rng)[0]
        for gap in (one, np.hstack([one, one]), np.hstack([one, other]))
    )
    width = alone.high - alone.low
    assert same.high - same.low == pytest.approx(width, rel=0.05)
    assert apart.high - apart.low < 0.8 * width
    absent = np.hstack([one, np.full((300, 1), np.nan)])
    assert intervals(0.5 + absent, theirs, rng)[0].difference == pytest.approx(one.mean())


def test_measurements_are_taken_over_when_everything_agrees(snapshot: Snapshot, tmp_path: Path):
    keep = Kept(tmp_path)
    cuts = origins.rolling(snapshot, SMALL)
    fitted: list[str] = []

    def run(name: str, half_life: float) -> Table:
        inner = contenders.baseline(name, {"half_life_weeks": half_life})

        def fit(period: Period, seed: int, progress: protocol.Progress) -> contenders.Fitted:
            fitted.append(name)
            return inner.fit(period, seed, progress)

        contender = contenders.Contender(fit, draws=False, settings=inner.settings)
        return protocol.evaluate(snapshot, {name: contender}, cuts, SMALL, keep=keep)

    first, again = run("frequency", 8.0), run("frequency", 8.0)
    assert fitted == ["frequency"]
    assert orjson.dumps(first.to_json()["rows"]) == orjson.dumps(again.to_json()["rows"])
    run("frequency", 9.0)
    assert len(fitted) == 2
    for path in tmp_path.iterdir():
        path.write_bytes(b"half of it")
    anew = run("frequency", 8.0)
    assert len(fitted) == 3
    assert orjson.dumps(first.to_json()["rows"]) == orjson.dumps(anew.to_json()["rows"])


def test_ctrl_c_while_a_network_is_fitted_ends_the_evaluation_and_keeps_nothing_of_it(
    snapshot: Snapshot, tmp_path: Path
):
    class Impatient(Silent):
        def epoch(self, report: Epoch) -> None:
            raise KeyboardInterrupt

    half = replace(contenders.named(["attune"], SMALL, device="cpu")["attune"], ours=False)
    with pytest.raises(KeyboardInterrupt):
        protocol.evaluate(
            snapshot,
            {"attune": half},
            origins.rolling(snapshot, SMALL),
            SMALL,
            progress=Impatient(),
            keep=Kept(tmp_path),
        )
    assert not list(tmp_path.iterdir())


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


def test_report_is_one_page_that_holds_everything_and_fetches_nothing(table: Table, tmp_path: Path):
    report.write_report(table, tmp_path)
    data = orjson.loads((tmp_path / "evaluation.json").read_bytes())
    assert len(data["rows"]) == len(table.rows)
    text = (tmp_path / "report.html").read_text()
    assert text.count("<svg") == 9
    assert "Every interval" in text
    assert "<script" not in text
    assert 'src="' not in text
    assert 'href="http' not in text
    columns, cells = table.as_text()
    assert all(len(row) == len(columns) for row in cells)
    assert "users, counted once an origin)" in text


def test_a_table_that_compares_nothing_has_no_column_for_it(table: Table):
    alone = replace(table, rows=tuple(replace(row, against={}) for row in table.rows))
    assert table.as_text()[0][-1] == "ndcg20 against it"
    columns, cells = alone.as_text()
    assert columns[-1] == "coverage"
    assert {len(row) for row in cells} == {len(columns)}


def test_a_model_has_one_colour_in_pictures_side_by_side(table: Table):
    # The first slice's order, turned round in the second.
    rank = {"all": 1, "novel": -1}
    turned = tuple(
        replace(row, metrics={"ndcg20": rank.get(row.slice, 1) * float(1 + FEW.index(row.model))})
        for row in table.rows
        if row.model in FEW
    )
    for draw in (charts.by_origin, charts.by_popularity):
        left, right = draw(replace(table, rows=turned)).axes
        colours = [{line.get_label(): line.get_color() for line in ax.get_lines()} for ax in (left, right)]
        assert set(colours[0]) == set(FEW)
        assert colours[0] == colours[1]
        assert len(set(colours[0].values())) == len(FEW)
