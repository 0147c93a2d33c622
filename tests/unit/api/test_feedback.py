"""What a user passed over."""

import pytest

from api.feedback import passed
from gnn import explain, untrained
from gnn.features import DAY_US
from gnn.feedback import NOTHING
from gnn.filters import Query
from graph.explore import UserRow
from tests import snapshots

MODEL = untrained.build(snapshots.of_shop())
NOW = MODEL.manifest.snapshot_at


def row(*events: tuple[str, str, float]) -> UserRow:
    """Somebody's (item, type, days ago)."""
    n = len(events)
    return UserRow(
        id="u",
        key=0,
        properties={},
        item_ids=[item for item, _, _ in events],
        types=[kind for _, kind, _ in events],
        at=[int(NOW - days * DAY_US) for _, _, days in events],
        quantity=[None] * n,
        amount=[None] * n,
        value=[None] * n,
        context=[None] * n,
    )


def test_somebody_who_passed_over_nothing_changes_nothing() -> None:
    assert passed(row(("i1", "view", 1), ("i2", "purchase", 2)), MODEL, NOW) is NOTHING


def test_what_was_done_later_takes_a_dismissal_back() -> None:
    assert passed(row(("i1", "dismiss", 2), ("i1", "view", 3)), MODEL, NOW).out == {"i1"}
    assert passed(row(("i1", "dismiss", 2), ("i1", "view", 1)), MODEL, NOW).out == frozenset()
    assert passed(row(("i1", "dismiss", 2), ("i1", "exposure", 1)), MODEL, NOW).out == {"i1"}


def test_impressions_count_for_two_weeks_and_ten_at_most() -> None:
    some = row(("i1", "exposure", 1), ("i1", "exposure", 13), ("i1", "exposure", 15), ("i2", "exposure", 1))
    assert passed(some, MODEL, NOW).lowered == pytest.approx({"i1": -0.2, "i2": -0.1})
    many = row(*[("i1", "exposure", 1.0)] * 30)
    assert passed(many, MODEL, NOW).lowered == pytest.approx({"i1": -1.0})


def test_what_is_like_things_of_no_interest_loses_in_proportion_and_not_without_end() -> None:
    items, weights = explain.similar(MODEL, 1, 100)
    lowered = passed(row(("i1", "not_interested", 1), ("gone", "not_interested", 1)), MODEL, NOW).lowered
    assert lowered == pytest.approx(
        {MODEL.item_ids[i]: -w / weights[0] for i, w in zip(items.tolist(), weights.tolist(), strict=True)}
    )
    everything = passed(row(*((f"i{n}", "not_interested", 1) for n in range(0, 46, 2))), MODEL, NOW).lowered
    assert min(everything.values()) == -3.0


def test_a_given_list_keeps_what_was_dismissed() -> None:
    found = passed(row(("i1", "dismiss", 1)), MODEL, NOW)
    assert found.into(Query(exclude=frozenset({"i2"}))).exclude == {"i1", "i2"}
    assert found.into(Query(only=frozenset({"i1"}))).exclude == frozenset()
    assert found.strictly(Query(only=frozenset({"i1"}))).exclude == {"i1"}
