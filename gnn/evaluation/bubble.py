"""The filter bubble of everybody: how broad lists are, who is shown dear and cheap items, what diversity costs.

Lists as they are now beside those that the same model would have made a month before, and beside what was bought.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from gnn import bubble, diversity, metrics, ranking, train, untrained
from gnn.artefact import Artefact
from gnn.errors import NotEnoughData
from gnn.evaluation.intervals import Interval, intervals
from gnn.evaluation.period import Period, groups_of, prepare
from gnn.features import clock_and_span
from gnn.filters import EVERYTHING, Query
from gnn.held_out import Cut, HeldOut
from gnn.output import NO_DISPUTES, Disputes, Users
from gnn.train import Progress
from graph.snapshot import Snapshot

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Positions of the diversity dial that are measured."""
SLICES = ("all", "novel")
_NOTHING = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Lists:
    """What the first k of everybody's lists show."""

    users: int
    coverage: float
    """Share of the candidates in any list."""
    gini: float
    """Of the candidates' exposure; 0 is even."""
    diversity: float
    """Mean over users of the share of a list's pairs from different categories."""
    effective_categories: float
    """Mean over users (`gnn.bubble`)."""
    tiers: tuple[float, ...]
    """Share of what is shown in each price tier, the cheapest first."""


@dataclass(frozen=True, slots=True)
class Band:
    """One group of users."""

    name: str
    users: int
    diversity: float
    effective_categories: float
    never_bought: float
    """Share of the lists from categories in which the user never bought."""
    tiers: tuple[float, ...]
    bought_tiers: tuple[float, ...]
    """The same of their purchases."""


@dataclass(frozen=True, slots=True)
class Step:
    """One position of the dial on the held-out period."""

    slice: str
    dial: float
    users: int
    ndcg20: float
    diversity: float
    effective_categories: float
    price: Interval
    """NDCG@20 less that of the dial at 0, with its interval over users."""


@dataclass(frozen=True, slots=True)
class Everybody:
    """The report."""

    model: str
    snapshot: str
    k: int
    now: Lists
    month_before: Lists | None
    """Of those who had events then."""
    now_of_those: Lists | None
    """The lists of the same users now."""
    change: Interval | None
    """Diversity of a list now less a month before, paired over users."""
    kept: float
    """Mean share of a list that was on it a month before."""
    bought_categories: float
    """Mean effective number of categories of what a user bought."""
    catalogue: bubble.Breadth
    bands: tuple[Band, ...]
    steps: tuple[Step, ...]
    period: tuple[int, int] | None
    """Where the dial was measured: microseconds UTC, from the cut to the end."""

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return asdict(self)


def measure(
    artefact: Artefact,
    snapshot: Snapshot,
    cut: HeldOut | None,
    progress: Progress,
    *,
    k: int = metrics.K,
    users: int | None = None,
    disputes: Disputes = NO_DISPUTES,
    seed: int = 0,
    device: str = "auto",
) -> Everybody:
    """Measure the lists of everybody, or of so many users drawn at random; `cut`: where the dial is, if at all.

    The dial is measured on the model's own settings, trained on what came before the cut.
    """
    rng = np.random.default_rng(seed)
    everybody = Users(artefact, snapshot, disputes)
    drawn = np.arange(len(snapshot.user_ids))
    if users is not None and users < len(drawn):
        drawn = np.sort(rng.permutation(drawn)[:users])
    then = bubble.month_before(artefact, snapshot.at, clock_and_span(snapshot)[0])
    past = snapshot.until(then)
    older = Users(artefact, past, disputes)
    met = np.bincount(past.events.user, minlength=len(snapshot.user_ids))[drawn] > 0
    progress.phase("Lists now and a month before", len(drawn))
    now = np.full((len(drawn), k), -1, np.int64)
    before = np.full((len(drawn), k), -1, np.int64)
    gone = everybody.gone()
    for row, user in enumerate(drawn.tolist()):
        now[row] = _list(everybody, user, k, gone)
        if met[row]:
            before[row] = _list(older, user, k, gone)
        progress.advance(1)
    bought = [_bought(everybody, user) for user in drawn.tolist()]
    same = [_diversity(artefact, side[met]) for side in (now, before)]
    return Everybody(
        model=artefact.version,
        snapshot=snapshot.id,
        k=k,
        now=_shown(artefact, now),
        month_before=_shown(artefact, before[met]) if met.any() else None,
        now_of_those=_shown(artefact, now[met]) if met.any() else None,
        change=intervals(same[0][:, None], same[1][None, :, None], rng)[0] if met.any() else None,
        kept=_mean(
            [float(np.isin(n[n >= 0], b).mean()) for n, b in zip(now[met], before[met], strict=True) if (n >= 0).any()]
        ),
        bought_categories=_mean(
            [bubble.breadth(artefact, items, times).effective_categories for items, times in bought if len(items)]
        ),
        catalogue=bubble.breadth(artefact, artefact.state.candidates),
        bands=tuple(
            _band(artefact, name, inside, now, bought)
            for name, inside in groups_of(snapshot, drawn).items()
            if inside.any()
        ),
        steps=() if cut is None else dial(artefact, snapshot, cut, progress, users=users, rng=rng, device=device),
        period=(cut.at, cut.until) if isinstance(cut, Cut) else None,
    )


def dial(
    artefact: Artefact,
    snapshot: Snapshot,
    cut: HeldOut,
    progress: Progress,
    *,
    users: int | None,
    rng: np.random.Generator,
    device: str = "auto",
) -> tuple[Step, ...]:
    """Return what each position of the diversity dial costs in NDCG@20 on the period after the cut."""
    period = prepare(snapshot, cut, artefact.config)
    try:
        model = train.train(period.past, artefact.config, device=device, progress=progress).to_measure().artefact
    except NotEnoughData:
        model = untrained.build(period.past, artefact.config)
    asked = (
        period.users if users is None or users >= len(period.users) else np.sort(rng.permutation(period.users)[:users])
    )
    progress.phase("The price of diversity", len(asked))
    served = Users(model, period.past)
    shown = {name: np.full((len(STEPS), len(asked), metrics.K), -1, np.int64) for name in SLICES}
    for row, user in enumerate(asked.tolist()):
        score = served.scores(user)
        novel = period.bought[[user]].toarray()[0] == 0
        for name in SLICES:
            left = np.flatnonzero(novel) if name == "novel" else np.arange(len(score))
            best = left[np.lexsort((left, -score[left]))[: diversity.POOL]]
            for step, share in enumerate(STEPS):
                items = diversity.arrange(
                    model, model.state.candidates[best], score[best], metrics.K, Query(diversity=share), _NOTHING
                )
                shown[name][step, row, : len(items)] = model.state.position[items]
        progress.advance(1)
    return tuple(step for name in SLICES for step in _steps(model, period, asked, name, shown[name], rng))


def _steps(
    model: Artefact,
    period: Period,
    asked: Int64[np.ndarray, "N"],
    name: str,
    shown: Int64[np.ndarray, "S N K"],
    rng: np.random.Generator,
) -> list[Step]:
    wanted = period.truth[asked].toarray() > 0
    if name == "novel":
        wanted &= period.bought[asked].toarray() == 0
    size = wanted.sum(axis=1)
    counted = size > 0
    ndcg = np.stack([metrics.ndcg(metrics.hits(ranked, wanted), size)[counted] for ranked in shown])
    found: list[Step] = []
    for step, share in enumerate(STEPS):
        ranked = shown[step][counted]
        rows = np.where(ranked >= 0, model.state.candidates[np.maximum(ranked, 0)], -1)
        price = intervals(ndcg[step][:, None], ndcg[:1, :, None], rng)[0]
        lists = _shown(model, rows)
        found.append(
            Step(
                slice=name,
                dial=share,
                users=int(counted.sum()),
                ndcg20=float(ndcg[step].mean()) if counted.any() else float("nan"),
                diversity=lists.diversity,
                effective_categories=lists.effective_categories,
                price=price,
            )
        )
    return found


def _list(users: Users, user: int, k: int, gone: frozenset[str]) -> Int64[np.ndarray, "K"]:
    query = users.passed(user).strictly(Query(exclude=gone) if gone else EVERYTHING)
    ranked = ranking.rank(
        users.artefact,
        users.history(user),
        now=users.snapshot.at,
        k=k,
        query=query,
        attributes=users.attributes(user),
    )
    return np.concatenate([ranked.item.astype(np.int64), np.full(k - len(ranked.item), -1, np.int64)])


def _bought(users: Users, user: int) -> tuple[Int64[np.ndarray, "B"], Float64[np.ndarray, "B"]]:
    history = users.history(user)
    items, times = np.unique(history.item[history.bought], return_counts=True)
    return items.astype(np.int64), times.astype(np.float64)


def _shown(artefact: Artefact, ranked: Int64[np.ndarray, "U K"]) -> Lists:
    exposure = np.bincount(ranked[ranked >= 0], minlength=len(artefact.item_ids)).astype(np.float64)
    of_candidates = exposure[artefact.state.candidates]
    items = np.flatnonzero(exposure)
    return Lists(
        users=len(ranked),
        coverage=float((of_candidates > 0).mean()) if len(of_candidates) else 0.0,
        gini=metrics.gini(of_candidates),
        diversity=_mean(_diversity(artefact, ranked).tolist()),
        effective_categories=_mean(_effective(artefact, ranked)),
        tiers=tuple(bubble.tiers(artefact, items, exposure[items]).tolist()),
    )


def _diversity(artefact: Artefact, ranked: Int64[np.ndarray, "U K"]) -> Float64[np.ndarray, "U"]:
    return metrics.diversity(ranked, np.asarray(artefact.item_category).astype(np.int64))


def _effective(artefact: Artefact, ranked: Int64[np.ndarray, "U K"]) -> list[float]:
    return [bubble.breadth(artefact, row[row >= 0]).effective_categories for row in ranked if (row >= 0).any()]


def _band(
    artefact: Artefact,
    name: str,
    inside: Bool[np.ndarray, "U"],
    now: Int64[np.ndarray, "U K"],
    bought: Sequence[tuple[Int64[np.ndarray, "_"], Float64[np.ndarray, "_"]]],
) -> Band:
    lists = _shown(artefact, now[inside])
    rows: list[int] = np.flatnonzero(inside).tolist()
    new = [bubble.never_bought(artefact, now[row][now[row] >= 0], bought[row][0]) for row in rows]
    items = np.concatenate([_NOTHING, *(bought[row][0] for row in rows)])
    times = np.concatenate([np.zeros(0), *(bought[row][1] for row in rows)])
    return Band(
        name=name,
        users=len(rows),
        diversity=lists.diversity,
        effective_categories=lists.effective_categories,
        never_bought=_mean([share for share in new if share is not None]),
        tiers=lists.tiers,
        bought_tiers=tuple(bubble.tiers(artefact, items, times).tolist()),
    )


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
