"""How narrow a list is: what it spans, beside what the user bought, the catalogue, and an earlier list. Numpy alone."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, Num

from gnn.artefact import Artefact
from gnn.features import DAY_US

TIERS = 5
"""Price tiers: fifths of the price level within the category, the cheapest first."""
MONTH_US = 30 * DAY_US
"""How far back an earlier list lies."""


@dataclass(frozen=True, slots=True)
class Breadth:
    """What some items span, each with a weight."""

    items: int
    categories: int
    """Distinct leaf categories; items without one are not counted."""
    effective_categories: float
    """So many categories of equal weight would be as broad: the exponential of the entropy (Jost, Oikos 2006)."""
    brands: int
    effective_brands: float
    tiers: tuple[float, ...]
    """Share of each price tier, the cheapest first; empty where no price level is known."""


def breadth(artefact: Artefact, items: Num[np.ndarray, "N"], weight: Float64[np.ndarray, "N"] | None = None) -> Breadth:
    """Return what these items (rows of the artefact, each once) span; without weights each counts alike."""
    weight = np.ones(len(items)) if weight is None else weight
    rows = items.astype(np.int64)
    category, brand = np.asarray(artefact.item_category)[rows], artefact.state.brand[rows]
    return Breadth(
        items=len(rows),
        categories=len(np.unique(category[category >= 0])),
        effective_categories=effective(_sums(category, weight)),
        brands=len(np.unique(brand[brand >= 0])),
        effective_brands=effective(_sums(brand, weight)),
        tiers=tuple(tiers(artefact, rows, weight).tolist()),
    )


def effective(weight: Float64[np.ndarray, "M"]) -> float:
    """Return how many equal parts would be as even as these; 0 for nothing."""
    whole = float(weight.sum())
    if not whole > 0:
        return 0.0
    share = weight / whole
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))


def tiers(
    artefact: Artefact, items: Int64[np.ndarray, "N"], weight: Float64[np.ndarray, "N"]
) -> Float64[np.ndarray, "T"]:
    """Return the share of each price tier; of length 0 where no price level is known."""
    level = artefact.state.price_level[items]
    known = np.isfinite(level) & (weight > 0)
    if not known.any():
        return np.zeros(0)
    tier = np.minimum(level[known] * TIERS, TIERS - 1).astype(np.int64)
    found = np.bincount(tier, weight[known], minlength=TIERS)
    return found / found.sum()


def never_bought(artefact: Artefact, items: Num[np.ndarray, "N"], bought: Num[np.ndarray, "B"]) -> float | None:
    """Return the share of these items whose category none of `bought` is of; None where no item has a category."""
    category = np.asarray(artefact.item_category)
    known = category[items.astype(np.int64)]
    known = known[known >= 0]
    return float((~np.isin(known, category[bought.astype(np.int64)])).mean()) if len(known) else None


def month_before(artefact: Artefact, now: int, newest: int) -> int:
    """Return the moment of the earlier list: a month before the present, which for old data is its own."""
    return min(now, max(artefact.scheme.clock, newest)) - MONTH_US


def _sums(kind: Num[np.ndarray, "N"], weight: Float64[np.ndarray, "N"]) -> Float64[np.ndarray, "M"]:
    there = kind >= 0
    return np.bincount(kind[there].astype(np.int64), weight[there]) if there.any() else np.zeros(0)
