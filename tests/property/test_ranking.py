"""What must hold for any history: attention sums to one, contributions to the score, lists are ordered and allowed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn import explain, ranking, untrained
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.filters import Boost, Mode, Query, Range
from gnn.ranking import History
from tests import snapshots

SHOP = snapshots.of_shop()
ITEMS = len(SHOP.item_ids)


def stirred() -> Artefact:
    """A model whose every weight speaks, so that no term of a sum is zero by chance."""
    made = untrained.build(SHOP, Config(heads=2, width=4))
    rng = np.random.default_rng(11)
    for name, value in made.weights.items():
        made.weights[name] = value + rng.normal(0, 0.3, value.shape).astype(np.float32)
    return made


MODEL = stirred()

events = st.lists(
    st.tuples(
        st.integers(0, ITEMS - 1),
        st.sampled_from(("purchase", "view", "wish", "rate", "return", "dream")),
        st.integers(SHOP.at - 400 * 86_400_000_000, SHOP.at + 86_400_000_000),
        st.one_of(st.none(), st.floats(0, 1e6)),
        st.one_of(st.none(), st.floats(0, 1e6)),
        st.sampled_from((None, "web", "store", "moon")),
    ),
    max_size=40,
)


def history_of(rows: list[tuple[int, str, int, float | None, float | None, str | None]]) -> History:
    items, types, at, quantity, amount, context = zip(*rows, strict=True) if rows else ((),) * 6
    return ranking.history(
        MODEL, [SHOP.item_ids[i] for i in items], types, at, quantity, amount, [None] * len(rows), context
    )


@settings(max_examples=60, deadline=None)
@given(events, st.integers(0, ITEMS - 1))
def test_contributions_sum_to_the_score_and_attention_to_one(
    rows: list[tuple[int, str, int, float | None, float | None, str | None]], item: int
):
    history = history_of(rows)
    told = explain.explain(MODEL, history, item, now=SHOP.at)
    assert np.isfinite(told.score)
    assert sum(part.value for part in told.contributions) == pytest.approx(told.score, rel=1e-6, abs=1e-6)
    if rows:
        assert explain.attention(MODEL, history, SHOP.at).sum() == pytest.approx(1.0)


@settings(max_examples=60, deadline=None)
@given(
    events,
    st.integers(0, 60),
    st.sampled_from(list(Mode)),
    st.one_of(st.none(), st.floats(0, 30)),
    st.floats(0, 1),
)
def test_lists_are_distinct_allowed_and_not_longer_than_asked(
    rows: list[tuple[int, str, int, float | None, float | None, str | None]],
    k: int,
    mode: Mode,
    budget: float | None,
    diversity: float,
):
    history = history_of(rows)
    bought = {row[0] for row in rows if row[1] == "purchase"}
    ranked = ranking.rank(MODEL, history, now=SHOP.at, k=k, query=Query(mode=mode, budget=budget, diversity=diversity))
    listed = ranked.item.tolist()
    assert len(listed) == len(set(listed)) <= k
    assert all((item in bought) == (mode is Mode.REBUY) for item in listed if mode is not Mode.ALL)
    assert budget is None or all(SHOP.item_price[item] <= budget for item in listed)
    if diversity == 0:
        assert (np.diff(ranked.score) <= 0).all()


@settings(max_examples=30, deadline=None)
@given(events)
def test_the_order_of_events_does_not_matter(
    rows: list[tuple[int, str, int, float | None, float | None, str | None]],
):
    one, other = (ranking.rank(MODEL, history_of(x), now=SHOP.at, k=10) for x in (rows, rows[::-1]))
    assert np.allclose(one.score, other.score, atol=1e-9)


names = st.sampled_from(SHOP.item_ids)
queries = st.builds(
    Query,
    mode=st.sampled_from(list(Mode)),
    price=st.one_of(st.none(), st.builds(Range, st.floats(0, 10), st.floats(10, 30))),
    brands=st.one_of(st.none(), st.frozensets(st.sampled_from(SHOP.brand_ids))),
    exclude=st.frozensets(names, max_size=5),
    per_category=st.one_of(st.none(), st.integers(1, 5)),
    diversity=st.sampled_from((0.0, 0.3, 1.0)),
    boosts=st.lists(st.builds(Boost, st.floats(0.01, 100), st.frozensets(names, max_size=5)), max_size=3).map(tuple),
    pins=st.lists(names, max_size=4).map(tuple),
    price_fit=st.floats(0, 1),
)


@settings(max_examples=60, deadline=None)
@given(events, queries, st.integers(0, 20), st.integers(0, 60))
def test_whatever_is_asked_holds_and_pages_are_of_one_list(
    rows: list[tuple[int, str, int, float | None, float | None, str | None]], query: Query, short: int, long: int
):
    history = history_of(rows)
    one, other = (ranking.rank(MODEL, history, now=SHOP.at, k=k, query=query) for k in sorted((short, long)))
    listed = other.item.tolist()
    assert one.item.tolist() == listed[: len(one.item)]
    assert len(one.item) == min(min(short, long), len(listed))
    assert len(listed) == len(set(listed))
    assert not {SHOP.item_ids[item] for item in listed} & query.exclude
    assert all(query.price is None or query.price.least <= SHOP.item_price[i] <= query.price.most for i in listed)  # pyright: ignore
    assert all(query.brands is None or SHOP.brand_ids[SHOP.item_brand[i]] in query.brands for i in listed)
    pins = [name for name in dict.fromkeys(query.pins) if name in {SHOP.item_ids[i] for i in listed}]
    assert [SHOP.item_ids[i] for i in listed[: len(pins)]] == pins
    if query.per_category is not None:
        counts = np.bincount(SHOP.item_category[listed[len(pins) :]], minlength=1)
        assert counts.max() <= query.per_category
    for place, item in enumerate(listed[:3]):
        told = explain.explain(MODEL, history, item, now=SHOP.at).score
        assert other.score[place] == pytest.approx(told + sum(part[place] for part in other.added.values()), abs=1e-6)
