"""What the measuring of explanations found, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from gnn.evaluation.explainers import OURS
from gnn.evaluation.intervals import Interval, intervals

MEASURES = {
    "comprehensiveness": 1,
    "sufficiency": -1,
    "rank_comprehensiveness": 1,
    "rank_sufficiency": -1,
    "stability": 1,
}
"""Measure -> whether more (1) or less (-1) of it is better."""

_HEADINGS = {
    "comprehensiveness": "compre-\nhensive-\nness",
    "sufficiency": "suffi-\nciency",
    "rank_comprehensiveness": "rank\ncompre-\nhensive-\nness",
    "rank_sufficiency": "rank\nsuffi-\nciency",
    "stability": "stabi-\nlity",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """One explainer on one user's list; D depths, means over the list's items."""

    lost: Float64[np.ndarray, "D"]
    """What the score loses without the most cited edges."""
    lacking: Float64[np.ndarray, "D"]
    """What the score lacks with only them."""
    fell: Float64[np.ndarray, "D"]
    """The same two for 1 / log2(1 + rank), what a place counts in NDCG."""
    low: Float64[np.ndarray, "D"]
    stability: float
    """Overlap (Jaccard) of the most cited edges before and after small changes; 1 is unmoved."""
    ms: float
    """Milliseconds of one explanation."""

    def of(self, measure: str) -> float:
        """Return one of `MEASURES`; curves as their mean over the depths (AOPC)."""
        curves = {
            "comprehensiveness": self.lost,
            "sufficiency": self.lacking,
            "rank_comprehensiveness": self.fell,
            "rank_sufficiency": self.low,
        }
        return float(curves[measure].mean()) if measure in curves else self.stability


@dataclass(frozen=True, slots=True)
class Told:
    """One explainer on one kind of list."""

    explainer: str
    list: str
    users: int
    measures: dict[str, float]
    """Means over users of `MEASURES`."""
    lost: tuple[float, ...]
    """Comprehensiveness at each depth, in units of the score."""
    lacking: tuple[float, ...]
    """Sufficiency at each depth."""
    against: dict[str, Interval]
    """Measure -> ours less this one's, 95%; empty for ours."""
    ms: float
    """Milliseconds of one explanation, the median; noisy."""
    cost: float
    """The same as a share of GNNExplainer's, of the same run."""


@dataclass(frozen=True, slots=True)
class Faith:
    """All that was measured."""

    model: str
    snapshot: str
    depths: tuple[int, ...]
    pairs: int
    largest_error: float
    """Largest gap between a served score and the sum of its contributions."""
    rows: tuple[Told, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain data."""
        return asdict(self)

    def as_text(self) -> dict[str, tuple[list[str], list[list[str]]]]:
        """Return a table to read for each list, its columns and cells: within 80 characters, so without `ms`."""
        columns = ["explainer", *_HEADINGS.values(), "cost"]
        found: dict[str, tuple[list[str], list[list[str]]]] = {}
        for row in self.rows:
            cells = [f"{row.measures[name]:.3f}{_mark(row, name)}" for name in _HEADINGS]
            cost = f"1/{1 / row.cost:,.0f}" if row.cost < 0.5 else f"{row.cost:.1f}"
            found.setdefault(row.list, (columns, []))[1].append([row.explainer, *cells, cost])
        return found


def _mark(row: Told, measure: str) -> str:
    """Return + where ours is better for sure, - where worse, = where the interval holds zero."""
    gap = row.against.get(measure)
    if gap is None:
        return ""
    if gap.low <= 0 <= gap.high:
        return " ="
    return " +" if (gap.difference > 0) == (MEASURES[measure] > 0) else " -"


def table(
    model: str,
    snapshot: str,
    depths: Sequence[int],
    found: Mapping[str, Mapping[str, Sequence[Figures]]],
    pairs: int,
    largest_error: float,
    rng: np.random.Generator,
    yardstick: str,
) -> Faith:
    """Sum up the figures of every list and explainer; costs are shares of the one of `yardstick`."""
    rows: list[Told] = []
    for name, by in found.items():
        others = [who for who in by if who != OURS]
        if not by[OURS]:
            continue
        grid = {
            measure: np.array([[figures.of(measure) for figures in by[who]] for who in (OURS, *others)])[:, :, None]
            for measure in MEASURES
        }
        gaps = {measure: intervals(values[0], values[1:], rng) for measure, values in grid.items()}
        whole = np.median([figures.ms for figures in by[yardstick]])
        for who, figures in by.items():
            ms = float(np.median([one.ms for one in figures]))
            rows.append(
                Told(
                    explainer=who,
                    list=name,
                    users=len(figures),
                    measures={measure: float(np.mean([one.of(measure) for one in figures])) for measure in MEASURES},
                    lost=_mean([one.lost for one in figures]),
                    lacking=_mean([one.lacking for one in figures]),
                    against={} if who == OURS else {m: gaps[m][others.index(who)] for m in MEASURES},
                    ms=ms,
                    cost=float(ms / whole),
                )
            )
    return Faith(model, snapshot, tuple(depths), pairs, largest_error, tuple(rows))


def _mean(curves: Sequence[Float64[np.ndarray, "D"]]) -> tuple[float, ...]:
    return tuple(float(value) for value in np.mean(curves, axis=0))
