"""Items newer than the model are ranked like what is beside them, and nothing of what it knows changes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gnn import compress, explain, features, newcomers, ranking, reach, untrained
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.filters import Mode
from gnn.newcomers import NewItem
from gnn.paths import Kind
from gnn.ranking import Query
from gnn.state import ITEM_FEATURES
from tests import shop as rows
from tests import snapshots as shops
from tests.unit.gnn.support import history_of, stirred

SHOP = shops.of_shop()
NEW = (
    NewItem("n0", "Food > Coffee", "Arbor", 9.0),
    NewItem("n1", "Home > Garden", "Basalt", 9.0),
    NewItem("n2", "Food > Coffee > Beans", "Dune", 9.0),
    NewItem("n3", "Books > Maps", None, None),
    NewItem("n4"),
    NewItem("n5", "Food > Coffee", "Arbor", 9.0, available=False),
)


MODEL = stirred(SHOP)
GROWN = newcomers.join(MODEL, NEW)


def feature(model: Artefact, item: str, name: str) -> float:
    return float(model.state.x_item[model.item_index[item], ITEM_FEATURES.index(name)])


def names(model: Artefact, rows: np.ndarray) -> list[str]:
    return [model.item_ids[row] for row in rows]


def seen(model: Artefact, history: ranking.History, item: str, kind: str, at: int) -> ranking.History:
    """The same history with one more event."""
    return ranking.history(
        model,
        [*names(model, history.item), item],
        [*(model.event_types[row] for row in history.type), kind],
        [*history.at.tolist(), at],
        [*history.quantity.tolist(), None],
        [*history.amount.tolist(), None],
        [*history.value.tolist(), None],
        [None] * (len(history) + 1),
    )


def test_what_the_model_knows_stays_as_it_was():
    before = MODEL.state.x_item.copy()
    history = history_of(SHOP, 0)
    old, new = (ranking.score(model, history, now=SHOP.at) for model in (MODEL, GROWN))
    for item in range(48):
        assert new.of(item) == pytest.approx(old.of(item), abs=1e-9) if old.of(item) is not None else True
    assert np.array_equal(MODEL.state.x_item, before)
    assert (MODEL.edition, MODEL.newcomers) == (MODEL.version, frozenset())
    assert (GROWN.version, GROWN.newcomers) == (MODEL.version, {item.id for item in NEW})
    assert GROWN.edition not in (MODEL.edition, newcomers.join(MODEL, NEW[:2]).edition)
    assert GROWN.edition == newcomers.join(GROWN, NEW).edition
    assert newcomers.join(MODEL, [NewItem("i3", "Home > Tools")]) is MODEL


@pytest.mark.parametrize(
    "config",
    [
        Config(heads=2, width=4),
        Config(heads=1, width=4, categories=False),
        Config(heads=2, width=4, brands=False, purchase_power=False),
        Config(heads=2, width=4, fusion="sum", time=False, item_edges=False),
    ],
)
@pytest.mark.parametrize("compact", [False, True])
def test_contributions_sum_to_the_score_of_a_newcomer(config: Config, compact: bool):
    model = stirred(SHOP, config)
    if compact:
        model = compress.compress(model)
    model = newcomers.join(model, NEW)
    history = seen(model, history_of(SHOP, 0), "n0", "cart", SHOP.at - 1)
    scored = ranking.score(model, history, now=SHOP.at)
    listed = scored.best(100).item.tolist()
    rows = [model.item_index[item.id] for item in NEW]
    assert set(rows) - set(listed) == {model.item_index["n5"]}  # it cannot be had
    for row, told in zip(rows, explain.explain_many(model, history, rows, now=SHOP.at), strict=True):
        own = ranking.score(model, history, now=SHOP.at, query=Query(only=frozenset({model.item_ids[row]}))).of(row)
        assert told.score == pytest.approx(own, abs=1e-9)
        assert sum(part.value for part in told.contributions) == pytest.approx(own, abs=1e-9)
        assert Kind.ITEM not in {part.kind for part in told.contributions}


def test_peers_are_the_candidates_of_its_category_that_are_nearest_in_price_level():
    wide = shops.of_shop(rows.make(items=200))
    model = stirred(wide)
    grown = newcomers.join(model, [NewItem("n", "Food > Coffee", None, 30.0)])
    row = grown.item_index["n"]
    coffee = [i for i in range(0, 200, 4) if model.state.position[i] >= 0]
    nearest = sorted(coffee, key=lambda i: (abs(model.state.price_level[i] - grown.state.price_level[row]), i))
    expected = sorted(nearest[: newcomers.PEERS])
    found, near = newcomers.similar(grown, row, 1_000)
    assert sorted(found.tolist()) == expected
    assert (np.diff(near) <= 0).all()
    known = newcomers.similar(grown, 0, 9)
    assert all(map(np.array_equal, known, explain.similar(model, 0, 9)))
    assert len(newcomers.similar(newcomers.join(model, [NewItem("n")]), row, 9)[0]) == 0  # like anything
    for name in ("promoted_now", "promoted_ever", "promoted_next"):
        middle = np.median([feature(model, f"i{i}", name) for i in expected])
        assert feature(grown, "n", name) == pytest.approx(middle, abs=1e-6)
    candidates = names(model, model.state.candidates)
    for name in ("popularity", "popularity_recent", "trend", "rebought", "shelf_popularity"):
        middle = np.median([feature(model, item, name) for item in candidates])
        assert feature(grown, "n", name) == pytest.approx(middle, abs=1e-6)
    assert feature(grown, "n", "newness") == max(feature(model, item, "newness") for item in candidates)


def test_a_price_level_is_the_one_that_training_would_find():
    for price in (0.0, 2.0, 7.5, 14.0, 1000.0):
        shop = replace(
            SHOP,
            item_ids=(*SHOP.item_ids, "n"),
            item_category=np.append(SHOP.item_category, SHOP.item_category[0]),
            item_price=np.append(SHOP.item_price, price),
            events=SHOP.events,
        )
        _, expected = features.price_levels(shop)
        grown = newcomers.join(MODEL, [NewItem("n", "Food > Coffee", None, price)])
        assert grown.state.price_level[-1] == pytest.approx(expected[-1])


def test_a_share_is_what_the_demand_in_the_middle_of_its_peers_is_of_the_whole_node():
    recent = ITEM_FEATURES.index("popularity_recent")
    state = MODEL.state
    x = state.x_item[:, recent].astype(np.float64)

    def raw(x: np.ndarray) -> np.ndarray:
        return np.expm1(x / state.item_scale[recent] + state.item_mean[recent]) + 0.1

    demand = raw(x)
    n = len(SHOP.item_ids)
    shelves = {"n0": "Food > Coffee", "n1": "Home > Garden", "n2": "Food > Coffee", "n5": "Food > Coffee"}
    shelf = np.array([SHOP.category_ids[category] for category in SHOP.item_category])
    there = [state.candidates[np.isin(shelf[state.candidates], shelves.get(item.id, shelf))] for item in NEW]
    mine = raw(np.array([np.median(x[peers]) for peers in there]))
    assert len(np.unique(mine)) == 3
    for (node, share), (old, _) in zip(GROWN.state.groups, state.groups, strict=True):
        for row, item in enumerate(NEW, n):
            if node[row] < 0:
                assert share[row] == 0
                continue
            beside = [r for r in range(n, n + len(NEW)) if node[r] == node[row]]
            whole = demand[old == node[row]].sum() + sum(mine[r - n] for r in beside)
            assert share[row] ** 2 == pytest.approx(mine[row - n] / whole, rel=1e-3), item.id
    line = GROWN.state.line
    assert line[n] == line[0]  # Arbor's coffee
    assert line[n + 2] == state.line.max() + 1  # a line of its own


def test_those_who_love_a_category_see_what_is_new_in_it_and_others_do_not():
    model = newcomers.join(untrained.build(SHOP), [NEW[0], NEW[1]])
    gardens = [user for user in range(60) if user % 2]
    for item, fans in (("n0", [user for user in range(60) if not user % 2]), ("n1", gardens)):
        row = model.item_index[item]
        places = []
        for user in range(60):
            query = Query(mode=Mode.DISCOVER)
            place = ranking.score(model, history_of(SHOP, user), now=SHOP.at, query=query).place(row)
            assert place is not None
            places.append(place)
        fan = np.isin(np.arange(60), fans)
        assert np.median(np.array(places)[fan]) < np.median(np.array(places)[~fan])


def test_what_a_user_does_with_a_newcomer_counts_at_once():
    model = newcomers.join(untrained.build(SHOP), NEW)
    history = history_of(SHOP, 1)
    bought = seen(model, history, "n0", "purchase", SHOP.at - 1)
    row = model.item_index["n0"]
    before, after = (ranking.score(model, h, now=SHOP.at).of(row) for h in (history, bought))
    assert before is not None
    assert after is not None
    assert after > before
    told = {part.kind: part.value for part in explain.explain(model, bought, row, now=SHOP.at).contributions}
    assert told[Kind.OWN_HISTORY] > 0
    # What else stands on its shelf gains, through the category.
    other = explain.explain(model, bought, 8, now=SHOP.at).contributions
    assert any(part.kind is Kind.CATEGORY and part.path[1].id == "Food > Coffee" for part in other)
    again = ranking.score(model, bought, now=SHOP.at, query=Query(mode=Mode.REBUY)).best(100)
    assert "n0" in names(model, again.item)


def test_filters_find_newcomers_also_by_categories_and_brands_that_the_model_does_not_know():
    def shown(**query: Any) -> set[str]:
        found = ranking.score(GROWN, history_of(SHOP, 0), now=SHOP.at, query=Query(**query)).best(100)
        return {name for name in names(GROWN, found.item) if name.startswith("n")}

    assert shown(categories=frozenset({"Food > Coffee"})) == {"n0", "n2"}
    assert shown(categories=frozenset({"Food > Coffee > Beans"})) == {"n2"}
    assert shown(categories=frozenset({"Books"})) == {"n3"}
    assert shown(brands=frozenset({"Dune"})) == {"n2"}
    assert shown(budget=8.0) == set()
    assert shown(budget=10.0) == {"n0", "n1", "n2"}
    assert shown(pins=("n4",)) == {"n0", "n1", "n2", "n3", "n4"}
    assert shown(per_category=1, diversity=0.5, exclude=frozenset({"n4"})) <= {"n0", "n1", "n2", "n3"}


def test_more_than_a_model_takes_in_are_the_newest():
    many = [NewItem(f"m{n}", "Food > Tea") for n in range(newcomers.MOST + 7)]
    found = newcomers.join(MODEL, many)
    assert len(found.newcomers) == newcomers.MOST
    assert "m6" not in found.item_index
    assert found.item_ids[-1] == many[-1].id


def test_newcomers_are_reached_where_there_are_too_many_items_to_score_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reach, "FEW", 5)
    monkeypatch.setattr(reach, "_WANTED", 2)
    monkeypatch.setattr(reach, "_OF_NODE", 1)
    found = newcomers.join(MODEL, NEW)
    history = history_of(SHOP, 0)
    passed = ranking.forward(found, history, now=SHOP.at)
    assert len(passed.items) < len(found.state.candidates)
    assert {"n0", "n1", "n2", "n3", "n4"} <= set(names(found, passed.items))


def test_a_shop_without_categories_events_or_units_still_works():
    bare = replace(
        SHOP,
        category_ids=(),
        category_parent=SHOP.category_parent[:0],
        item_category=np.full(48, -1, np.int32),
        events=SHOP.events.take(np.zeros(len(SHOP.events), np.bool_)),
    )
    model = newcomers.join(untrained.build(bare), NEW)
    found = ranking.score(model, history_of(bare, 0), now=bare.at).best(100)
    assert {"n0", "n3"} <= set(names(model, found.item))
    unsaid = np.full(len(ITEM_FEATURES), np.nan)
    old = replace(MODEL, state=replace(MODEL.state, item_mean=unsaid, item_scale=unsaid))
    assert newcomers.join(old, NEW) is old
