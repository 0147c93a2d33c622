"""Lists and explanations on the small shop, whose truth is known."""

import numpy as np
import pytest

from gnn import explain, ranking, train, untrained
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.errors import ArtefactRefused
from gnn.explain import Kind
from gnn.ranking import Mode, Query
from graph import snapshot as snapshots
from tests import snapshots as shops
from tests.unit.gnn.support import history_of

SHOP = shops.of_shop()
NOW = SHOP.at


@pytest.fixture(scope="module", params=["untrained", "trained"])
def model(request: pytest.FixtureRequest) -> Artefact:
    if request.param == "untrained":
        return untrained.build(SHOP)
    return train.train(SHOP, Config(epochs=4, patience=4, learning_rate=0.02), device="cpu").artefact


def test_people_see_what_people_like_them_buy(model: Artefact):
    for user in (0, 1, 2, 3):
        ranked = ranking.rank(model, history_of(SHOP, user), now=NOW, k=10)
        food = [item % 4 < 2 for item in ranked.item]
        assert np.mean(food) > 0.8 if user % 2 == 0 else np.mean(food) < 0.2


def test_modes_split_the_candidates_by_what_was_bought(model: Artefact):
    history = history_of(SHOP, 5)
    bought = set(history.item[history.bought].tolist())
    lists = {mode: ranking.rank(model, history, now=NOW, k=1000, query=Query(mode=mode)) for mode in Mode}
    assert set(lists[Mode.REBUY].item.tolist()) <= bought
    assert not bought & set(lists[Mode.DISCOVER].item.tolist())
    assert len(lists[Mode.ALL].item) == len(lists[Mode.REBUY].item) + len(lists[Mode.DISCOVER].item)


def test_a_purchase_leaves_the_discover_list_at_once(model: Artefact):
    history = history_of(SHOP, 5)
    first = ranking.rank(model, history, now=NOW, k=1, query=Query(mode=Mode.DISCOVER)).item[0]
    events = SHOP.events.take(SHOP.events.user == 5)
    n = len(events) + 1
    longer = ranking.history(
        model,
        [*(SHOP.item_ids[i] for i in events.item), SHOP.item_ids[first]],
        [*(SHOP.event_types[k] for k in events.type), "purchase"],
        [*events.at.tolist(), NOW],
        [None] * n,
        [None] * n,
        [None] * n,
        [None] * n,
    )
    assert first not in ranking.rank(model, longer, now=NOW, k=1000, query=Query(mode=Mode.DISCOVER)).item


def test_budget_categories_and_exclusions_hold(model: Artefact):
    history = history_of(SHOP, 0)
    query = Query(budget=10.0, categories=frozenset({"Food"}), exclude=frozenset({"i0", "nothing"}))
    ranked = ranking.rank(model, history, now=NOW, k=100, query=query)
    assert len(ranked.item)
    for item in ranked.item:
        assert SHOP.item_price[item] <= 10.0
        assert item % 4 < 2
        assert item != 0
    nowhere = Query(categories=frozenset({"Moon"}))
    assert len(ranking.rank(model, history, now=NOW, k=5, query=nowhere).item) == 0


def test_unavailable_items_are_never_listed(model: Artefact):
    assert 47 not in ranking.rank(model, history_of(SHOP, 1), now=NOW, k=1000).item


def test_length_is_bounded_by_k_and_by_what_there_is(model: Artefact):
    history = history_of(SHOP, 0)
    assert len(ranking.rank(model, history, now=NOW, k=0).item) == 0
    assert len(ranking.rank(model, history, now=NOW, k=10**9).item) == len(model.state.candidates)


def test_a_shorter_list_is_the_head_of_a_longer_one(model: Artefact):
    history = history_of(SHOP, 0)
    longer = ranking.rank(model, history, now=NOW, k=40)
    assert ranking.rank(model, history, now=NOW, k=7).item.tolist() == longer.item[:7].tolist()
    assert (np.diff(longer.score) <= 0).all()


def test_diversity_spreads_a_list_over_categories(model: Artefact):
    history = history_of(SHOP, 0)
    plain = ranking.rank(model, history, now=NOW, k=8)
    spread = ranking.rank(model, history, now=NOW, k=8, query=Query(diversity=1.0))
    shelves = [len({int(item) % 4 for item in found.item}) for found in (plain, spread)]
    assert shelves[1] == 4 >= shelves[0]


def test_contributions_sum_to_the_score_that_ranks(model: Artefact):
    for user in range(0, 60, 7):
        history = history_of(SHOP, user)
        attributes = {"income": "low", "age": 30.0, "city": "Oslo"}
        ranked = ranking.rank(model, history, now=NOW, k=48, attributes=attributes)
        for item, score in zip(ranked.item, ranked.score, strict=True):
            told = explain.explain(model, history, int(item), now=NOW, attributes=attributes)
            assert told.score == pytest.approx(score, abs=1e-9)
            assert sum(part.value for part in told.contributions) == pytest.approx(score, abs=1e-9)


def test_paths_run_from_the_user_through_the_history_to_the_item(model: Artefact):
    history = history_of(SHOP, 0)
    mine = {SHOP.item_ids[i] for i in history.item}
    item = int(ranking.rank(model, history, now=NOW, k=1).item[0])
    for part in explain.explain(model, history, item, now=NOW).contributions:
        assert part.path[-1] == explain.Step("Item", SHOP.item_ids[item])
        if part.kind is Kind.ITEM:
            assert part.path[1].id in mine
            assert part.path[1].id != SHOP.item_ids[item]


def test_an_item_that_nobody_bought_and_a_user_without_events_are_explained(model: Artefact):
    empty = ranking.history(model, [], [], [], [], [], [], [])
    told = explain.explain(model, empty, 47, now=NOW)
    assert sum(part.value for part in told.contributions) == pytest.approx(told.score, abs=1e-9)
    assert not {Kind.ITEM, Kind.OWN_HISTORY, Kind.CATEGORY} & {part.kind for part in told.contributions}
    assert len(ranking.rank(model, empty, now=NOW, k=5).item) == 5


def test_attention_rests_on_distinct_items_and_sums_to_one(model: Artefact):
    history = history_of(SHOP, 4)
    found = explain.attention(model, history, NOW)
    assert len(found) == len(explain.distinct_items(history)) == len(set(history.item.tolist()))
    assert found.sum() == pytest.approx(1.0)


def test_similar_items_are_candidates_best_first_and_never_the_item_itself(model: Artefact):
    items, weight = explain.similar(model, 0, 5)
    assert 0 not in items
    assert (np.diff(weight) <= 0).all()
    assert np.mean([item % 4 < 2 for item in items]) > 0.5


def test_unknown_items_types_and_contexts_do_no_harm(model: Artefact):
    history = ranking.history(
        model,
        ["i1", "moon", "i2"],
        ["dream", "view", "view"],
        [1, 2, 3],
        [None] * 3,
        [None] * 3,
        [1.0, None, None],
        ["x"] * 3,
    )
    assert len(history) == 2
    assert np.isfinite(ranking.rank(model, history, now=NOW, k=5, attributes={"age": "old", "shoe": 42.0}).score).all()


def test_events_after_the_model_was_made_have_no_age(model: Artefact):
    history = history_of(SHOP, 0)
    late = NOW + 10 * 365 * 86_400_000_000
    soon, later = (ranking.rank(model, history, now=now, k=20) for now in (NOW, late))
    assert np.array_equal(soon.score, later.score)


def test_concatenation_ranks_but_does_not_pretend_to_explain():
    made = untrained.build(SHOP, Config(fusion="concat"))
    assert len(ranking.rank(made, history_of(SHOP, 0), now=NOW, k=5).item) == 5
    with pytest.raises(ArtefactRefused, match="not sums"):
        explain.explain(made, history_of(SHOP, 0), 0, now=NOW)


@pytest.mark.parametrize(
    ("users", "items", "events"),
    [
        (0, 0, []),
        (1, 1, [(0, 0)]),
        (2, 1, [(0, 0), (1, 0)]),
        (1, 3, []),
        (5, 4, [(u, i) for u in range(5) for i in range(4)]),
    ],
)
def test_shops_of_any_size_are_served(users: int, items: int, events: list[tuple[int, int]]):
    snapshot = snapshots.build(
        user_ids=[f"u{n}" for n in range(users)],
        item_ids=[f"i{n}" for n in range(items)],
        event_types=("view",),
        events=snapshots.make_events(
            [u for u, _ in events], [i for _, i in events], [0] * len(events), [9] * len(events)
        ),
    )
    made = untrained.build(snapshot)
    for user in range(users):
        ranked = ranking.rank(made, history_of(snapshot, user), now=10, k=10)
        assert len(ranked.item) == items
        assert np.isfinite(ranked.score).all()


def test_feedback_is_no_interest_and_a_type_never_seen_counts_as_the_next_stronger_one(model: Artefact):
    def of(*types: str) -> ranking.History:
        n = len(types)
        return ranking.history(model, ["i1"] * n, types, [1] * n, [None] * n, [None] * n, [None] * n, [None] * n)

    assert len(of("dismiss", "not_interested", "view")) == 1
    kinds = of("view", "click", "cart", "purchase", "dream").type.tolist()
    purchase = model.event_types.index("purchase")
    assert kinds == [model.event_types.index("view"), purchase, purchase, purchase, -1]
    assert of("cart", "purchase").bought.tolist() == [False, True]
