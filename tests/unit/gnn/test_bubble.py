"""How narrow lists are: figures whose answer is known, and the report of everybody."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnn import bubble, output, untrained
from gnn.artefact import Artefact
from gnn.evaluation import bubble as bubbles
from gnn.evaluation import bubble_report, origins
from gnn.evaluation.bubble import Everybody
from gnn.features import DAY_US
from gnn.progress import Silent
from graph.snapshot import Snapshot
from tests.unit.gnn.support import SMALL


@pytest.fixture(scope="module")
def artefact(snapshot: Snapshot) -> Artefact:
    return untrained.build(snapshot, SMALL)


@pytest.fixture(scope="module")
def found(artefact: Artefact, snapshot: Snapshot) -> Everybody:
    (last,) = origins.rolling(snapshot, SMALL)
    return bubbles.measure(artefact, snapshot, origins.before(last), Silent(), k=10, device="cpu")


@given(st.integers(1, 40), st.floats(0.1, 9))
def test_equal_parts_count_as_many_as_they_are(n: int, weight: float) -> None:
    assert bubble.effective(np.full(n, weight)) == pytest.approx(n)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_no_list_is_broader_than_its_kinds_are_many_nor_narrower_than_one(weights: list[float]) -> None:
    some = sum(weight > 0 for weight in weights)
    value = bubble.effective(np.array(weights))
    assert (value == 0) == (some == 0)
    assert value <= some + 1e-6
    assert not some or value >= 1 - 1e-6


def test_breadth_counts_categories_brands_and_price_tiers(artefact: Artefact) -> None:
    # i<n> is in category n % 4 and of brand n % 3; within a category the price grows with n.
    rows = np.array([artefact.item_index[f"i{n}"] for n in (0, 4, 1, 2)])
    found = bubble.breadth(artefact, rows)
    assert (found.items, found.categories, found.brands) == (4, 3, 3)
    assert found.effective_categories == pytest.approx(np.exp(-(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25))))
    assert found.tiers == (1.0, 0.0, 0.0, 0.0, 0.0)
    weighed = bubble.breadth(artefact, rows, np.array([1.0, 0.0, 1.0, 0.0]))
    assert weighed.effective_categories == pytest.approx(2.0)
    assert bubble.breadth(artefact, rows[:0]) == bubble.Breadth(0, 0, 0.0, 0, 0.0, ())


def test_never_bought_looks_at_categories_not_at_items(artefact: Artefact) -> None:
    item = artefact.item_index
    assert bubble.never_bought(artefact, np.array([item["i4"], item["i1"]]), np.array([item["i0"]])) == 0.5
    assert bubble.never_bought(artefact, np.zeros(0, np.int64), np.array([0])) is None


def test_everybody_is_measured_on_the_lists_that_are_served(
    found: Everybody, artefact: Artefact, snapshot: Snapshot
) -> None:
    lists = output.lists(artefact, snapshot, k=10)
    shown = {artefact.item_index[name] for name in lists.item_id}
    assert found.now.users == len(snapshot.user_ids)
    assert found.now.coverage == pytest.approx(len(shown) / len(artefact.state.candidates))
    assert sum(found.now.tiers) == pytest.approx(1)
    assert found.month_before
    assert found.change
    assert found.change.low <= found.change.difference <= found.change.high
    assert 0 < found.kept < 1
    assert {band.name for band in found.bands} >= {"everyone", "income: low", "income: high"}


def test_one_event_years_later_does_not_move_the_month_before(found: Everybody, snapshot: Snapshot) -> None:
    at = snapshot.events.at.copy()
    at[at.argmax()] += 3000 * DAY_US
    stray = replace(snapshot, at=int(at.max()) + 1, events=replace(snapshot.events, at=at))
    late = bubbles.measure(untrained.build(stray, SMALL), stray, None, Silent(), k=10)
    assert late.kept == pytest.approx(found.kept, abs=0.05)


def test_thrifty_people_are_shown_cheap_things(found: Everybody) -> None:
    low, high = (next(band for band in found.bands if band.name == f"income: {name}") for name in ("low", "high"))
    assert sum(low.bought_tiers[3:]) < sum(high.bought_tiers[3:])
    assert sum(low.tiers[3:]) < sum(high.tiers[3:])


def test_the_dial_costs_nothing_at_zero_and_widens_lists_on_the_way(found: Everybody) -> None:
    for name in bubbles.SLICES:
        steps = [step for step in found.steps if step.slice == name]
        assert [step.dial for step in steps] == list(bubbles.STEPS)
        assert (steps[0].price.difference, steps[0].price.low, steps[0].price.high) == (0, 0, 0)
        assert steps[-1].diversity > steps[0].diversity
        assert steps[-1].effective_categories > steps[0].effective_categories
        for step in steps:
            assert step.ndcg20 - steps[0].ndcg20 == pytest.approx(step.price.difference)


def test_the_report_holds_every_figure_and_fetches_nothing(found: Everybody, tmp_path: Path) -> None:
    bubble_report.write_report(found, tmp_path)
    page = (tmp_path / "bubble.html").read_text(encoding="utf-8")
    for title in ("Breadth", "Exposure by price tier", "By group of users", "The price of diversity"):
        assert f"<h2>{title}</h2>" in page
    assert "src=" not in page
    assert page.count("<svg") == 3
    head, rows = bubble_report.breadth_rows(found)
    assert {len(row) for row in rows} == {len(head)}
    assert [row[head.index("kept")] for row in rows] == ["", f"{found.kept:.3f}", *[""] * (len(rows) - 2)]
    assert "the cheapest first" in page
    kept = orjson.loads((tmp_path / "bubble.json").read_bytes())
    assert len(kept["steps"]) == len(bubbles.SLICES) * len(bubbles.STEPS)
    assert kept["now"]["coverage"] == found.now.coverage
