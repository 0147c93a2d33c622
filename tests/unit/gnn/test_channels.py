"""Channels have units of their moment; trained weights are mixed with the first ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gnn import channels
from gnn.config import Config
from gnn.fit import Task, fit
from gnn.history import make_scheme
from gnn.lessons import Lessons
from gnn.moment import make
from gnn.progress import Silent
from gnn.scorer import channel_values, messages, scores
from gnn.split import split
from gnn.untrained import build
from gnn.weights import channel_names
from tests import snapshots
from tests.unit.gnn.support import history_of

CONFIG = Config(attention="uniform", epochs=2, width=8)


def test_a_channel_has_a_unit_and_a_silent_one_has_none():
    snapshot = snapshots.of_shop()
    moment = make(snapshot, CONFIG, make_scheme(snapshot, heads=4))
    names = channel_names(4, len(moment.state.node))
    scale = dict(zip(names, moment.state.channel_scale, strict=True))
    assert scale["own:0"] > 0
    assert scale["own:deep"] == 1.0
    assert scale["promoted_now"] == 0.0  # this shop promotes nothing
    rate = channels.reciprocal(moment.state.channel_scale)
    assert rate[names.index("promoted_now")] == 0.0
    assert rate[names.index("own:0")] == pytest.approx(1 / scale["own:0"])


def test_channels_in_their_units_are_of_one_size_whatever_their_own():
    snapshot = snapshots.of_shop()
    made = build(snapshot, CONFIG)
    names = channel_names(4, len(made.state.node))
    spread = {}
    for name in ("own:0", "ease:0", "cosine:0", "walk:0"):
        row = names.index(name)
        found = [
            channel_values(
                made, messages(made, history_of(snapshot, u).columns(), snapshot.at, {}), made.state.candidates
            )
            for u in range(20)
        ]
        spread[name] = np.concatenate([value[row] for value in found]).std()
    assert max(spread.values()) < 3 * min(spread.values())


def test_squashing_keeps_signs_and_bounds():
    assert channels.squash(np.array([-4.0, 0.0, 9.0, 1e9])).tolist() == [-2.0, 0.0, 3.0, channels.SQUASHED]


def test_weights_that_are_not_trusted_at_all_rank_as_the_first_ones_do():
    snapshot = snapshots.of_shop()
    cpu = torch.device("cpu")
    scheme = make_scheme(snapshot, heads=CONFIG.heads)
    cuts = split(snapshot, CONFIG)
    assert cuts is not None
    lessons = Lessons(snapshot, scheme, CONFIG, cpu, Silent()).at(cuts.train)
    first = build(snapshot, CONFIG)

    def likeness(trust: float) -> float:
        config = replace(CONFIG, trust=trust)
        weights = fit(Task(first.weights, config, first.shape, lessons, cpu), None, Silent()).best
        made = replace(first, weights=weights)
        found: list[float] = []
        for user in range(20):
            sent = [messages(model, history_of(snapshot, user).columns(), snapshot.at, {}) for model in (first, made)]
            one, other = (
                scores(model, part, first.state.candidates) for model, part in zip((first, made), sent, strict=True)
            )
            found.append(float(np.corrcoef(one, other)[0, 1]))
        return min(found)

    assert likeness(0.0) == pytest.approx(1.0, abs=1e-6)
    assert likeness(1.0) < 0.9999
