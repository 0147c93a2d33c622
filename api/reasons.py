"""Contributions as a person can read them: at most a handful, in sentences that claim no more than the model says.

The sum is kept: what is not told one by one is told as one rest.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from gnn.explain import Contribution, Explained, Kind, Rest, Step
from gnn.filters import Added
from graph.explore import UserRow

MOST = 5
"""Most reasons told one by one."""

# Below this share of everything that moved the score, a reason is not worth a sentence of its own.
_SMALL = 0.01

NOTHING = Rest()

# Two values of one reason that differ by less differ in the order of additions.
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Reason:
    """One or several contributions that read as one; `kind` is None for the rest."""

    kind: Kind | Added | None
    value: float
    path: tuple[Step, ...] = ()
    count: int = 1
    """How many contributions it sums up."""


def told(explained: Explained, *, most: int = MOST) -> list[Reason]:
    """Return what `merge` makes of all contributions, looking only at those that can be told."""
    found, rest = explained.strongest(most + 1)
    return merge(found, most=most, beside=rest)


def merge(contributions: Sequence[Contribution], *, most: int = MOST, beside: Rest = NOTHING) -> list[Reason]:
    """Return the `most` strongest reasons, strongest first, then the rest; the values sum to that of the input.

    `beside`: contributions too small to be among the strongest, which go to the rest.
    """
    reasons = sorted(grouped(contributions), key=lambda reason: -abs(reason.value))
    total = sum(abs(reason.value) for reason in reasons) + beside.size
    told = [reason for reason in reasons[:most] if abs(reason.value) >= _SMALL * total and reason.value != 0.0]
    rest = [reason for reason in reasons[len(told) :] if reason.value != 0.0]
    count = len(rest) + beside.count
    if count == 1 and len(told) < most:
        return [*told, *rest]
    if count:
        told.append(Reason(None, sum(reason.value for reason in rest) + beside.value, (), count))
    return told


def grouped(contributions: Sequence[Contribution], added: Mapping[Added, float] = MappingProxyType({})) -> list[Reason]:
    """Return one reason per kind and path, and one for each part that the request added."""
    groups: dict[tuple[Kind, tuple[Step, ...]], list[float]] = {}
    for contribution in contributions:
        groups.setdefault((contribution.kind, contribution.path), []).append(contribution.value)
    found = [Reason(kind, sum(values), path) for (kind, path), values in groups.items()]
    return found + [Reason(kind, value) for kind, value in added.items() if value != 0.0]


def moves(before: Sequence[Reason], after: Sequence[Reason], *, most: int = MOST) -> list[tuple[Reason, Reason]]:
    """Return the `most` reasons whose value changed most, each before and after, then the rest as one pair.

    The values of each side sum to that of the input; a reason that one side lacks is 0 there.
    """
    sides = [{(reason.kind, reason.path): reason.value for reason in side} for side in (before, after)]
    keys = list(dict.fromkeys(key for side in reversed(sides) for key in side))
    pairs = [tuple(Reason(kind, side.get((kind, path), 0.0), path) for side in sides) for kind, path in keys]
    pairs.sort(key=lambda pair: -abs(pair[1].value - pair[0].value))
    told = [(one, other) for one, other in pairs[:most] if abs(other.value - one.value) > _EQUAL]
    rest = pairs[len(told) :]
    if rest:
        sums = [Reason(None, sum(pair[side].value for pair in rest), (), len(rest)) for side in (0, 1)]
        told.append((sums[0], sums[1]))
    return told


def with_added(told: Sequence[Reason], added: Mapping[Added, float]) -> list[Reason]:
    """Return the model's reasons and what the request added, each added part by itself, where its size puts it."""
    rest = [reason for reason in told if reason.kind is None]
    whole = [reason for reason in told if reason.kind is not None]
    whole += [Reason(kind, value) for kind, value in added.items() if value != 0.0]
    return [*sorted(whole, key=lambda reason: -abs(reason.value)), *rest]


@dataclass(frozen=True, slots=True)
class Past:
    """What a user did with one item."""

    counts: Mapping[str, int]
    last_us: int
    """The latest event, microseconds UTC."""


def pasts(row: UserRow) -> dict[str, Past]:
    """Return what the user did with each item of its history."""
    counts: dict[str, Counter[str]] = {}
    last: dict[str, int] = {}
    for item, kind, at in zip(row.item_ids, row.types, row.at, strict=True):
        counts.setdefault(item, Counter())[kind] += 1
        last[item] = max(at, last.get(item, at))
    return {item: Past(found, last[item]) for item, found in counts.items()}


_DEEDS: Mapping[str, str] = MappingProxyType(
    {
        "purchase": "bought{it}",
        "cart": "put{it} in your cart",
        "rate": "rated{it}",
        "click": "clicked on{it}",
        "view": "viewed{it}",
        "search": "searched for{it}",
        "return": "returned{it}",
        "coupon": "got a coupon for{it}",
        "exposure": "were shown{it}",
    }
)
# In the order in which they tell most about a person.


def deed(past: Past, it: str = "") -> str:
    """Return what was done, as it follows `you`: `bought 3 times`, or with an object `bought it 3 times`."""
    kind = next((kind for kind in _DEEDS if past.counts.get(kind)), None) or max(
        sorted(past.counts), key=past.counts.__getitem__
    )
    told = _DEEDS.get(kind, "marked{it} “" + kind.replace("{", "(").replace("}", ")") + "”")
    return f"{told.format(it=it)} {_times(past.counts[kind])}"


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


@dataclass(frozen=True, slots=True)
class Names:
    """How nodes are called in sentences."""

    items: Mapping[str, str]
    categories: Mapping[str, str]
    brands: Mapping[str, str]

    def of(self, step: Step) -> str:
        """Return the name of a node; its id where it has none."""
        named = {"Item": self.items, "Category": self.categories, "Brand": self.brands}.get(step.label, {})
        return named.get(step.id) or step.id


def clause(reason: Reason, names: Names, history: Mapping[str, Past]) -> str:
    """Return the reason as a clause that can follow `because`."""
    good = reason.value >= 0
    via = reason.path[1] if len(reason.path) > 1 else None
    # A product line is told as a brand in a category.
    name = " in ".join(names.of(step) for step in reversed(reason.path[1:-1])) if via else ""
    match reason.kind:
        case Kind.OWN_HISTORY:
            return _own(reason, history, good)
        case Kind.ITEM:
            past = history.get(via.id) if via else None
            told = f", which you {deed(past)}" if past else ""
            return f"it goes with {name}{told}" if good else f"it goes less with {name}{told}"
        case Kind.CATEGORY:
            return f"you shop in {name}" if good else f"what you do in {name} speaks for other items"
        case Kind.BRAND:
            return f"{name} is in your history" if good else f"what you choose of {name} speaks for other items"
        case Kind.POPULARITY:
            return "its popularity speaks for it" if good else "its popularity speaks against it"
        case Kind.PROMOTION:
            return "its promotions speak for it" if good else "its promotions speak against it"
        case Kind.PRICE_FIT:
            told = "its price, next to what you usually pay, speaks"
            return f"{told} for it" if good else f"{told} against it"
        case Kind.PURCHASE_POWER:
            return "your purchase power speaks for it" if good else "your purchase power speaks against it"
        case Added.BOOST:
            return "the shop puts it forward" if good else "the shop holds it back"
        case Added.FEEDBACK:
            return "what you passed over speaks against it"
        case Added.PRICE_LEVEL:
            return "its price level is near to yours" if good else "its price level is far from yours"
        case None:
            return f"{reason.count} smaller reasons speak {'for' if good else 'against'} it together"


def _own(reason: Reason, history: Mapping[str, Past], good: bool) -> str:
    past = history.get(reason.path[-1].id) if reason.path else None
    if past is None:
        return "your own history with it speaks " + ("for it" if good else "against it")
    day = datetime.fromtimestamp(past.last_us / 1e6, UTC)
    preposition = "on" if sum(past.counts.values()) == 1 else "last on"
    told = f"you {deed(past, ' it')}, {preposition} {day.day} {day:%B %Y}"
    return told if good else f"{told}, which speaks against it now"


def sentence(text: str) -> str:
    """Return a clause as a sentence."""
    return f"{text[0].upper()}{text[1:]}."


def change(
    before: Reason, after: Reason, names: Names, pasts_before: Mapping[str, Past], pasts_after: Mapping[str, Past]
) -> str:
    """Return what became of a reason as a sentence."""
    if after.kind is None:
        return f"{after.count} other reasons changed less."
    if before.value == 0.0:
        return f"New: {clause(after, names, pasts_after)}."
    if after.value == 0.0:
        return f"No longer: {clause(before, names, pasts_before)}."
    more = "more for" if after.value > before.value else "less for"
    return f"Speaks {more} it than before: {clause(after, names, pasts_after)}."


def summary(reasons: Sequence[Reason], clauses: Sequence[str]) -> str:
    """Return the explanation in one sentence: the two strongest reasons that speak for the item."""
    told = [text for reason, text in zip(reasons, clauses, strict=True) if reason.kind and reason.value > 0][:2]
    if not told:
        return "Nothing in particular speaks for it."
    return f"Because {', and '.join(told)}."
