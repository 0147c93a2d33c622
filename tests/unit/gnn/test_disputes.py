"""What a user disputes is in no score and in no explanation, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest

from gnn import explain, output, ranking
from gnn.changes import ItemChange
from gnn.evaluation import disputed as evaluation
from gnn.explain import Contribution
from gnn.filters import Query
from gnn.paths import Dispute, Kind, Step, dispute_of
from tests import snapshots as shops
from tests.unit.gnn.support import history_of, stirred

SHOP = shops.of_shop()
ITEMS = range(48)


MODEL = stirred(SHOP)
HISTORY = history_of(SHOP, 0)
TOLD = explain.explain_many(MODEL, HISTORY, ITEMS, now=SHOP.at)


def some(kind: Kind) -> list[Contribution]:
    """Return contributions of this kind, one per way."""
    parts = [part for told in TOLD for part in told.contributions if part.kind is kind]
    return list({dispute_of(part.kind, part.path): part for part in parts}.values())


@pytest.mark.parametrize("kind", [kind for kind in Kind if some(kind)])
def test_a_disputed_way_is_out_of_every_score_and_explanation_and_all_others_stay(kind: Kind):
    for part in some(kind)[:3]:
        disputed = frozenset({dispute_of(part.kind, part.path)})
        history = replace(HISTORY, disputed=disputed)
        after = explain.explain_many(MODEL, history, ITEMS, now=SHOP.at)
        whole = ranking.score(MODEL, history, now=SHOP.at)
        some_of = ranking.score(MODEL, history, now=SHOP.at, query=Query(only=frozenset(MODEL.item_ids)))
        touched = 0
        for item in ITEMS:
            kept = [one for one in TOLD[item].contributions if dispute_of(one.kind, one.path) not in disputed]
            assert list(after[item].contributions) == kept
            touched += len(kept) < len(TOLD[item].contributions)
            assert after[item].score == pytest.approx(sum(one.value for one in kept), abs=1e-9)
            assert some_of.of(item) == pytest.approx(after[item].score, abs=1e-9)
            if whole.of(item) is not None:
                assert whole.of(item) == pytest.approx(after[item].score, abs=1e-9)
        assert touched >= 1


def test_ways_through_a_node_are_left_out_wherever_they_lead_and_others_for_one_item_alone():
    through = {kind: [dispute_of(p.kind, p.path) for p in some(kind)] for kind in Kind}
    assert all(way.via[0].label == "Item" for way in through[Kind.ITEM])
    lines = [way for way in through[Kind.BRAND] if len(way.via) == 2]
    assert lines
    assert [step.label for step in lines[0].via] == ["Category", "Brand"]
    assert len(through[Kind.POPULARITY]) == len(
        [1 for told in TOLD if "popularity" in {p.kind for p in told.contributions}]
    )


def test_several_disputes_and_a_changed_item_still_sum():
    disputed = frozenset(dispute_of(p.kind, p.path) for kind in Kind for p in some(kind)[:2])
    history = replace(HISTORY, disputed=disputed)
    what = {"i8": ItemChange(price=40.0, promoted=True)}
    scored = ranking.score(MODEL, history, now=SHOP.at, items=what)
    told = explain.explain_many(MODEL, history, ITEMS, now=SHOP.at, changed=what)
    for item in range(47):
        assert scored.of(item) == pytest.approx(sum(one.value for one in told[item].contributions), abs=1e-9)


def test_what_leads_nowhere_or_is_unknown_changes_nothing():
    nothing = frozenset(
        Dispute(kind, (Step(label, "moon"),))
        for kind, label in (
            (Kind.ITEM, "Item"),
            (Kind.CATEGORY, "Category"),
            (Kind.BRAND, "Brand"),
            (Kind.PROMOTION, "Item"),
        )
    )
    before = ranking.score(MODEL, HISTORY, now=SHOP.at)
    after = ranking.score(MODEL, replace(HISTORY, disputed=nothing), now=SHOP.at)
    assert np.array_equal(before.score, after.score)


def test_the_share_of_disputed_reasons_is_that_of_those_told_to_who_disputes():
    first, *others = ranking.rank(MODEL, HISTORY, now=SHOP.at, k=3).item.tolist()
    told = sum(min(len(TOLD[item].contributions), evaluation.TOLD) for item in (first, *others))
    strongest = TOLD[first].contributions[0]
    weakest = TOLD[first].contributions[-1]
    assert len(TOLD[first].contributions) > evaluation.TOLD
    ways = {dispute_of(part.kind, part.path) for part in (strongest, weakest)}
    found = evaluation.measure(MODEL, SHOP, {"u0": frozenset(ways), "gone": frozenset(ways)}, 3)
    assert found is not None
    assert (found.users, found.of_users, found.disputes, found.told) == (1, 60, 2, told)
    assert 1 <= found.disputed < told
    assert found.share == found.disputed / told
    assert evaluation.measure(MODEL, SHOP, {"u1": frozenset()}, 3) is None


def test_lists_and_attention_of_everybody_leave_out_what_each_user_disputes():
    part = next(iter(some(Kind.ITEM)))
    way = dispute_of(part.kind, part.path)
    through = part.path[1].id
    disputes = {"u0": frozenset({way}), "gone": frozenset({way})}
    plain, without = output.lists(MODEL, SHOP, k=40), output.lists(MODEL, SHOP, k=40, disputes=disputes)

    def of(found: output.Lists, user: str) -> dict[str, float]:
        rows = zip(found.user_id, found.item_id, found.score.tolist(), strict=True)
        return {item: score for name, item, score in rows if name == user}

    known = output.Users(MODEL, SHOP).attributes(0)
    after = ranking.rank(MODEL, replace(HISTORY, disputed=disputes["u0"]), now=SHOP.at, k=40, attributes=known)
    assert list(of(without, "u0")) == [MODEL.item_ids[item] for item in after.item]
    assert list(of(without, "u0").values()) == pytest.approx(after.score.tolist(), abs=1e-9)
    assert of(without, "u0") != of(plain, "u0")
    assert of(without, "u1") == of(plain, "u1")
    attended = [
        {row["item_id"] for row in output.attends(MODEL, SHOP, disputes=given) if row["user_id"] == "u0"}
        for given in ({}, disputes)
    ]
    assert through in attended[0]
    assert attended[1] == attended[0] - {through}
