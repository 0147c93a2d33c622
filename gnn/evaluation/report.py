"""One page that holds everything an evaluation found: figures, pictures, intervals, settings; nothing is fetched."""

from datetime import UTC, datetime
from html import escape
from pathlib import Path

import orjson

from gnn.evaluation import charts
from gnn.evaluation.measure import ACCURACY, PER_MODEL, PER_USER
from gnn.evaluation.page import document, html_table, part, picture, scroll
from gnn.evaluation.period import COLD_EVENTS, COLD_SHARE, EVERYONE
from gnn.evaluation.table import Table

_TITLES = {
    "recall20": "Recall@20",
    "ndcg20": "NDCG@20",
    "hitrate10": "Hit rate@10",
    "ndcg10": "NDCG@10",
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
    parts = [_head(table), part("Accuracy", "Whiskers: deviation over seeds.", picture(charts.accuracy, table))]
    if compared:
        text = "Paired bootstrap over users, 10,000 resamples, 95%; hollow where the interval holds zero."
        parts.append(part("Against every other model", text, picture(charts.gaps, table) + _gap_table(table)))
    parts.append(part("All figures", "", "".join(_figures(table, name, text) for name, text in _SLICES.items())))
    if several:
        text = "One period of one shop cannot carry a claim: it holds when it holds at every origin."
        parts.append(part("Origin by origin", text, picture(charts.by_origin, table) + _origin_tables(table)))
    if grouped:
        text = (
            f"Users with {COLD_EVENTS} or fewer events are cold; bands are those of the income attribute. "
            f"In brackets: {_users(table)}."
        )
        pictures = picture(charts.by_group, table) + (picture(charts.by_group_gaps, table) if compared else "")
        parts.append(part("By group of users", text, pictures))
    parts.append(part("By the items' popularity", "", picture(charts.by_popularity, table)))
    parts.append(part("Coverage, concentration, diversity", "", picture(charts.spread, table)))
    parts.append(part("Calibration", "", picture(charts.calibration, table)))
    if len(table.curve) > 1:
        parts.append(part("Training", "The first origin, the first seed.", picture(charts.training, table)))
    parts.append(part("Settings", "What differs from a model's defaults; all of the network's.", _settings(table)))
    body = "\n".join(parts)
    return document("Evaluation", body)


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
        + html_table(["origin", "from", "to", "users", "candidates"], rows)
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
    return f"<p><b>{escape(slice_name)}</b>: {escape(text)} ({users:,} {_users(table)})</p>" + scroll(
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(cells)}</tbody></table>", slice_name
    )


def _users(table: Table) -> str:
    # A user of two periods is two in the figures of both.
    return "users, counted once an origin" if len(table.origins) > 1 else "users"


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
    return f"<details><summary>Every interval</summary>{html_table(head, rows)}</details>"


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
        parts.append(f"<p><b>{escape(name)}</b>: NDCG@20</p>{html_table(['model', *by], rows)}")
    return f"<details><summary>Figures by origin</summary>{''.join(parts)}</details>"


def _settings(table: Table) -> str:
    rows = [
        [model, f"{table.seconds[model]:.1f}" if model in table.seconds else "", _told(settings)]
        for model, settings in table.settings.items()
    ]
    return f'<div class="words">{html_table(["model", "seconds to fit", "settings"], rows)}</div>'


def _told(settings: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "defaults"


def _moment(at: int | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")
