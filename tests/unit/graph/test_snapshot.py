"""A snapshot is its content: order does not matter, time cuts, wrong references are named."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from graph import snapshot as snap
from graph.snapshot import Attribute, Snapshot


def make(order: list[int] | None = None, **changes: Any) -> Snapshot:
    rows = np.array(
        # user, item, type, at, quantity
        [(1, 0, 0, 30, 2.0), (0, 1, 1, 10, 1.0), (0, 1, 1, 10, 3.0), (0, 0, 0, 20, 1.0), (0, 1, 0, 10, 1.0)]
    )
    rows = rows[order] if order is not None else rows
    user, item, kind, at, quantity = rows.T
    arguments: dict[str, Any] = {
        "user_ids": ["u0", "u1"],
        "item_ids": ["i0", "i1"],
        "event_types": ["purchase", "view"],
        "events": snap.make_events(user, item, kind, at, quantity=quantity),
        "promotions": snap.make_promotions([1, 0], [25, 5], [30, 12], [0.5, 1.0]),
    }
    return snap.build(**(arguments | changes))


def test_events_are_sorted_by_user_time_item_type_and_the_rest() -> None:
    events = make().events
    rows = list(zip(events.user, events.at, events.item, events.type, events.quantity, strict=True))
    assert rows == sorted(rows)
    assert [int(at) for at in events.at] == [10, 10, 10, 20, 30]
    assert [float(q) for q in events.quantity] == [1, 1, 3, 1, 2]


def test_the_order_of_rows_does_not_change_the_id() -> None:
    assert make().id == make([4, 2, 0, 1, 3]).id


def test_any_other_content_changes_the_id() -> None:
    ids = {
        make().id,
        make(item_titles=["a", "b"]).id,
        make(item_price=[1.0, 2.0]).id,
        make(user_ids=["u0", "u2"]).id,
        make(at=32).id,
        make(attributes={"age": Attribute("numeric", np.array([1, np.nan], np.float32))}).id,
        make(promotions=None).id,
    }
    assert len(ids) == 7


def test_the_moment_defaults_to_just_after_the_last_event() -> None:
    assert make().at == 31


def test_a_cut_keeps_nodes_and_drops_what_starts_later() -> None:
    whole = make()
    cut = whole.until(20)
    assert cut.user_ids == whole.user_ids
    assert cut.at == 20
    assert len(cut.events) == 3
    assert cut.promotions.at.tolist() == [5]
    assert cut.id != whole.id
    assert cut.id == make(at=20).until(20).id
    assert whole.until(25).until(20).id == cut.id


def test_what_was_announced_before_a_moment_is_kept_only_when_asked_for() -> None:
    whole = make(at=22)
    assert whole.promotions.at.tolist() == [5]
    assert whole.announced.at.tolist() == [25]
    assert not len(whole.until(22).announced)
    assert whole.until(22, ahead=4) is whole
    back = whole.until(4, ahead=22)
    assert back.announced.at.tolist() == [5, 25]
    assert not len(back.promotions)
    assert whole.until(4, ahead=21).announced.at.tolist() == [5]
    assert len({back.id, whole.until(4, ahead=21).id, whole.until(4).id, whole.until(22).id, whole.id}) == 5


def test_a_snapshot_cannot_see_past_its_own_moment() -> None:
    whole = make()
    assert whole.until(10**18) is whole


def test_the_empty_graph_is_a_snapshot() -> None:
    empty = snap.build(user_ids=[], item_ids=[], event_types=[], events=snap.make_events([], [], [], []))
    assert empty.at == 0
    assert len(empty.events) == 0
    assert empty.id


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"item_ids": ["i0"]}, "events.item"),
        ({"user_ids": ["u0"]}, "events.user"),
        ({"event_types": ["view"]}, "events.type"),
        ({"item_category": [0, 0]}, "item_category"),
        ({"item_titles": ["a"]}, "item_titles"),
        ({"attributes": {"age": Attribute("numeric", np.zeros(3, np.float32))}}, "age"),
    ],
)
def test_columns_that_do_not_fit_are_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make(**changes)


def test_a_number_that_does_not_fit_its_column_is_refused() -> None:
    with pytest.raises(ValueError, match="int16"):
        snap.make_events([0], [0], [40_000], [0])


def test_times_far_apart_sort_too() -> None:
    at = [2**62, -(2**61), 0]
    sorted_at = snap.build(
        user_ids=["u", "v", "w"],
        item_ids=["i"],
        event_types=["x"],
        events=snap.make_events([2, 2, 0], [0] * 3, [0] * 3, at),
    ).events
    assert sorted_at.user.tolist() == [0, 2, 2]
    assert sorted_at.at.tolist() == [0, -(2**61), 2**62]


def test_basket_hashes_are_stable_and_never_negative() -> None:
    assert snap.basket_hash("b1") == snap.basket_hash("b1") != snap.basket_hash("b2")
    assert min(snap.basket_hash(str(n)) for n in range(1000)) >= 0


def test_the_numpy_side_needs_neither_driver_nor_frames_nor_torch() -> None:
    code = "import sys, graph.snapshot; print([m for m in ('neo4j', 'polars', 'torch') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=".").stdout
    assert shown.strip() == "[]"
