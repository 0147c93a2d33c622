"""What an evaluation found, as plain data: rows of figures and intervals."""

from dataclasses import asdict, dataclass
from typing import Any

from gnn.evaluation.intervals import Interval
from gnn.evaluation.period import EVERYONE
from gnn.held_out import Cut, HeldOut
from gnn.train import Epoch

MEAN = "mean"
"""The origin of rows that average over all origins."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One cut and the period after it; microseconds UTC, None where no time was held out."""

    name: str
    """The date of the cut, ISO 8601; the number of a draw."""
    cut: int | None
    until: int | None
    users: int
    """Those who bought a candidate in the period."""
    candidates: int

    @staticmethod
    def of(held_out: HeldOut, users: int, candidates: int) -> "Origin":
        """Describe what was held out."""
        period = (held_out.at, held_out.until) if isinstance(held_out, Cut) else (None, None)
        return Origin(held_out.name, *period, users, candidates)


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one slice, for one group of users, at one origin or in the mean over origins."""

    model: str
    slice: str
    group: str
    origin: str
    """Name of the origin, or `mean`."""
    users: int
    """Users with anything to find in this slice; the sum over origins in a mean."""
    metrics: dict[str, float]
    """Means over users and seeds; a metric that nobody has a figure of is left out."""
    spread: float
    """Standard deviation of ndcg20 over the seeds; 0 with one."""
    against: dict[str, dict[str, Interval]]
    """Other model -> metric -> this model's difference to it, for models that are compared."""
    by_popularity: tuple[float, ...]
    """Recall@20 by tenth of the items' popularity, the least popular first; empty but for everyone."""


@dataclass(frozen=True, slots=True)
class Table:
    """All that was measured."""

    snapshot: str
    origins: tuple[Origin, ...]
    seeds: tuple[int, ...]
    settings: dict[str, dict[str, object]]
    """Model -> the settings that differ from its defaults (all of the network's)."""
    seconds: dict[str, float]
    """Model -> mean seconds to fit it at an origin; noisy."""
    rows: tuple[Row, ...]
    curve: tuple[Epoch, ...]
    """Passes of the first training; empty when the network was not asked for."""

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain data."""
        return asdict(self)

    def chosen(self, slice_name: str, *, origin: str | None = None, group: str = EVERYONE) -> list[Row]:
        """Return the rows of a slice, one a model; by default of the only origin, or of the mean over several."""
        origin = origin or (self.origins[0].name if len(self.origins) == 1 else MEAN)
        return [row for row in self.rows if (row.slice, row.group, row.origin) == (slice_name, group, origin)]

    def as_text(self) -> tuple[list[str], list[list[str]]]:
        """Return the columns and cells of a table to read: everyone, in the mean over origins."""
        slices = list(dict.fromkeys(row.slice for row in self.rows))
        figures = ("recall20", "ndcg20", "hitrate10", "mrr", "coverage")
        compared = any(row.against for row in self.rows)
        columns = ["model", "slice", *figures, *(["ndcg20 against it"] if compared else [])]
        cells: list[list[str]] = []
        for name in slices:
            rows = self.chosen(name)
            ours = next((row for row in rows if row.against), None)
            for row in rows:
                gap = ours.against.get(row.model, {}).get("ndcg20") if ours else None
                told = f"{gap.difference:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]" if gap else ""
                shown = [f"{row.metrics[metric]:.4f}" if metric in row.metrics else "" for metric in figures]
                cells.append([row.model, row.slice, *shown, *([told] if compared else [])])
        return columns, cells
