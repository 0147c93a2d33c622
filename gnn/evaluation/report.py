"""One page that holds everything an evaluation found: figures, pictures, intervals, settings; nothing is fetched."""

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from gnn.evaluation import charts
from gnn.evaluation.measure import ACCURACY, PER_MODEL, PER_USER
from gnn.evaluation.period import COLD_EVENTS, COLD_SHARE, EVERYONE
from gnn.evaluation.table import Table

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

_STYLE = """
:root { color-scheme: light; --ink: #1c1917; --dim: #78716c; --line: #e7e5e4; --ours: #0f766e; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem; background: #fff; color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p { color: var(--dim); margin: .25rem 0 .75rem; max-width: 52rem; }
.scroll { overflow-x: auto; margin-bottom: 1rem; } svg { width: 100%; min-width: 44rem; height: auto; display: block; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .25rem .5rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--dim); font-weight: 500; }
td.best { font-weight: 700; } tr.ours td { color: var(--ours); }
.words td:last-child, .words th:last-child { text-align: left; white-space: normal; }
summary { cursor: pointer; color: var(--ours); margin: .5rem 0; } code { font-size: 12px; }
"""

_TITLES = {
    "recall20": "Recall@20",
    "ndcg20": "NDCG@20",
    "hitrate10": "Hit rate@10",
    "mrr": "MRR",
    "revenue_ndcg20": "NDCG@20 by revenue",
    "novelty": "novelty, bits",
    "diversity": "diversity",
    "category_calibration": "KL departments",
    "price_calibration": "KL price levels",
    "coverage": "coverage",
    "gini": "Gini",
}
_SLICES = {
    "all": "everything bought in the period",
    "novel": "what the user bought before is taken out of lists and truth",
    "unexplored": "novel, and of categories (the item's own, the finest) of which the user never bought anything",
    "cold items": f"lists and truth hold only the {COLD_SHARE:.0%} of the candidates with the fewest buyers",
}


def write_report(table: Table, folder: Path) -> None:
    """Write `evaluation.json` and `report.html` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_bytes(orjson.dumps(table.to_json(), option=orjson.OPT_INDENT_2))
    (folder / "report.html").write_text(page(table), encoding="utf-8")


def page(table: Table) -> str:
    """Return the report as one HTML document with its pictures inside."""
    compared = any(row.against for row in table.rows)
    several = len(table.origins) > 1
    grouped = any(row.group != EVERYONE and row.users for row in table.rows)
    parts = [_head(table), _part("Accuracy", "Whiskers: deviation over seeds.", _picture(charts.accuracy, table))]
    if compared:
        text = "Paired bootstrap over users, 10,000 resamples, 95%; hollow where the interval holds zero."
        parts.append(_part("Against every other model", text, _picture(charts.gaps, table) + _gap_table(table)))
    parts.append(_part("All figures", "", "".join(_figures(table, name, text) for name, text in _SLICES.items())))
    if several:
        text = "One period of one shop cannot carry a claim: it holds when it holds at every origin."
        parts.append(_part("Origin by origin", text, _picture(charts.by_origin, table) + _origin_tables(table)))
    if grouped:
        text = f"Users with {COLD_EVENTS} or fewer events are cold; bands are those of the income attribute."
        pictures = _picture(charts.by_group, table) + (_picture(charts.by_group_gaps, table) if compared else "")
        parts.append(_part("By group of users", text, pictures))
    parts.append(_part("By the items' popularity", "", _picture(charts.by_popularity, table)))
    parts.append(_part("Coverage, concentration, diversity", "", _picture(charts.spread, table)))
    parts.append(_part("Calibration", "", _picture(charts.calibration, table)))
    if len(table.curve) > 1:
        parts.append(_part("Training", "The first origin, the first seed.", _picture(charts.training, table)))
    parts.append(_part("Settings", "What differs from a model's defaults; all of the network's.", _settings(table)))
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Evaluation</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _head(table: Table) -> str:
    rows = [
        [origin.name, _moment(origin.cut), _moment(origin.until), f"{origin.users:,}", f"{origin.candidates:,}"]
        for origin in table.origins
    ]
    told = "the mean over origins" if len(table.origins) > 1 else "the one origin"
    seeds = ", ".join(map(str, table.seeds))
    return (
        f"<h1>Evaluation</h1><p>Snapshot <code>{escape(table.snapshot)}</code>; seeds {seeds}. Every candidate is "
        f"ranked for every user who bought one in the period; figures are {told}.</p>"
        + _table(["origin", "from", "to", "users", "candidates"], rows)
    )


def _figures(table: Table, slice_name: str, text: str) -> str:
    rows = table.chosen(slice_name)
    metrics = [name for name in (*PER_USER, *PER_MODEL) if any(name in row.metrics for row in rows)]
    best = {name: max(row.metrics[name] for row in rows if name in row.metrics) for name in metrics if name in ACCURACY}
    cells: list[str] = []
    for row in rows:
        figures = "".join(
            f'<td class="best">{row.metrics[name]:.4f}</td>'
            if name in row.metrics and row.metrics[name] == best.get(name)
            else f"<td>{row.metrics[name]:.4f}</td>"
            if name in row.metrics
            else "<td></td>"
            for name in metrics
        )
        kind = ' class="ours"' if row.against else ""
        cells.append(f"<tr{kind}><td>{escape(row.model)}</td>{figures}</tr>")
    head = "".join(f"<th>{escape(name)}</th>" for name in ("model", *(_TITLES[name] for name in metrics)))
    users = rows[0].users if rows else 0
    return (
        f"<p><b>{escape(slice_name)}</b>: {escape(text)} ({users:,} users)</p>"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(cells)}</tbody></table></div>'
    )


def _gap_table(table: Table) -> str:
    rows: list[list[str]] = []
    for row in table.rows:
        if row.group == EVERYONE:
            for other, by in row.against.items():
                for metric, gap in by.items():
                    share = f"{gap.relative:+.1%} [{gap.relative_low:+.1%}, {gap.relative_high:+.1%}]"
                    told = f"{gap.difference:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
                    rows.append([f"{row.model} − {other}", row.slice, row.origin, _TITLES[metric], told, share])
    head = ["models", "slice", "origin", "metric", "difference", "relative"]
    return f"<details><summary>Every interval</summary>{_table(head, rows)}</details>"


def _origin_tables(table: Table) -> str:
    parts: list[str] = []
    for name in _SLICES:
        by = {origin.name: table.chosen(name, origin=origin.name) for origin in table.origins}
        models = list(dict.fromkeys(row.model for row in table.chosen(name)))
        rows = [
            [
                model,
                *(f"{row.metrics.get('ndcg20', 0.0):.4f}" for of in by.values() for row in of if row.model == model),
            ]
            for model in models
        ]
        parts.append(f"<p><b>{escape(name)}</b>: NDCG@20</p>{_table(['model', *by], rows)}")
    return f"<details><summary>Figures by origin</summary>{''.join(parts)}</details>"


def _settings(table: Table) -> str:
    rows = [
        [model, f"{table.seconds[model]:.1f}" if model in table.seconds else "", _told(settings)]
        for model, settings in table.settings.items()
    ]
    return f'<div class="words">{_table(["model", "seconds to fit", "settings"], rows)}</div>'


def _told(settings: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "defaults"


def _part(title: str, text: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{f'<p>{escape(text)}</p>' if text else ''}{body}"


def _picture(draw: Callable[[Table], Figure], table: Table) -> str:
    """Return a figure as SVG to put into the page."""
    style: "dict[RcKeyType, Any]" = {
        "svg.hashsalt": draw.__name__,
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": charts.INK,
    }
    buffer = io.BytesIO()
    with rc_context(style):
        FigureCanvasSVG(draw(table)).print_svg(buffer, metadata={"Date": None})
    text = buffer.getvalue().decode()
    return f'<div class="scroll">{text[text.index("<svg") :]}</div>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    first = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    rest = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{first}</tr></thead><tbody>{rest}</tbody></table></div>'


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")
