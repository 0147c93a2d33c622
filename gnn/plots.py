"""Pictures of an evaluation: metrics beside baselines with intervals, and how training went."""

from pathlib import Path

import numpy as np
import orjson
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gnn.evaluate import SLICES, Table

_OURS, _THEIRS = "#0f766e", "#a8a29e"


def write_report(table: Table, folder: Path) -> None:
    """Write `evaluation.json`, `evaluation.png` and, when the network was trained, `training.png` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_bytes(orjson.dumps(table.to_json(), option=orjson.OPT_INDENT_2))
    _save(metrics_beside_baselines(table), folder / "evaluation.png")
    if table.curve:
        _save(training_curve(table), folder / "training.png")


def metrics_beside_baselines(table: Table) -> Figure:
    """Return NDCG@20 and Recall@20 of every model by slice; whiskers are the intervals of the gap to the network."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots(len(SLICES), 2, squeeze=False)
    for row, slice_name in enumerate(SLICES):
        chosen = [entry for entry in table.rows if entry.slice == slice_name]
        gaps = {name: gap for entry in chosen for name, gap in entry.against.items()}
        for column, (metric, title) in enumerate((("ndcg20", "NDCG@20"), ("recall20", "Recall@20"))):
            ax = axes[row][column]
            names = [entry.model for entry in chosen]
            values = np.array([entry.metrics[metric] for entry in chosen])
            colours = [_OURS if name == "attune" else _THEIRS for name in names]
            ax.barh(names, values, color=colours)
            if metric == "ndcg20":
                for place, name in enumerate(names):
                    if name in gaps:
                        half = (gaps[name].high - gaps[name].low) / 2
                        ax.errorbar(values[place], place, xerr=half, color="#44403c", capsize=3, linewidth=1)
            for place, value in enumerate(values):
                ax.annotate(f"{value:.4f}", (value, place), xytext=(8, 0), textcoords="offset points", va="center")
            ax.set_title(f"{title}, {slice_name}")
            ax.margins(x=0.18)
            ax.spines[["top", "right"]].set_visible(False)
    return figure


def training_curve(table: Table) -> Figure:
    """Return loss and validation NDCG@20 of both slices by pass."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    passes = [epoch.number for epoch in table.curve]
    left.plot(passes[1:], [epoch.loss for epoch in table.curve[1:]], color=_OURS)
    left.set_title("Loss")
    for slice_name, style in zip(SLICES, ("-", "--"), strict=True):
        values = [epoch.metrics.get(f"ndcg20_{slice_name}", np.nan) for epoch in table.curve]
        right.plot(passes, values, style, color=_OURS, label=slice_name)
    right.set_title("NDCG@20 on the validation period")
    right.legend(frameon=False)
    for ax in (left, right):
        ax.set_xlabel("pass")
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure).print_png(str(path))
