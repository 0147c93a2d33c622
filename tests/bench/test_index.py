"""Lists from 10,000 to a million items: time of a user who is new, and how much of the true head is found."""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from gnn import ranking, reach, scorer
from gnn.artefact import Artefact
from gnn.ranking import History
from tests.bench import large
from tests.bench.report import show

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

SIZES = (10_000, 100_000, 1_000_000)
USERS = 10
K = 20


def milliseconds(run: Callable[[], object]) -> tuple[float, float]:
    """Return the time that it takes, and that of the processor."""
    begun, worked = time.perf_counter(), time.process_time()
    run()
    return (time.perf_counter() - begun) * 1000, (time.process_time() - worked) * 1000


def test_lists_of_large_shops(monkeypatch: pytest.MonkeyPatch):
    rows: list[tuple[str | float, ...]] = []
    for size in SIZES:
        shop = large.shop(size)
        rng = np.random.default_rng(1)
        users = [large.history(shop.state, rng) for _ in range(USERS)]
        _ = shop.matrices, shop.reach
        for way, few in (("all scored", size), ("index", 0)):
            monkeypatch.setattr(reach, "FEW", few)
            listed = _listed(shop, users[0])  # the first look at the pages is dearer
            times = np.array([milliseconds(partial(_listed, shop, user)) for user in users])
            found = [_recall(shop, user) for user in users]
            looked = np.mean([len(ranking.forward(shop, user, now=shop.scheme.clock).items) for user in users])
            p50, cpu = np.median(times, axis=0)
            rows.append((f"{size:,} items, {way}", float(looked), float(p50), float(cpu), float(np.mean(found))))
            assert len(listed.item) == K
        del shop
    show(
        f"A list of {K} for a user who is new, {large.NEIGHBOURS} edges of each of three kinds an item",
        ("shop", "scored", "p50 ms", "CPU ms", f"recall@{K}"),
        rows,
    )
    assert min(float(row[-1]) for row in rows) > 0.9


def _listed(shop: Artefact, user: History) -> ranking.Ranked:
    return ranking.rank(shop, user, now=shop.scheme.clock, k=K)


def _recall(shop: Artefact, user: History) -> float:
    """Return the share of the exact list that is on the list."""
    sent = scorer.messages(shop, user.columns(), shop.scheme.clock, {})
    truth = scorer.scores(shop, sent, shop.state.candidates)
    best = np.argsort(-truth, kind="stable")[:K]
    return len(np.intersect1d(_listed(shop, user).item, best)) / K
