"""The protocol on the small shop: every model on every slice, group and origin; its table, pages and pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from gnn.baselines import registry
from gnn.config import Config
from gnn.errors import BadConfig
from gnn.evaluation import charts, contenders, origins, protocol, report, tuning, variants
from gnn.evaluation.kept import Kept
from gnn.evaluation.measure import SLICES
from gnn.evaluation.period import COLD_USERS, EVERYONE, Period
from gnn.evaluation.table import MEAN, Table
from gnn.train import Epoch, Silent
from graph.snapshot import Snapshot
from tests.unit.gnn.support import SMALL

FEW = ("popularity", "frequency", "frequency+ease")


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
            assert set(by) <= set(protocol.COMPARED)
            if row.group == EVERYONE:
                assert set(by) == set(protocol.COMPARED)
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


def test_the_network_is_held_against_every_variant_of_itself(snapshot: Snapshot):
    config = Config(epochs=0, min_buyers=1, loss="bce", fusion="sum")
    names = ("no own history", "no item-item edges", "loss: bce", "fusion: sum")
    chosen = variants.named("ablation", config, "cpu", names)
    assert list(chosen) == ["attune", "no item-item edges", "no own history"]
    table = protocol.evaluate(snapshot, chosen, origins.rolling(snapshot, config), config)
    (row,) = [row for row in table.rows if (row.model, row.slice, row.group) == ("attune", "all", EVERYONE)]
    assert row.against["no own history"]["ndcg20"].low > 0
    assert set(row.against) == {"no item-item edges", "no own history"}
    assert len(variants.named("grid", Config())) == 19


def test_unknown_models_and_settings_are_refused_and_the_known_ones_named():
    with pytest.raises(BadConfig, match="popularity"):
        contenders.check_names(["crystal-ball"])
    with pytest.raises(BadConfig, match="complete-journey"):
        tuning.tuned("crystal-ball")
    with pytest.raises(BadConfig, match="half_life_weeks"):
        registry.make("frequency", {"half_lives": 3.0})


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
