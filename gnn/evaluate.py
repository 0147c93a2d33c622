"""The protocol: models and baselines ranked in full over a held-out period, with intervals paired over users.

Split by time; candidates are what enough users bought before the cut; slices `all` (everything bought after it) and
`novel` (what the user bought before is taken out of lists and truth). Choices belong to periods before the cut.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64, Int64

from gnn import metrics, split, state, train, untrained
from gnn.artefact import Artefact
from gnn.baselines.base import Past, Recommender
from gnn.baselines.ease import Ease, frequency_and_ease
from gnn.baselines.frequency import Frequency
from gnn.baselines.popularity import Popularity
from gnn.config import Config
from gnn.errors import BadConfig, NotEnoughData
from gnn.output import Users
from gnn.scorer import messages, scores
from gnn.split import Cut
from gnn.train import Epoch, Silent
from graph.snapshot import Snapshot

BASELINES: Mapping[str, Callable[[], Recommender]] = {
    "popularity": Popularity,
    "frequency": Frequency,
    "ease": Ease,
    "frequency+ease": frequency_and_ease,
}
MODELS = (*BASELINES, "untrained", "attune")
SLICES = ("all", "novel")
METRICS = ("recall20", "ndcg20", "hitrate10", "mrr")

_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference of means with its 95% interval, by the paired bootstrap over users (10,000 resamples)."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one slice."""

    model: str
    slice: str
    users: int
    """Users with anything to find in this slice."""
    metrics: dict[str, float]
    """Mean over users (and seeds); `coverage` is the share of the candidates that is in any top 20."""
    against: dict[str, Interval]
    """Baseline -> difference in ndcg20 of this model to it, where this model is the network."""


@dataclass(frozen=True, slots=True)
class Table:
    """What an evaluation found."""

    snapshot: str
    cut: int
    """Microseconds UTC."""
    until: int
    users: int
    candidates: int
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    curve: tuple[Epoch, ...]
    """Passes of the first seed's training; empty when the network was not asked for."""

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain data."""
        return asdict(self)

    def as_text(self) -> tuple[list[str], list[list[str]]]:
        """Return the columns and cells of a table to read."""
        columns = ["model", "slice", *METRICS, "coverage", "ndcg20 of attune against it"]
        gaps = {(row.slice, name): gap for row in self.rows for name, gap in row.against.items()}
        cells: list[list[str]] = []
        for row in self.rows:
            gap = gaps.get((row.slice, row.model))
            told = f"{gap.difference:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]" if gap else ""
            figures = [f"{row.metrics[name]:.4f}" if name in row.metrics else "" for name in (*METRICS, "coverage")]
            cells.append([row.model, row.slice, *figures, told])
        return columns, cells


def check_names(names: Sequence[str] | None) -> tuple[str, ...]:
    """Return the models to evaluate, all when None; raises `BadConfig` for an unknown one."""
    for name in names or ():
        if name not in MODELS:
            raise BadConfig(name, MODELS, f"no such model; known: {', '.join(MODELS)}")
    return tuple(names or MODELS)


def evaluate(
    snapshot: Snapshot,
    names: Sequence[str],
    config: Config | None = None,
    *,
    cut: int | None = None,
    until: int | None = None,
    seeds: Sequence[int] = (0,),
    device: str = "auto",
    progress: train.Progress | None = None,
) -> Table:
    """Fit everything on the events before `cut` and rank for those who bought between `cut` and `until`.

    By default the last period of the length that training uses is held out. Raises `NotEnoughData` when nobody bought
    in it.
    """
    config = config or Config()
    progress = progress or Silent()
    period = _period(snapshot, config, cut, until)
    past = snapshot.until(period.at)
    moment = _candidates(past, config)
    truth = split.targets(snapshot, period, config.target)[:, moment]
    known = Past.of(past, moment, config.target)
    bought = known.weeks() > 0
    users = np.flatnonzero(np.asarray(truth.sum(axis=1)).ravel() > 0)
    if not len(users):
        raise NotEnoughData("nobody bought a candidate in the held-out period", "Give another --cut")
    found: dict[str, list[Measured]] = {}
    curve: tuple[Epoch, ...] = ()
    for name in names:
        seen: list[Measured] = []
        for seed in seeds if name == "attune" else seeds[:1]:
            if name == "attune":
                trained = train.train(past, replace(config, seed=seed), device=device, progress=progress)
                curve = curve or trained.curve
                score = _network(trained.artefact, past, moment)
            elif name == "untrained":
                score = _network(untrained.build(past, config), past, moment)
            else:
                progress.phase(f"Fitting {name}")
                baseline = BASELINES[name]()
                baseline.fit(known)
                score = baseline.score
            progress.phase(f"Ranking {name}", len(users))
            seen.append(measure(score, users, truth, bought, progress))
        found[name] = seen
    return Table(
        snapshot=snapshot.id,
        cut=period.at,
        until=period.until,
        users=len(users),
        candidates=len(moment),
        seeds=tuple(seeds),
        rows=tuple(_rows(found, np.random.default_rng(config.seed))),
        curve=curve,
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """One model's metrics per slice and user; users without truth in a slice are left out of it."""

    metrics: dict[str, dict[str, Float64[np.ndarray, "N"]]]
    """Slice -> metric -> one number per user, in the order of the users."""
    coverage: dict[str, float]


def measure(
    score: Callable[[Int64[np.ndarray, "B"]], Float64[np.ndarray, "B P"]],
    users: Int64[np.ndarray, "N"],
    truth: sp.csr_matrix,
    bought: sp.csr_matrix,
    progress: train.Progress,
) -> Measured:
    """Rank all candidates for these users, a block at a time, and measure the lists."""
    parts: dict[str, dict[str, list[np.ndarray]]] = {name: {metric: [] for metric in METRICS} for name in SLICES}
    shown = {name: np.zeros(truth.shape[1], np.bool_) for name in SLICES}
    for low in range(0, len(users), _BLOCK):
        block = users[low : low + _BLOCK]
        scored = score(block)
        relevant = truth[block].toarray() > 0
        known = bought[block].toarray() > 0
        for name in SLICES:
            allowed = ~known if name == "novel" else np.ones_like(known)
            wanted = relevant & allowed
            size = wanted.sum(axis=1)
            ranked = metrics.top(np.where(allowed, scored, -np.inf))
            hit = metrics.hits(ranked, wanted)
            shown[name][ranked[ranked >= 0]] = True
            counted = size > 0
            figures = {
                "recall20": metrics.recall(hit, size),
                "ndcg20": metrics.ndcg(hit, size),
                "hitrate10": metrics.hit_rate(hit),
                "mrr": metrics.reciprocal_rank(hit),
            }
            for metric, values in figures.items():
                parts[name][metric].append(values[counted])
        progress.advance(len(block))
    joined = {name: {metric: np.concatenate(v) for metric, v in by.items()} for name, by in parts.items()}
    return Measured(joined, {name: float(there.mean()) for name, there in shown.items()})


def _period(snapshot: Snapshot, config: Config, cut: int | None, until: int | None) -> Cut:
    until = snapshot.at if until is None else until
    if cut is None:
        found = split.split(snapshot.until(until), config)
        if found is None:
            raise NotEnoughData("the events do not span any time, so no period can be held out")
        return found.validation
    if not cut < until:
        raise NotEnoughData("the held-out period is empty", "Give a --cut before the last event")
    return Cut(cut, until)


def _candidates(past: Snapshot, config: Config) -> Int64[np.ndarray, "P"]:
    everything = Past.of(past, np.arange(len(past.item_ids)), config.target).weeks()
    buyers = np.bincount(everything.indices, minlength=len(past.item_ids))
    return np.flatnonzero(state.choose_candidates(past, buyers, config))


def _network(
    artefact: Artefact, past: Snapshot, candidates: Int64[np.ndarray, "P"]
) -> Callable[[Int64[np.ndarray, "B"]], Float64[np.ndarray, "B P"]]:
    users = Users(artefact, past)

    def score(block: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        found = np.empty((len(block), len(candidates)))
        for row, user in enumerate(block):
            history = users.history(int(user)).columns()
            sent = messages(artefact, history, past.at, users.attributes(int(user)))
            found[row] = scores(artefact, sent, artefact.state.candidates)
        return found

    assert np.array_equal(artefact.state.candidates, candidates)  # noqa: S101 - one rule chooses both
    return score


def _rows(found: Mapping[str, Sequence[Measured]], rng: np.random.Generator) -> list[Row]:
    rows: list[Row] = []
    for name, seen in found.items():
        for slice_name in SLICES:
            means = {
                metric: np.mean([measured.metrics[slice_name][metric] for measured in seen], axis=0)
                for metric in METRICS
            }
            against = {}
            if name == "attune":
                for other, measured in found.items():
                    if other != name:
                        gap = means["ndcg20"] - measured[0].metrics[slice_name]["ndcg20"]
                        against[other] = Interval(_mean(gap), *metrics.bootstrap(gap, rng))
            figures = {metric: _mean(values) for metric, values in means.items()}
            figures["coverage"] = float(np.mean([measured.coverage[slice_name] for measured in seen]))
            rows.append(Row(name, slice_name, len(means["ndcg20"]), figures, against))
    return rows


def _mean(values: Float64[np.ndarray, "N"]) -> float:
    return float(values.mean()) if len(values) else 0.0
