"""What a user's passing over does to its lists: dismissed items leave, what is like them sinks, and so do ignored ones.

In logarithms of odds, so that it is one more addend of a score and told as such.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gnn import explain
from gnn.artefact import Artefact
from gnn.features import DAY_US
from gnn.filters import Query
from graph.schema import FEEDBACK

NOT_INTERESTED = "not_interested"

LIKE_IT = -1.0
"""What the item that is most like one of no interest loses; others lose in proportion to the model's weight."""
PER_IMPRESSION = -0.1
"""What an item loses each time it was shown and nothing was done with it."""
LOWEST = -3.0
"""Most that an item loses."""
MOST_IMPRESSIONS = 10
IMPRESSION_DAYS = 14
# Of the items that somebody is not interested in, so many of the newest are looked at.
_MOST = 50
_ALIKE = 100

_DEEDS = frozenset({"view", "click", "cart", "purchase", "rate"})


@dataclass(frozen=True, slots=True)
class Passed:
    """What a user passed over, by item id."""

    out: frozenset[str]
    """Dismissed, or of no interest, and nothing was done with them since."""
    lowered: Mapping[str, float]
    """Item -> what is added to its score, below 0."""

    def strictly(self, query: Query) -> Query:
        """Return the query with this user's feedback, also where it names the items (`only`)."""
        return replace(query, exclude=query.exclude | self.out, feedback=self.lowered)

    def into(self, query: Query) -> Query:
        """Return the query with this user's feedback; a list that is given (`only`) keeps its items."""
        return replace(query, feedback=self.lowered) if query.only is not None else self.strictly(query)


NOTHING = Passed(frozenset(), {})


SAYS = FEEDBACK | {"exposure"}
"""Types of events that passing over is known by."""


def passed(artefact: Artefact, item_ids: Sequence[str], types: Sequence[str], at: Sequence[int], now: int) -> Passed:
    """Return what a user passed over, by its events (newest first), as of `now` (microseconds UTC)."""
    if not SAYS & set(types):
        return NOTHING
    done: dict[str, int] = {}
    for item, kind, moment in zip(item_ids, types, at, strict=True):
        if kind in _DEEDS:
            done[item] = max(moment, done.get(item, moment))
    out: dict[str, None] = {}
    dull: dict[str, None] = {}
    shown: dict[str, int] = {}
    for item, kind, moment in zip(item_ids, types, at, strict=True):
        if moment <= done.get(item, -1):
            continue  # what was done with it later counts more
        if kind in FEEDBACK:
            out[item] = None
            if kind == NOT_INTERESTED:
                dull[item] = None
        elif kind == "exposure" and moment > now - IMPRESSION_DAYS * DAY_US:
            shown[item] = shown.get(item, 0) + 1
    lowered = {item: PER_IMPRESSION * min(n, MOST_IMPRESSIONS) for item, n in shown.items()}
    for item in list(dull)[:_MOST]:
        index = artefact.item_index.get(item)
        if index is None:
            continue
        targets, weights = explain.similar(artefact, index, _ALIKE)
        for target, weight in zip(targets.tolist(), weights.tolist(), strict=True):
            name = artefact.item_ids[target]
            lowered[name] = lowered.get(name, 0.0) + LIKE_IT * weight / float(weights[0])
    return Passed(frozenset(out), {item: max(value, LOWEST) for item, value in lowered.items()})
