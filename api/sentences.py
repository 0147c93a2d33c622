"""Reasons as sentences, in any language: no more is claimed than the figures say.

Which text is taken follows from the kind of a reason, its sign and its counts alone; the texts are `api.words`.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from api.reasons import Past, Reason
from api.words import Words
from gnn.explain import Kind, Step

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
# Of the characters without a picture these two are part of how words and emoji are written.
_JOINERS = "\u200c\u200d"

# The first letter of a word; not what follows an apostrophe or a digit.
_WORD = re.compile(r"(^|[\s/&(-])([^\W\d_])")

_DAY_US = 86_400_000_000
# The same is told again and again: its words are kept.
_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class Names:
    """How nodes are called."""

    items: Mapping[str, str]
    categories: Mapping[str, str]
    brands: Mapping[str, str]

    def of(self, step: Step) -> str:
        """Return the name of a node; its id where it has none."""
        named = {"Item": self.items, "Category": self.categories, "Brand": self.brands}.get(step.label, {})
        name = plain(named.get(step.id) or "") or plain(step.id) or "?"
        return calm(name) if step.label == "Category" else name

    def through(self, words: Words, inside: Sequence[Step]) -> str:
        """Return how the nodes between a user and an item are called; nothing where there are none."""
        if [step.label for step in inside] == ["Category", "Brand"]:
            # A product line is told as a brand in its category.
            category, brand = (self.of(step) for step in inside)
            return words["names.line"].fill(category=category, brand=brand)
        return self.of(inside[0]) if inside else ""


def plain(name: str) -> str:
    """Return a name as one line that leaves the sentence around it alone.

    A shop's titles may hold line ends, characters that steer a terminal, and such that turn the direction of reading:
    these are left out, and a name that is read from right to left is isolated (Unicode TR 9) from what stands around.
    """
    if name.isascii() and name.isprintable():
        return name.strip()
    kept: list[str] = []
    for sign in name:
        kind = unicodedata.category(sign)
        if kind in ("Cc", "Zl", "Zp"):
            kept.append(" ")
        elif kind == "Cs":
            kept.append("\ufffd")
        elif kind != "Cf" or sign in _JOINERS:
            kept.append(sign)
    found = " ".join("".join(kept).split())
    if any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in found):
        return f"{_FIRST_STRONG_ISOLATE}{found}{_POP_ISOLATE}"
    return found


@lru_cache(_KEPT)
def calm(name: str) -> str:
    """Return a shelf's name without its capitals where it has no other letters: in a sentence they would shout.

    Up to three letters are taken for an abbreviation. Names of brands are left as they are: some are nothing else.
    """
    if len(name) <= 3 or not name.isupper():
        return name
    return _WORD.sub(lambda found: found[1] + found[2].upper(), name.lower())


@dataclass(frozen=True, slots=True)
class Teller:
    """What sentences about one user refer to."""

    names: Names
    pasts: Mapping[str, Past]
    """What the user did, by item."""
    untold: Collection[Kind] = frozenset({Kind.PRICE_FIT, Kind.PURCHASE_POWER})
    """Kinds of reasons that rest on what is not known of the user: what it pays, what it can and does spend."""
    newcomers: Collection[str] = frozenset()
    """Items that are newer than the model: of these it knows what other items are like."""

    def clause(self, words: Words, reason: Reason) -> str:
        """Return a reason as a clause that can follow `because`."""
        side = "for" if reason.value >= 0 else "against"
        via = reason.path[1] if len(reason.path) > 1 else None
        match reason.kind:
            case Kind.OWN_HISTORY:
                past = self.pasts.get(reason.path[-1].id) if reason.path else None
                if past is None:
                    return words[f"reasons.own_history_untold.{side}"].fill()
                kind = _most_telling(words, past)
                return _done(words, side, kind, past.counts[kind], past.last_us[kind] // _DAY_US)
            case Kind.ITEM:
                past = self.pasts.get(via.id) if via else None
                name = self._name(words, reason)
                if past is None:
                    return words[f"reasons.item_untold.{side}"].fill(name=name)
                kind = _most_telling(words, past)
                return _done_with(words, side, name, kind, past.counts[kind])
            case Kind.CATEGORY | Kind.BRAND:
                return words[f"reasons.{reason.kind}.{side}"].fill(name=self._name(words, reason))
            case Kind.POPULARITY | Kind.PROMOTION if reason.path and reason.path[-1].id in self.newcomers:
                return words[f"reasons.{reason.kind}_of_new.{side}"].fill()
            case Kind.PURCHASE_POWER | Kind.PRICE_FIT if reason.kind in self.untold:
                return words[f"reasons.{reason.kind}_untold.{side}"].fill()
            case None:
                return words[f"reasons.rest.{side}"].fill(reason.count)
            case _:
                return words[f"reasons.{reason.kind}.{side}"].fill()

    def sentence(self, words: Words, reason: Reason) -> str:
        """Return a reason as a sentence."""
        named = reason.kind in (Kind.ITEM, Kind.CATEGORY, Kind.BRAND)
        return whole(words, self.clause(words, reason), self._name(words, reason) if named else "")

    def summary(self, words: Words, reasons: Sequence[Reason]) -> str:
        """Return an explanation in one sentence: the two strongest reasons that speak for the item."""
        strongest = [reason for reason in reasons if reason.kind is not None and reason.value > 0][:2]
        told = [self.clause(words, reason) for reason in strongest]
        if not told:
            return words["summary.none"].fill()
        if len(told) == 1:
            return words["summary.one"].fill(reason=told[0])
        return words["summary.two"].fill(reason=told[0], other=told[1])

    def _name(self, words: Words, reason: Reason) -> str:
        return self.names.through(words, reason.path[1:-1] or reason.path[1:])


def whole(words: Words, clause: str, name: str = "") -> str:
    """Return a clause as a sentence; a `name` that stands first is written as the shop writes it."""
    named = bool(name) and clause.startswith(name)
    return words["sentence.whole"].fill(reason=clause if named else clause[:1].upper() + clause[1:])


def change(words: Words, before: Reason, after: Reason, tellers: tuple[Teller, Teller], *, alone: bool = False) -> str:
    """Return what became of a reason as a sentence; `tellers` of the world as it is and as it would be.

    `alone`: no other reason of the item is told, so that the rest are all of them, and none has changed.
    """
    if after.kind is None:
        return words["change.still" if alone else "change.rest"].fill(after.count)
    if after.value == 0.0:
        return words["change.gone"].fill(reason=tellers[0].clause(words, before))
    if before.value == 0.0:
        key = "new"
    elif (before.value > 0) != (after.value > 0):
        key = "turned"
    else:
        grew = abs(after.value) > abs(before.value)
        key = f"{'more' if grew else 'less'}_{'for' if after.value > 0 else 'against'}"
    return words[f"change.{key}"].fill(reason=tellers[1].clause(words, after))


def neighbors(words: Words, shoppers: int) -> str:
    """Return how many others went the same way, a count that `api.private` lets be told."""
    return words["neighbors.at_least"].fill(shoppers)


def day(words: Words, at_us: int) -> str:
    """Return a moment's day in UTC."""
    at = datetime.fromtimestamp(at_us // _DAY_US * _DAY_US / 1e6, UTC)
    return words["date.day"].fill(day=str(at.day), month=words.months[at.month - 1], year=str(at.year))


def _most_telling(words: Words, past: Past) -> str:
    known = next((kind for kind in words.deeds if past.counts.get(kind)), None)
    return known or max(sorted(past.counts), key=past.counts.__getitem__)


@lru_cache(_KEPT)
def _done(words: Words, side: str, kind: str, count: int, days: int) -> str:
    """Return what the user did with the item itself, and when last, as a clause."""
    deed = _deed(words, kind, count, it=words["counts.it"].fill())
    return words[f"reasons.own_history.{side}"].fill(count, deed=deed, date=day(words, days * _DAY_US))


@lru_cache(_KEPT)
def _done_with(words: Words, side: str, name: str, kind: str, count: int) -> str:
    """Return what the user did with another item, of this name, as a clause."""
    return words[f"reasons.item.{side}"].fill(name=name, deed=_deed(words, kind, count))


def _deed(words: Words, kind: str, count: int, it: str = "") -> str:
    """Return what was done, as it follows `you`: `bought 3 times`, or with an object `bought it 3 times`."""
    key = f"deeds.{kind}" if kind in words.deeds else "deeds.other"
    return words[key].fill(count, times=words["counts.times"].fill(count), it=it, type=plain(kind))
