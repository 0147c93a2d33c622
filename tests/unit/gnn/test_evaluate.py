"""The protocol on the small shop: split by time, full ranking, paired intervals."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from gnn import evaluate, plots
from gnn.config import Config
from gnn.errors import BadConfig, NotEnoughData
from gnn.evaluate import Table
from graph import snapshot as snapshots
from graph.snapshot import Snapshot
from tests import shop as shops
from tests import snapshots as shop_snapshots

SMALL = Config(epochs=1, min_buyers=1)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return shop_snapshots.of_shop()


@pytest.fixture(scope="module")
def table(snapshot: Snapshot) -> Table:
    return evaluate.evaluate(snapshot, evaluate.check_names(None), SMALL, device="cpu")


def test_every_model_is_on_every_slice(table: Table):
    assert [(row.model, row.slice) for row in table.rows] == [
        (model, slice_name) for model in evaluate.MODELS for slice_name in ("all", "novel")
    ]
    for row in table.rows:
        assert all(0 <= value <= 1 for value in row.metrics.values())
        assert row.users > 0


def test_the_network_is_compared_with_every_other_model(table: Table):
    row = next(row for row in table.rows if row.model == "attune" and row.slice == "all")
    assert set(row.against) == set(evaluate.MODELS) - {"attune"}
    for name, gap in row.against.items():
        other = next(other for other in table.rows if other.model == name and other.slice == "all")
        assert gap.difference == pytest.approx(row.metrics["ndcg20"] - other.metrics["ndcg20"])
        assert gap.low <= gap.difference <= gap.high


def test_what_happens_after_the_cut_changes_no_score(snapshot: Snapshot, table: Table):
    """Two futures: the lists must be the same, so the coverage of a baseline over the same users is."""
    kept = snapshot.events.at < table.cut
    future = np.flatnonzero(~kept)
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
    names = ("popularity", "frequency+ease")
    other = evaluate.evaluate(mirrored, names, SMALL, cut=table.cut)
    assert len(future)
    for row in other.rows:
        twin = next(twin for twin in table.rows if (twin.model, twin.slice) == (row.model, row.slice))
        assert row.metrics["coverage"] == twin.metrics["coverage"]
        assert row.metrics["ndcg20"] != twin.metrics["ndcg20"]


def test_novel_lists_hold_nothing_that_was_bought():
    shop = shops.make(users=20, items=16)
    snapshot = shop_snapshots.of_shop(shop)
    found = evaluate.evaluate(snapshot, ("frequency",), SMALL)
    assert all(row.users > 0 for row in found.rows)
    # Every list of 20 holds the whole catalogue of 16, so nothing that may be found is missed in either slice.
    assert {row.slice: row.metrics["recall20"] for row in found.rows} == {"all": 1.0, "novel": 1.0}


def test_unknown_models_are_refused_and_the_known_ones_named():
    with pytest.raises(BadConfig, match="popularity"):
        evaluate.check_names(["crystal-ball"])


def test_a_period_without_purchases_is_refused(snapshot: Snapshot):
    with pytest.raises(NotEnoughData):
        evaluate.evaluate(snapshot, ("popularity",), SMALL, cut=snapshot.at, until=snapshot.at + 1)


def test_report_holds_the_table_and_pictures(table: Table, tmp_path: Path):
    plots.write_report(table, tmp_path)
    assert orjson.loads((tmp_path / "evaluation.json").read_bytes())["rows"][0]["model"] == "popularity"
    for name in ("evaluation.png", "training.png"):
        assert (tmp_path / name).stat().st_size > 10_000
    columns, cells = table.as_text()
    assert all(len(row) == len(columns) for row in cells)
