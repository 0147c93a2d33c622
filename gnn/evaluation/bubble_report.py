"""The report on the filter bubble: breadth, exposure by price tier and income, the price of diversity, on one page."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import orjson
from matplotlib.figure import Figure

from gnn.bubble import TIERS
from gnn.evaluation.bubble import SLICES, Everybody, Lists, Step
from gnn.evaluation.charts import LINES, OURS, THEIRS, figure
from gnn.evaluation.page import document, html_table, part, picture
from gnn.evaluation.period import EVERYONE

_TIERS = ["cheapest fifth", *[""] * (TIERS - 2), "dearest fifth"]


def write_report(found: Everybody, folder: Path) -> None:
    """Write `bubble.json` and `bubble.html` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    (folder / "bubble.json").write_bytes(orjson.dumps(found.to_json(), option=flags))
    (folder / "bubble.html").write_text(page(found), encoding="utf-8")


def page(found: Everybody) -> str:
    """Return the report as one HTML document with its pictures inside."""
    head = (
        f"<h1>Filter bubble</h1><p>Model <code>{escape(found.model)}</code>, snapshot <code>{escape(found.snapshot)}"
        f"</code>: the first {found.k} of {found.now.users:,} lists.</p>"
    )
    about = (
        "A list as broad as 7 effective categories is as broad as one that seven categories share evenly: the "
        f"exponential of the entropy. A list of {found.k} has at most {found.k}, a user's purchases may have more. "
        "Of those with events 30 days before, the same model made both lists; kept is the share of the one that is "
        "in the other."
    )
    parts = [head, part("Breadth", about, html_table(*breadth_rows(found)))]
    if found.now.tiers:
        parts.append(
            part("Exposure by price tier", "Fifths of the price level within the category.", picture(exposure, found))
        )
    text = (
        "Never bought: the share of a list that is from categories in which the user never bought. Price tiers: fifths "
        "of the price level within the category, the cheapest first."
    )
    parts.append(part("By group of users", text, html_table(*band_rows(found))))
    if any(band.tiers and band.name != EVERYONE for band in found.bands):
        parts.append(
            part(
                "Price tiers by group",
                "Bars: what lists show; points: what was bought. In brackets: users.",
                picture(by_band, found),
            )
        )
    if found.steps:
        text = "On the held-out period; less the dial at 0, 95% by the bootstrap over users."
        parts.append(part("The price of diversity", text, picture(price, found) + html_table(*step_rows(found))))
    return document("Filter bubble", "\n".join(parts))


def breadth_rows(found: Everybody) -> tuple[list[str], list[list[str]]]:
    """Return the breadth of lists as a table."""
    sides: list[tuple[str, Lists]] = [("lists now", found.now)]
    if found.month_before and found.now_of_those:
        sides += [("of those with events then: now", found.now_of_those), ("30 days before", found.month_before)]
    rows = [
        [
            name,
            f"{side.users:,}",
            f"{side.coverage:.3f}",
            f"{side.gini:.3f}",
            f"{side.diversity:.3f}",
            f"{side.effective_categories:.1f}",
            f"{found.kept:.3f}" if found.change and side is found.now_of_those else "",
        ]
        for name, side in sides
    ]
    rows.append(["purchases of a user", "", "", "", "", f"{found.bought_categories:.1f}", ""])
    rows.append(["catalogue", "", "", "", "", f"{found.catalogue.effective_categories:.1f}", ""])
    if found.change:
        told = f"{found.change.difference:+.4f} [{found.change.low:+.4f}, {found.change.high:+.4f}]"
        rows.append(["now less 30 days before", "", "", "", told, "", ""])
    return ["", "users", "coverage", "Gini", "diversity", "effective categories", "kept"], rows


def band_rows(found: Everybody) -> tuple[list[str], list[list[str]]]:
    """Return the groups of users as a table."""
    rows = [
        [
            band.name,
            f"{band.users:,}",
            f"{band.diversity:.3f}",
            f"{band.effective_categories:.1f}",
            f"{band.never_bought:.3f}",
            _shares(band.tiers),
            _shares(band.bought_tiers),
        ]
        for band in found.bands
    ]
    tiers = ("lists by price tier, cheapest first", "purchases, the same")
    head = ["group", "users", "diversity", "effective categories", "never bought", *tiers]
    return head, rows


def step_rows(found: Everybody) -> tuple[list[str], list[list[str]]]:
    """Return the dial's positions as a table."""
    rows = [
        [
            step.slice,
            f"{step.dial:g}",
            f"{step.ndcg20:.4f}",
            f"{step.price.difference:+.4f} [{step.price.low:+.4f}, {step.price.high:+.4f}]" if step.dial else "",
            f"{step.price.relative:+.1%}" if step.dial and np.isfinite(step.price.relative) else "",
            f"{step.diversity:.3f}",
            f"{step.effective_categories:.1f}",
        ]
        for step in found.steps
    ]
    return ["slice", "dial", "NDCG@20", "price", "relative", "diversity", "effective categories"], rows


def price(found: Everybody) -> Figure:
    """Return NDCG@20 with its intervals, and breadth, by position of the dial."""
    drawn = figure(11, 3.6)
    left, right = drawn.subplots(1, 2)
    for name, colour in zip(SLICES, (OURS, LINES[0]), strict=True):
        steps = _of(found.steps, name)
        at = [step.dial for step in steps]
        values = np.array([step.ndcg20 for step in steps])
        base = values[0]
        low = [base + step.price.low for step in steps]
        high = [base + step.price.high for step in steps]
        left.plot(at, values, color=colour, marker="o", markersize=4, label=name)
        left.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
        right.plot(
            at, [step.effective_categories for step in steps], color=colour, marker="o", markersize=4, label=name
        )
    left.set_title("NDCG@20 by the dial, with the interval of its price", loc="left")
    left.set_ylim(bottom=0)
    right.set_title("Effective categories of a list", loc="left")
    right.set_ylim(bottom=0)
    for ax in (left, right):
        ax.set_xlabel("diversity")
        ax.legend(frameon=False, fontsize=8)
    return drawn


def exposure(found: Everybody) -> Figure:
    """Return the share of each price tier in lists, lists a month before, and the catalogue."""
    drawn = figure(11, 3)
    ax = drawn.subplots(1, 1)
    sides = [("lists now", found.now.tiers, OURS), ("catalogue", found.catalogue.tiers, THEIRS)]
    if found.month_before:
        sides.insert(1, ("30 days before", found.month_before.tiers, LINES[0]))
    bought = next((band.bought_tiers for band in found.bands if band.name == EVERYONE), ())
    sides.append(("purchases", bought, LINES[1]))
    sides = [side for side in sides if side[1]]
    width = 0.8 / len(sides)
    for n, (name, shares, colour) in enumerate(sides):
        ax.bar(np.arange(TIERS) + (n - (len(sides) - 1) / 2) * width, shares, width, color=colour, label=name)
    ax.set_xticks(range(TIERS), _TIERS)
    ax.set_title("Share of each price tier", loc="left")
    drawn.legend(loc="outside right upper", frameon=False, fontsize=8)
    return drawn


def by_band(found: Everybody) -> Figure:
    """Return the share of the two dearer price tiers in lists and purchases of each group."""
    bands = [band for band in reversed(found.bands) if band.tiers]
    drawn = figure(11, 0.9 + 0.28 * len(bands))
    ax = drawn.subplots(1, 1)
    names = [f"{band.name} ({band.users:,})" for band in bands]
    ax.barh(names, [_dearer(band.tiers) for band in bands], color=OURS, height=0.6, label="lists")
    known = [(place, _dearer(band.bought_tiers)) for place, band in enumerate(bands) if band.bought_tiers]
    ax.scatter(
        [value for _, value in known], [place for place, _ in known], color=LINES[0], label="purchases", zorder=3
    )
    ax.set_title("Share in the dearer two fifths", loc="left")
    ax.tick_params(axis="y", length=0)
    drawn.legend(loc="outside right upper", frameon=False, fontsize=8)
    return drawn


def _dearer(tiers: Sequence[float]) -> float:
    return sum(tiers[-2:])


def _shares(tiers: Sequence[float]) -> str:
    return " ".join(f"{share:.0%}" for share in tiers)


def _of(steps: Sequence[Step], name: str) -> list[Step]:
    return [step for step in steps if step.slice == name]
