"""Pieces of a page that holds everything itself: style, tables, pictures as SVG; nothing is fetched."""

import io
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from gnn.evaluation import charts

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

T = TypeVar("T")

_STYLE = """
:root { color-scheme: light; --ink: #1c1917; --dim: #78716c; --line: #e7e5e4; --ours: #0f766e; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem; background: #fff; color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p { color: var(--dim); margin: .25rem 0 .75rem; max-width: 52rem; }
.scroll { overflow-x: auto; margin-bottom: 1rem; } svg { width: 100%; min-width: 44rem; height: auto; display: block; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .25rem .5rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
thead th { color: var(--dim); font-weight: 500; white-space: normal; vertical-align: bottom; }
td.best { font-weight: 700; } tr.ours td { color: var(--ours); }
.words td:last-child, .words th:last-child { text-align: left; white-space: normal; }
summary { cursor: pointer; color: var(--ours); margin: .5rem 0; } code { font-size: 12px; }
"""


def document(title: str, body: str) -> str:
    """Return an HTML document; `body` is markup."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main>\n{body}\n</main></body></html>\n"
    )


def part(title: str, text: str, body: str) -> str:
    """Return a section; `body` is markup."""
    return f"<h2>{escape(title)}</h2>{f'<p>{escape(text)}</p>' if text else ''}{body}"


def picture(draw: Callable[[T], Figure], data: T) -> str:
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
        drawn = draw(data)
        FigureCanvasSVG(drawn).print_svg(buffer, metadata={"Date": None})
    text = buffer.getvalue().decode()
    # Letters are drawn as outlines, which nobody can read aloud.
    told = "; ".join(title for ax in drawn.axes if (title := ax.get_title(loc="left")))
    svg = text[text.index("<svg") + len("<svg") :]
    return scroll(f'<svg role="img" aria-label="{escape(told)}"{svg}', told)


def scroll(body: str, label: str) -> str:
    """Return what scrolls by itself where the page is narrow, by keyboard too; `body` is markup, `label` names it."""
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(label)}">{body}</div>'


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of these cells, escaped."""
    first = "".join(f"<th>{escape(cell)}</th>" if cell else "<td></td>" for cell in head)
    rest = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    table = f"<table><thead><tr>{first}</tr></thead><tbody>{rest}</tbody></table>"
    return scroll(table, ", ".join(cell for cell in head if cell))
