"""What is held out: periods after a cut, what is ranked and wanted in them, and nothing of it seen before."""

from dataclasses import replace

import numpy as np
import pytest

from gnn.config import Config
from gnn.errors import NotEnoughData
from gnn.evaluation import contenders, network, origins, protocol
from gnn.evaluation.measure import SLICES, Score, measure
from gnn.evaluation.period import EVERYONE, Period, prepare
from gnn.split import Cut
from gnn.state import ITEM_FEATURES
from gnn.train import Silent
from graph import snapshot as snapshots
from graph.snapshot import Snapshot
from tests import shop as shops
from tests import snapshots as shop_snapshots
from tests.unit.gnn.support import SMALL

FEW = ("popularity", "frequency", "frequency+ease")


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
