"""The report on explanations: curves, stability, cost and every interval on one page; nothing is fetched."""

from collections.abc import Callable
from html import escape
from pathlib import Path

import numpy as np
import orjson
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gnn.evaluation.charts import INK, LINES, OURS, THEIRS, figure
from gnn.evaluation.explainers import OURS as SERVED
from gnn.evaluation.faith_table import MEASURES, Faith, Told
from gnn.evaluation.page import document, html_table, part, picture, scroll

_ABOUT = {
    "comprehensiveness": "score lost without the cited edges; more is better",
    "sufficiency": "score missing with only the cited edges; less is better",
    "rank_comprehensiveness": "the same by place in the list, 1 / log2(1 + rank); more is better",
    "rank_sufficiency": "the same by place; less is better",
    "stability": "overlap of the five most cited edges after an event less, one more, a day before; more is better",
}


def write_report(faith: Faith, folder: Path) -> None:
    """Write `explanations.json` and `explanations.html` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    (folder / "explanations.json").write_bytes(orjson.dumps(faith.to_json(), option=flags))
    (folder / "explanations.html").write_text(page(faith), encoding="utf-8")


def page(faith: Faith) -> str:
    """Return the report as one HTML document with its pictures inside."""
    users = max((row.users for row in faith.rows), default=0)
    head = (
        f"<h1>Explanations</h1><p>Model <code>{escape(faith.model)}</code>, snapshot <code>{escape(faith.snapshot)}"
        f"</code>: {faith.pairs:,} scores in the lists of {users:,} users. Cited history edges are taken out of the "
        "graph, or all others are, and the model ranks every candidate again. Contributions miss the served score by "
        f"{faith.largest_error:.0e} at most.</p>"
    )
    first = f"list {_lists(faith)[0]}" if faith.rows else "no list"
    words = "".join(f"<li><b>{escape(_told(name))}</b>: {escape(text)}</li>" for name, text in _ABOUT.items())
    parts = [
        head + f"<ul>{words}</ul>",
        part("Figures", "Means over users; bold is the best of a list.", _figures(faith)),
        part("Deletion", "Score lost without the k most cited edges.", picture(deletion, faith)),
        part("Insertion", "Score missing with only the k most cited edges.", picture(insertion, faith)),
        part(
            "Stability and cost",
            f"Of {first}; milliseconds of one explanation, in a logarithmic scale.",
            picture(costs, faith),
        ),
        part("Ours less each other", "Paired bootstrap over users, 10,000 resamples, 95%.", _gaps(faith)),
    ]
    return document("Explanations", "\n".join(parts))


def deletion(faith: Faith) -> Figure:
    """Return comprehensiveness by depth, one picture a list."""
    return _curves(faith, lambda row: row.lost, "score lost")


def insertion(faith: Faith) -> Figure:
    """Return sufficiency by depth, one picture a list."""
    return _curves(faith, lambda row: row.lacking, "score missing")


def costs(faith: Faith) -> Figure:
    """Return stability, and milliseconds of one explanation, of the first list."""
    rows = list(reversed(_of(faith, _lists(faith)[0]))) if faith.rows else []
    drawn = figure(11, 0.9 + 0.3 * max(len(rows), 1))
    left, right = drawn.subplots(1, 2)
    names = [row.explainer for row in rows]
    colours = [OURS if row.explainer == SERVED else THEIRS for row in rows]
    left.barh(names, [row.measures["stability"] for row in rows], color=colours)
    left.set_title("Stability", loc="left")
    right.barh(names, [row.ms for row in rows], color=colours, log=True)
    right.set_title("Milliseconds of one explanation", loc="left")
    for ax in (left, right):
        ax.tick_params(axis="y", length=0)
    return drawn


def _curves(faith: Faith, of: Callable[[Told], tuple[float, ...]], label: str) -> Figure:
    lists = _lists(faith)
    drawn = figure(11, 3.6)
    for ax, name in zip(np.atleast_1d(drawn.subplots(1, max(len(lists), 1))), lists, strict=False):
        for n, row in enumerate(_of(faith, name)):
            _line(ax, faith.depths, of(row), row.explainer, n)
        ax.axhline(0, color=INK, linewidth=0.6)
        ax.set_title(f"list {name}", loc="left")
        ax.set_xlabel("edges")
        ax.set_xticks(faith.depths)
        ax.set_ylabel(label)
    if drawn.axes:  # beside the pictures, where it covers no line; the lists have the same lines
        drawn.legend(*drawn.axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    return drawn


def _line(ax: Axes, depths: tuple[int, ...], values: tuple[float, ...], name: str, n: int) -> None:
    ours = name == SERVED
    colour = OURS if ours else (*LINES, THEIRS)[(n - 1) % (len(LINES) + 1)]
    ax.plot(depths, values, color=colour, label=name, marker="o", markersize=3, linewidth=2 if ours else 1.2)


def _figures(faith: Faith) -> str:
    parts: list[str] = []
    for name in _lists(faith):
        rows = _of(faith, name)
        best = {m: max(sign * row.measures[m] for row in rows) for m, sign in MEASURES.items()}
        body = "".join(
            f"<tr{_class('ours', row.explainer == SERVED)}><td>{escape(row.explainer)}</td>"
            + "".join(
                f"<td{_class('best', sign * row.measures[m] == best[m])}>{row.measures[m]:.4f}</td>"
                for m, sign in MEASURES.items()
            )
            + f"<td>{row.ms:.2f}</td><td>{row.cost:.4f}</td></tr>"
            for row in rows
        )
        head = "".join(f"<th>{escape(_told(m))}</th>" for m in ("explainer", *MEASURES, "ms", "of GNNExplainer"))
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        parts.append(f"<p><b>list {escape(name)}</b></p>{scroll(table, f'list {name}')}")
    return "".join(parts)


def _gaps(faith: Faith) -> str:
    rows = [
        [row.explainer, row.list, _told(measure), f"{gap.difference:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"]
        for row in faith.rows
        for measure, gap in row.against.items()
    ]
    return html_table(["explainer", "list", "measure", "ours less it"], rows)


def _class(name: str, given: bool) -> str:
    return f' class="{name}"' if given else ""


def _lists(faith: Faith) -> list[str]:
    return list(dict.fromkeys(row.list for row in faith.rows))


def _of(faith: Faith, name: str) -> list[Told]:
    return [row for row in faith.rows if row.list == name]


def _told(name: str) -> str:
    return name.replace("_", " ")
