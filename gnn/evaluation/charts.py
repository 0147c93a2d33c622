"""Pictures of an evaluation, each one figure; what is ours is teal, what it is measured against is grey."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from gnn.evaluation.intervals import Interval
from gnn.evaluation.period import EVERYONE
from gnn.evaluation.protocol import GROUPED
from gnn.evaluation.table import Row, Table

OURS, THEIRS, INK = "#0f766e", "#a8a29e", "#44403c"
LINES = ("#b45309", "#4f46e5", "#be185d", "#65a30d", "#0284c7", "#78350f", "#c026d3", "#111827")
_METRIC = "ndcg20"


def accuracy(table: Table) -> Figure:
    """Return NDCG@20 of every model by slice, the best on top."""
    slices = _slices(table)
    rows = len(table.chosen(slices[0]))
    drawn = figure(11, 0.9 + 0.3 * rows * -(-len(slices) // 2))
    axes = drawn.subplots(-(-len(slices) // 2), 2, squeeze=False).ravel()
    for ax, name in zip(axes, slices, strict=False):
        chosen = sorted(table.chosen(name), key=lambda row: row.metrics.get(_METRIC, 0.0))
        values = [row.metrics.get(_METRIC, 0.0) for row in chosen]
        ax.barh([row.model for row in chosen], values, color=[_colour(row, table) for row in chosen])
        for place, (row, value) in enumerate(zip(chosen, values, strict=True)):
            if row.spread:
                ax.errorbar(value, place, xerr=row.spread, color=INK, capsize=2, linewidth=1)
            ax.annotate(
                f"{value:.4f}",
                (value + row.spread, place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                size=8,
            )
        ax.set_title(f"NDCG@20, {name}", loc="left")
        ax.margins(x=0.16, y=0.02)
        ax.tick_params(axis="y", length=0)
    for ax in axes[len(slices) :]:
        ax.set_axis_off()
    return drawn


def gaps(table: Table) -> Figure:
    """Return the differences of ours to each other model, with 95% intervals, by slice."""
    slices = [name for name in _slices(table) if any(row.against for row in table.chosen(name))]
    ours = [[row for row in table.chosen(name) if row.against] for name in slices]
    others = len(ours[0][0].against)
    drawn = figure(11, 0.9 + 0.3 * others * -(-len(slices) // 2))
    axes = drawn.subplots(-(-len(slices) // 2), 2, squeeze=False).ravel()
    for ax, name, rows in zip(axes, slices, ours, strict=False):
        _forest(ax, {other: by[_METRIC] for other, by in rows[0].against.items()})
        ax.set_title(f"{rows[0].model} beside the others, NDCG@20, {name}", loc="left")
    for ax in axes[len(slices) :]:
        ax.set_axis_off()
    return drawn


def by_origin(table: Table) -> Figure:
    """Return NDCG@20 of the best models at each origin, a claim holds when it holds at every one."""
    drawn = figure(11, 3.4)
    names = [origin.name for origin in table.origins]
    for ax, slice_name in zip(drawn.subplots(1, len(GROUPED)), GROUPED, strict=True):
        for model, style in _styles(table, slice_name).items():
            rows = [row for name in names for row in table.chosen(slice_name, origin=name) if row.model == model]
            ax.plot(names, [row.metrics.get(_METRIC, np.nan) for row in rows], marker="o", label=model, **style)
        ax.set_title(f"NDCG@20 by origin, {slice_name}", loc="left")
        ax.legend(frameon=False, fontsize=8)
    return drawn


def by_group(table: Table) -> Figure:
    """Return NDCG@20 by group of users, and where ours is compared, its difference to the best other model."""
    groups = [row for row in dict.fromkeys(row.group for row in table.rows) if row != EVERYONE]
    drawn = figure(11, 1 + 0.28 * max(len(groups), 3))
    for ax, slice_name in zip(drawn.subplots(1, len(GROUPED)), GROUPED, strict=True):
        styles = _styles(table, slice_name)
        shown = [group for group in reversed(groups) if _users(table, slice_name, group)]
        for model, style in styles.items():
            rows = {
                row.group: row for group in shown for row in table.chosen(slice_name, group=group) if row.model == model
            }
            values = [rows[group].metrics.get(_METRIC, np.nan) for group in shown]
            ax.scatter(values, range(len(shown)), color=style["color"], label=model, s=22, zorder=3)
        ax.set_yticks(range(len(shown)), [f"{group} ({_users(table, slice_name, group)})" for group in shown], size=8)
        ax.set_title(f"NDCG@20 by group of users, {slice_name}", loc="left")
        ax.grid(axis="y", color="#e7e5e4", linewidth=0.6)
        ax.legend(frameon=False, fontsize=8)
    return drawn


def by_group_gaps(table: Table) -> Figure:
    """Return the difference of ours to the best other model by group of users, with 95% intervals."""
    groups = list(dict.fromkeys(row.group for row in table.rows))
    drawn = figure(11, 1 + 0.28 * max(len(groups), 3))
    for ax, slice_name in zip(drawn.subplots(1, len(GROUPED)), GROUPED, strict=True):
        rival = _best_other(table, slice_name)
        ours = [row for group in groups for row in table.chosen(slice_name, group=group) if row.against]
        _forest(ax, {f"{row.group} ({row.users})": row.against[rival][_METRIC] for row in ours if row.users > 1})
        ax.set_title(f"{ours[0].model} beside {rival}, {slice_name}", loc="left")
    return drawn


def by_popularity(table: Table) -> Figure:
    """Return Recall@20 by tenth of the items' popularity."""
    drawn = figure(11, 3.4)
    for ax, slice_name in zip(drawn.subplots(1, len(GROUPED)), GROUPED, strict=True):
        rows = {row.model: row for row in table.chosen(slice_name)}
        for model, style in _styles(table, slice_name).items():
            ax.plot(range(1, 11), rows[model].by_popularity, marker="o", markersize=3, label=model, **style)
        ax.set_title(f"Recall@20 by the items' popularity, {slice_name}", loc="left")
        ax.set_xlabel("tenth of the items by buyers, 10 the most popular")
        ax.set_xticks(range(1, 11))
        ax.legend(frameon=False, fontsize=8)
    return drawn


def spread(table: Table) -> Figure:
    """Return coverage beside Gini, and diversity beside accuracy, a point a model."""
    drawn = figure(11, 4.2)
    left, right = drawn.subplots(1, 2)
    _points(left, table, "novel", "coverage", "gini", "share of the items in any list", "Gini of the items' exposure")
    left.set_title("Coverage and concentration, novel", loc="left")
    _points(right, table, "novel", "diversity", _METRIC, "pairs of a list from different categories", "NDCG@20")
    right.set_title("Diversity and accuracy, novel", loc="left")
    return drawn


def calibration(table: Table) -> Figure:
    """Return how far lists are from the users' own departments and price levels; shorter is closer."""
    drawn = figure(11, 0.9 + 0.3 * len(table.chosen("all")))
    left, right = drawn.subplots(1, 2)
    titles = {"category_calibration": "Departments", "price_calibration": "Price levels"}
    for ax, (metric, title) in zip((left, right), titles.items(), strict=True):
        chosen = [row for row in table.chosen("all") if metric in row.metrics]
        chosen.sort(key=lambda row: -row.metrics[metric])
        ax.barh(
            [row.model for row in chosen],
            [row.metrics[metric] for row in chosen],
            color=[_colour(row, table) for row in chosen],
        )
        ax.set_title(f"{title}: KL to the user's own, all (nats, 0 is calibrated)", loc="left")
        ax.tick_params(axis="y", length=0)
    return drawn


def training(table: Table) -> Figure:
    """Return loss and validation NDCG@20 of both slices by pass."""
    drawn = figure(11, 3.2)
    left, right = drawn.subplots(1, 2)
    passes = [epoch.number for epoch in table.curve]
    left.plot(passes[1:], [epoch.loss for epoch in table.curve[1:]], color=OURS, marker="o", markersize=3)
    left.set_title("Loss by pass", loc="left")
    for slice_name, style in zip(GROUPED, ("-", "--"), strict=True):
        values = np.array([epoch.metrics.get(f"ndcg20_{slice_name}", np.nan) for epoch in table.curve])
        right.plot(passes, values / values[0], style, color=OURS, label=slice_name, marker="o", markersize=3)
    right.axhline(1, color=THEIRS, linewidth=0.8)
    right.set_title("Validation NDCG@20, as a share of the untrained model's", loc="left")
    right.legend(frameon=False)
    for ax in (left, right):
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_xlabel("pass")
    return drawn


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches."""
    engine = ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.06)
    return Figure(figsize=(width, height), layout=engine)


def _slices(table: Table) -> list[str]:
    return list(dict.fromkeys(row.slice for row in table.rows))


def _is_ours(model: str, table: Table) -> bool:
    return any(row.against for row in table.rows if row.model == model)


def _colour(row: Row, table: Table) -> str:
    return OURS if _is_ours(row.model, table) else THEIRS


def _ranked(table: Table, slice_name: str) -> list[str]:
    rows = sorted(table.chosen(slice_name), key=lambda row: -row.metrics.get(_METRIC, 0.0))
    return [row.model for row in rows]


def _best_other(table: Table, slice_name: str) -> str:
    return next(model for model in _ranked(table, slice_name) if not _is_ours(model, table))


def _styles(table: Table, slice_name: str, most: int = 4) -> dict[str, dict[str, Any]]:
    """Return the models that a crowded picture shows, ours and the best others, each with its line.

    A model looks the same in every slice, for pictures stand side by side.
    """
    ranked = _ranked(table, slice_name)
    ours = [model for model in ranked if _is_ours(model, table)]
    best = {name: [other for other in _ranked(table, name) if other not in ours][:most] for name in GROUPED}
    colours = dict(zip(dict.fromkeys(other for named in best.values() for other in named), LINES, strict=False))
    styles: dict[str, dict[str, Any]] = {model: {"color": OURS, "linewidth": 2} for model in ours}
    return styles | {model: {"color": colours[model], "linewidth": 1.2} for model in best[slice_name]}


def _users(table: Table, slice_name: str, group: str) -> int:
    return next((row.users for row in table.chosen(slice_name, group=group)), 0)


def _forest(ax: Axes, found: dict[str, Interval]) -> None:
    names = list(reversed(found))
    ax.axvline(0, color=THEIRS, linewidth=0.8)
    for place, name in enumerate(names):
        gap = found[name]
        sure = gap.low > 0 or gap.high < 0
        ax.plot((gap.low, gap.high), (place, place), color=OURS, linewidth=1.4, alpha=1 if sure else 0.45)
        ax.plot(gap.difference, place, "o", color=OURS if sure else "white", markeredgecolor=OURS, markersize=5)
    ax.set_yticks(range(len(names)), names, size=8)
    ax.tick_params(axis="y", length=0)


def _points(
    ax: Axes,
    table: Table,
    slice_name: str,
    x: str,
    y: str,
    x_label: str,
    y_label: str,
) -> None:
    rows = [row for row in table.chosen(slice_name) if x in row.metrics and y in row.metrics]
    for row in rows:
        ax.scatter(row.metrics[x], row.metrics[y], color=_colour(row, table), s=36, zorder=3)
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.margins(0.08)
    _labels(ax, [(row.metrics[x], row.metrics[y], row.model) for row in rows])


def _labels(ax: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Write the points' names in a column beside the picture, each led to its point."""
    low, high = ax.get_ylim()
    step = (high - low) / max(len(points), 18)
    places: list[float] = []
    for _, y, _ in sorted(points, key=lambda point: point[1]):
        places.append(max(y, places[-1] + step) if places else y)
    over = max((places[-1] if places else high) - high, 0.0)
    for n in range(len(places) - 1, -1, -1):
        places[n] = min(places[n], places[n + 1] - step) if n + 1 < len(places) else places[n] - over
    column = ax.get_yaxis_transform()
    for (x, y, name), place in zip(sorted(points, key=lambda point: point[1]), places, strict=True):
        ax.annotate(
            name,
            (x, y),
            xytext=(1.03, place),
            textcoords=column,
            va="center",
            size=8,
            color=INK,
            arrowprops={
                "arrowstyle": "-",
                "relpos": (0, 0.5),
                "color": "#d6d3d1",
                "linewidth": 0.6,
                "shrinkA": 0,
                "shrinkB": 3,
            },
        )
