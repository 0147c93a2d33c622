"""What is held back: draws where there is no time, and pairs that were given."""

from dataclasses import replace

import numpy as np
import pytest

from gnn.config import Config
from gnn.evaluation import origins
from gnn.evaluation.period import prepare
from gnn.held_out import Cut, Draw, Given
from gnn.split import split, to_refit
from gnn.train import train
from graph import snapshot as snapshots_of
from graph.snapshot import Snapshot

VIEW, BUY = 1, 0
CONFIG = Config(cuts=3, epochs=2, users_per_step=16, refit=True, min_buyers=1)


@pytest.fixture(scope="module")
def timeless() -> Snapshot:
    """80 users who each looked at six of 30 items at no known time and bought four of these, and two of them twice."""
    rng = np.random.default_rng(0)
    user, item, kind = [], [], []
    for u in range(80):
        taste = (u % 3) * 10
        seen = taste + rng.permutation(10)[:6]
        for n, i in enumerate(seen):
            user += [u, *([u] if n < 4 else []), *([u] if n < 2 else [])]
            item += [int(i)] * (1 + (n < 4) + (n < 2))
            kind += [VIEW, *([BUY] if n < 4 else []), *([BUY] if n < 2 else [])]
    return snapshots_of.build(
        user_ids=[f"u{n:02}" for n in range(80)],
        item_ids=[f"i{n:02}" for n in range(30)],
        event_types=("purchase", "view"),
        events=snapshots_of.make_events(user, item, kind, [0] * len(user)),
    )


def bought(snapshot: Snapshot) -> set[tuple[int, int]]:
    events = snapshot.events
    rows = events.type == BUY
    return set(zip(events.user[rows].tolist(), events.item[rows].tolist(), strict=True))


def pairs(draw: Draw | Given, snapshot: Snapshot) -> set[tuple[int, int]]:
    return set(zip(*(part.tolist() for part in draw.wanted(snapshot, "").nonzero()), strict=True))


def test_a_draw_takes_whole_items_of_every_user_and_leaves_what_else_happened(timeless: Snapshot):
    draw = Draw(3, 0.5)
    past = draw.past(timeless)
    hidden = pairs(draw, timeless)
    assert [sum(u == user for u, _ in hidden) for user in range(80)] == [2] * 80
    assert bought(past) == bought(timeless) - hidden
    assert (past.events.type == VIEW).sum() == (timeless.events.type == VIEW).sum()
    assert past.id != timeless.id
    assert draw.events(timeless).sum() == len(timeless.events) - len(past.events)


def test_at_least_one_item_is_drawn_and_another_number_draws_others(timeless: Snapshot):
    first, second = pairs(Draw(0, 0.01), timeless), pairs(Draw(1, 0.01), timeless)
    assert len(first) == len(second) == 80
    assert first != second
    assert first == pairs(Draw(0, 0.01), timeless)


def test_what_validation_keeps_back_is_neither_known_nor_foretold(timeless: Snapshot):
    kept_back = Draw(0, 0.25)
    draw = Draw(1, 0.25, beyond=kept_back)
    assert not pairs(draw, timeless) & pairs(kept_back, timeless)
    assert bought(draw.past(timeless)) == bought(timeless) - pairs(kept_back, timeless) - pairs(draw, timeless)
    deeper = Draw(2, 0.25, beyond=draw)
    assert not pairs(deeper, timeless) & (pairs(draw, timeless) | pairs(kept_back, timeless))


def test_without_time_training_learns_from_draws_and_never_sees_what_decides(timeless: Snapshot):
    found = split(timeless, CONFIG)
    assert isinstance(found.validation, Draw)
    decided = pairs(found.validation, timeless)
    assert len(found.train) == CONFIG.cuts
    for cut in found.train:
        assert not bought(cut.past(timeless)) & decided
        assert not pairs(cut, timeless) & decided  # pyright: ignore[reportArgumentType] - a draw, as above
    refit = to_refit(found, timeless, CONFIG)
    assert not set(refit) & set(found.train)
    assert any(pairs(cut, timeless) & decided for cut in refit)  # pyright: ignore[reportArgumentType] - a draw


def test_a_shop_without_time_is_trained(timeless: Snapshot):
    made = train(timeless, CONFIG, device="cpu")
    assert made.artefact.manifest.trained
    assert [epoch.number for epoch in made.curve] == [0, 1, 2]
    assert made.curve[-1].loss < made.curve[1].loss or made.curve[-1].metrics != made.curve[0].metrics


def test_with_time_periods_are_held_out(timeless: Snapshot):
    days = replace(timeless.events, at=np.arange(len(timeless.events), dtype=np.int64) * 86_400_000_000)
    timed = replace(timeless, events=days, at=int(days.at.max()) + 1)
    assert isinstance(split(timed, CONFIG).validation, Cut)


def test_evaluation_without_time_draws_what_training_does_not(timeless: Snapshot):
    drawn = origins.rolling(timeless, CONFIG, 2)
    assert [origin.name for origin in drawn] == ["draw 10000", "draw 10001"]
    assert pairs(drawn[0], timeless) != pairs(split(timeless, CONFIG).validation, timeless)  # pyright: ignore[reportArgumentType] - draws
    choice = origins.before(drawn[0])
    assert not pairs(choice, timeless) & pairs(drawn[0], timeless)  # pyright: ignore[reportArgumentType] - draws


def test_given_pairs_are_foretold_from_everything_or_apart_from_what_lies_between(timeless: Snapshot):
    events = timeless.events
    row = int(np.flatnonzero(events.type == VIEW)[0])
    user, item = timeless.user_ids[events.user[row]], timeless.item_ids[events.item[row]]
    given = Given.of(timeless, [user, "nobody"], [item, item])
    assert given.past(timeless) is timeless
    assert pairs(given, timeless) == {(int(events.user[row]), int(events.item[row]))}
    apart = Given.of(timeless, [user], [item], apart=True)
    between = (events.user == events.user[row]) & (events.item == events.item[row])
    assert len(apart.past(timeless).events) == len(events) - between.sum()
    period = prepare(timeless, apart, CONFIG)
    assert period.users.tolist() == [events.user[row]]
    assert period.gain is None
