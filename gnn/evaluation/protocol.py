"""The protocol: models and baselines ranked in full over held-out periods, with intervals paired over users.

Split by time; candidates are what enough users bought before each cut. Choices belong to periods before the cut.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from gnn.config import Config
from gnn.evaluation import kept
from gnn.evaluation.contenders import Contender
from gnn.evaluation.intervals import Interval, intervals
from gnn.evaluation.kept import Kept
from gnn.evaluation.measure import PER_MODEL, PER_USER, SLICES, Measured, measure
from gnn.evaluation.period import EVERYONE, prepare
from gnn.evaluation.table import MEAN, Origin, Row, Table
from gnn.held_out import HeldOut
from gnn.train import Epoch, Progress, Silent
from graph.snapshot import Snapshot

_FORETOLD = ("ndcg20", "recall20")
COMPARED = (*_FORETOLD, "revenue_ndcg20", "price_calibration")
"""What intervals are told of: what is found, what that earns, and how near prices are to the user's own."""
GROUPED = ("all", "novel")
"""Slices that are told apart by groups of users."""


def evaluate(
    snapshot: Snapshot,
    contenders: Mapping[str, Contender],
    cuts: Sequence[HeldOut],
    config: Config | None = None,
    *,
    seeds: Sequence[int] = (0,),
    progress: Progress | None = None,
    keep: Kept | None = None,
) -> Table:
    """Fit every contender on what came before each cut, and rank for those who bought in the period after it.

    `keep` holds measurements of earlier runs; those of the same snapshot, period, model, settings and seed are taken
    over, unless the model is ours. Raises `NotEnoughData` when nobody bought a candidate in a period.
    """
    config = config or Config()
    progress = progress or Silent()
    results: list[_AtOrigin] = []
    origins: list[Origin] = []
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    curve: tuple[Epoch, ...] = ()
    for cut in cuts:
        period = prepare(snapshot, cut, config)
        origin = Origin.of(cut, len(period.users), len(period.candidates))
        origins.append(origin)
        found: dict[str, list[Measured]] = {}
        for name, contender in contenders.items():
            found[name] = []
            for seed in seeds if contender.draws else seeds[:1]:
                key = kept.key(snapshot.id, cut, config, name, contender.settings, seed)
                measured = None if keep is None or contender.ours else keep.load(key)
                if measured is None:
                    begun = time.monotonic()
                    fitted = contender.fit(period, seed, progress)
                    seconds[name].append(time.monotonic() - begun)
                    curve = curve or fitted.curve
                    progress.phase(f"Ranking {name}, {origin.name}", len(period.users))
                    measured = measure(fitted.score, period, progress)
                    if keep is not None and not contender.ours:
                        keep.save(key, measured)
                found[name].append(measured)
        results.append(_AtOrigin(origin.name, period.users, period.groups, found))
    progress.phase("Intervals by the bootstrap over users")
    rng = np.random.default_rng(config.seed)
    ours = [name for name, contender in contenders.items() if contender.ours]
    return Table(
        snapshot=snapshot.id,
        origins=tuple(origins),
        seeds=tuple(seeds),
        settings={name: dict(contender.settings) for name, contender in contenders.items()},
        seconds={name: float(np.mean(taken)) for name, taken in seconds.items() if taken},
        rows=tuple(_rows(results, ours, len(snapshot.user_ids), rng)),
        curve=curve,
    )


class _AtOrigin:
    """What was measured at one origin, or at several as one: per-user figures [U, O], nan where a user is absent."""

    def __init__(
        self, name: str, users: np.ndarray, groups: Mapping[str, np.ndarray], found: Mapping[str, list[Measured]]
    ) -> None:
        self.name, self.users, self.groups, self.found = name, users, groups, found

    def figures(self, model: str, slice_name: str, metric: str, group: str) -> Float64[np.ndarray, "N"]:
        """Return the mean over seeds per user of a group; nan outside it."""
        values = np.mean([seed.per_user[slice_name][metric] for seed in self.found[model]], axis=0)
        return np.where(self.groups[group], values, np.nan) if group in self.groups else np.full(len(values), np.nan)


def _rows(results: Sequence[_AtOrigin], ours: Sequence[str], U: int, rng: np.random.Generator) -> list[Row]:
    together = [(MEAN, list(results))] if len(results) > 1 else []
    views = [*((result.name, [result]) for result in results), *together]
    rows: list[Row] = []
    groups = list(dict.fromkeys(group for result in results for group in result.groups))
    for origin, part in views:
        for slice_name in SLICES:
            for group in groups if slice_name in GROUPED else (EVERYONE,):
                rows += _of_group(origin, part, slice_name, group, ours, U, rng)
    return rows


def _of_group(
    origin: str,
    results: Sequence[_AtOrigin],
    slice_name: str,
    group: str,
    ours: Sequence[str],
    U: int,
    rng: np.random.Generator,
) -> list[Row]:
    models = list(results[0].found)
    grid = {
        metric: np.stack([_grid(results, model, slice_name, metric, group, U) for model in models])
        for metric in PER_USER
    }
    users = int((~np.isnan(grid["ndcg20"][0])).sum())
    others = [m for m, model in enumerate(models) if model not in ours]
    against = {
        name: _against(grid, models.index(name), {models[m]: m for m in others}, rng)
        for name in (ours if others and users else ())
    }
    rows: list[Row] = []
    for m, model in enumerate(models):
        metrics = {metric: _mean(grid[metric][m]) for metric in PER_USER}
        popularity: tuple[float, ...] = ()
        if group == EVERYONE:
            for metric in PER_MODEL:
                metrics[metric] = float(
                    np.mean([seed.per_model[slice_name][metric] for at in results for seed in at.found[model]])
                )
            tenths = np.stack([seed.by_popularity[slice_name] for at in results for seed in at.found[model]])
            popularity = tuple(float(value) for value in _nanmean(tenths))
        rows.append(
            Row(
                model=model,
                slice=slice_name,
                group=group,
                origin=origin,
                users=users,
                metrics={metric: value for metric, value in metrics.items() if np.isfinite(value)},
                spread=_spread(results, model, slice_name, group),
                against=against.get(model, {}),
                by_popularity=popularity,
            )
        )
    return rows


def _against(
    grid: Mapping[str, Float64[np.ndarray, "M U O"]], ours: int, others: Mapping[str, int], rng: np.random.Generator
) -> dict[str, dict[str, Interval]]:
    """Return other model -> metric -> interval, over the users of whom there is a figure of every model."""
    found: dict[str, dict[str, Interval]] = {name: {} for name in others}
    # What is foretold is drawn as if nothing else were: figures of before are found again.
    apart = rng.spawn(1)[0]
    for metric in COMPARED:
        values = np.where(np.isnan(grid[metric]).any(axis=0), np.nan, grid[metric])
        if np.isnan(values[ours]).all():
            continue
        drawn = rng if metric in _FORETOLD else apart
        told = intervals(values[ours], values[list(others.values())], drawn)
        for name, interval in zip(others, told, strict=True):
            found[name][metric] = interval
    return found


def _grid(
    results: Sequence[_AtOrigin], model: str, slice_name: str, metric: str, group: str, U: int
) -> Float64[np.ndarray, "U O"]:
    grid = np.full((U, len(results)), np.nan)
    for o, result in enumerate(results):
        grid[result.users, o] = result.figures(model, slice_name, metric, group)
    return grid


def _spread(results: Sequence[_AtOrigin], model: str, slice_name: str, group: str) -> float:
    """Return the deviation over seeds of the mean over origins of ndcg20."""
    seeds = min(len(result.found[model]) for result in results)
    means: list[float] = []
    for seed in range(seeds):
        columns = [
            result.found[model][seed].per_user[slice_name]["ndcg20"][result.groups[group]]
            for result in results
            if group in result.groups
        ]
        kept_means = [float(np.nanmean(values)) for values in columns if np.isfinite(values).any()]
        means.append(float(np.mean(kept_means)) if kept_means else float("nan"))
    return float(np.std(means, ddof=1)) if seeds > 1 and np.isfinite(means).all() else 0.0


def _mean(grid: Float64[np.ndarray, "U O"]) -> float:
    """Return the mean over origins of the mean over users; nan when nobody has a figure."""
    with_figures = [column[~np.isnan(column)] for column in grid.T]
    means = [float(values.mean()) for values in with_figures if len(values)]
    return float(np.mean(means)) if means else float("nan")


def _nanmean(values: Float64[np.ndarray, "R T"]) -> Float64[np.ndarray, "T"]:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis=0) / known.sum(axis=0)
