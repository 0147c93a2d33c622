"""The service behind the fields: one user's newest events from the graph, ranked and explained by the current model."""

import math
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from api import private, reasons
from api.answers import Answer, Answers, Basis
from api.broadcast import Broadcast
from api.counted import Counted
from api.knowledge import Knowledge, Look
from api.last_known import LastKnown
from api.metrics import Metrics
from api.models import CurrentModel
from api.newcomers import Newcomers
from api.pulse import Pulse
from api.reads import NOTED, Reads, Rereads
from api.reasons import Pasts, Told
from api.rows import Catalogue
from api.words import Locale, Vocabulary, Words, own
from api.writes import Writes
from gnn import changes, explain, ranking
from gnn.artefact import Artefact
from gnn.changes import ItemChange
from gnn.paths import Dispute, Kind, Step
from graph import explore
from graph.client import AsyncClient
from graph.explore import DisputeRow, UserRow

MAX_EVENTS_READ = 5_000
"""Newest events of a user that a request looks at."""

MAX_USERS_KEPT = 256
"""Users whose events, scores and explanations a process keeps between requests."""

ATTRIBUTE = "attr_"


# Editions of the model kept beside each other: the newest, and the one before while lists are paged through.
_VERSIONS = 2
# Explanations kept of a user: a few pages of a few lists.
_EXPLAINED = 200


@dataclass(slots=True)
class Derived:
    """What follows from a user's events and attributes alone: every request that finds the same ones shares it."""

    histories: dict[str, ranking.History] = field(default_factory=dict[str, ranking.History])
    """By edition of the model."""
    passes: dict[tuple[str, int], ranking.Pass] = field(default_factory=dict[tuple[str, int], ranking.Pass])
    """By edition of the model and its present."""
    explained: dict[tuple[str, int, int], explain.Explained] = field(
        default_factory=dict[tuple[str, int, int], explain.Explained]
    )
    """By the same, and the item's row."""
    told: dict[tuple[str, int, int], Told] = field(default_factory=dict[tuple[str, int, int], Told])
    """What of it people are told."""
    pasts: Pasts | None = None
    shown: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    """What the last page was made of, by kind of node, as arguments of `Loaders.load`."""


@dataclass(slots=True)
class Shopper:
    """A user as one request sees it."""

    row: UserRow
    now: int
    """The request's present, microseconds UTC: lists and explanations of one request agree on it."""
    items: Mapping[str, ItemChange] = field(default_factory=lambda: changes.NOTHING)
    """What is taken to be different of items, by external id (`api.what_if`)."""
    derived: Derived = field(default_factory=Derived)

    @property
    def newest(self) -> int:
        """When the newest of its events was recorded: what a later page of the same list goes back to."""
        return max(self.row.recorded, default=0)

    def at(self, now: int, seen: int) -> "Shopper":
        """Return the user as a list saw it that was begun at `now`, with what had been recorded until `seen`."""
        if now == self.now and seen == self.newest:
            return self
        row = self.row.until(seen)
        if any(one.at > now for one in row.disputes):
            row = replace(row, disputes=tuple(one for one in row.disputes if one.at <= now))
        return Shopper(row, now, self.items, self.derived if row is self.row else Derived())

    def with_items(self, items: Mapping[str, ItemChange]) -> "Shopper":
        """Return the same user with these items changed: the network need not pass over all others again."""
        return replace(self, items=items)

    @property
    def pasts(self) -> Pasts:
        """What the user did with each item."""
        if self.derived.pasts is None:
            self.derived.pasts = Pasts(self.row)
        return self.derived.pasts

    @property
    def has_power(self) -> bool:
        """Whether anything is known of what the user can and does spend."""
        return "purchase" in self.row.types or bool(self.attributes)

    @property
    def attributes(self) -> Mapping[str, str | float]:
        """What the shop declared about the user, by the shop's own names."""
        found = self.row.properties.items()
        return {name.removeprefix(ATTRIBUTE): value for name, value in found if name.startswith(ATTRIBUTE)}

    def history(self, artefact: Artefact) -> ranking.History:
        """The events as this artefact counts them; items that it does not know are left out."""
        known = self.derived.histories
        if artefact.edition not in known:
            row = self.row
            known[artefact.edition] = ranking.history(
                artefact,
                row.item_ids,
                row.types,
                row.at,
                row.quantity,
                row.amount,
                row.value,
                row.context,
                disputed=disputed(row.disputes),
            )
            _bounded(known, _VERSIONS)
        return known[artefact.edition]

    def forward(self, artefact: Artefact) -> ranking.Pass:
        """What the network says of the user: all lists are cut from it until there are other events."""
        key, known = self._moment(artefact), self.derived.passes
        if key not in known:
            known[key] = ranking.forward(artefact, self.history(artefact), now=self.now, attributes=self.attributes)
            _bounded(known, _VERSIONS)
        return known[key]

    def explain(self, artefact: Artefact, items: Sequence[int]) -> list[explain.Explained]:
        """Split the scores of these items (rows of the artefact)."""
        moment, known = self._moment(artefact), {} if self.items else self.derived.explained
        new = [item for item in dict.fromkeys(items) if (*moment, item) not in known]
        if new:
            found = explain.explain_many(
                artefact,
                self.history(artefact),
                new,
                now=self.now,
                attributes=self.attributes,
                changed=self.items,
                given=self.forward(artefact).sent,
            )
            known |= {(*moment, item): explained for item, explained in zip(new, found, strict=True)}
        told = [known[*moment, item] for item in items]
        _bounded(known, _EXPLAINED)
        return told

    def told(self, artefact: Artefact, items: Sequence[int]) -> list[Told]:
        """Return what people are told of the scores of these items (rows of the artefact)."""
        moment, known = self._moment(artefact), {} if self.items else self.derived.told
        new = [item for item in dict.fromkeys(items) if (*moment, item) not in known]
        found = self.explain(artefact, new)
        known |= {(*moment, item): reasons.told(explained) for item, explained in zip(new, found, strict=True)}
        said = [known[*moment, item] for item in items]
        _bounded(known, _EXPLAINED)
        return said

    def _moment(self, artefact: Artefact) -> tuple[str, int]:
        # Events after the model's present have no age: most often it is that present, whatever the time of day.
        return artefact.edition, min(self.now, artefact.scheme.clock)


def _bounded(known: dict[Any, Any], most: int) -> None:
    for key in list(known)[:-most]:
        del known[key]


@dataclass(slots=True)
class _Met:
    """A user as it was read last."""

    began: float
    """When its events were read, `time.monotonic`."""
    row: UserRow
    derived: Derived
    look: Look | None
    """Since when the row is true; None where that is in doubt."""


class Shoppers:
    """The users that were asked about last, with all that was derived of them.

    What is kept is never taken for true by itself: each request asks the graph whether it still holds the same events,
    or whether that is known (`api.knowledge`).
    """

    def __init__(self, *, most: int = MAX_USERS_KEPT, age_s: float = 60.0) -> None:
        """`most`: users kept, half a megabyte each; `age_s`: after so long events are read again in any case."""
        self._most, self._age_s = most, age_s
        self._known: OrderedDict[str, _Met] = OrderedDict()

    def known(self, user_id: str) -> UserRow | None:
        """Return what is known of a user, to be compared with the graph."""
        found = self._known.get(user_id)
        return found.row if found and time.monotonic() - found.began < self._age_s else None

    def look(self, user_id: str) -> Look | None:
        """Return since when what is known of a user is true; None where that is in doubt."""
        found = self._known.get(user_id)
        return found.look if found else None

    def doubt(self, user_id: str) -> None:
        """Let the graph be asked for a user in any case: it has been seen to have changed."""
        if found := self._known.get(user_id):
            found.look = None

    def shown(self, user_id: str) -> Mapping[str, Collection[str]]:
        """Return what a user was shown last, as arguments of `Loaders.load`; nothing of one who is not known."""
        found = self._known.get(user_id)
        return found.derived.shown if found else {}

    def met(self, row: UserRow, look: Look) -> Derived:
        """Take a user as the graph had it after a look; return what is derived of it."""
        found = self._known.get(row.id)
        if found and found.row is row:
            self._known.move_to_end(row.id)
            found.look = look
            return found.derived
        # Other attributes leave the time as it is: it is that of the events.
        began = found.began if found and found.row.at is row.at else time.monotonic()
        # Read again, they may well be the same.
        derived = found.derived if found and _same(found.row, row) else Derived()
        self._known[row.id] = _Met(began, row, derived, look)
        self._known.move_to_end(row.id)
        # Nothing stays of users who are gone, or were erased by another process.
        while len(self._known) > self._most or self._oldest_s() > self._age_s:
            self._known.popitem(last=False)
        return derived

    def until(self, user_id: str) -> float:
        """Return until when a user's events are not read again while they look the same (`time.monotonic`)."""
        return self._known[user_id].began + self._age_s

    def _oldest_s(self) -> float:
        return time.monotonic() - next(iter(self._known.values())).began if self._known else 0.0

    def forget(self, user_id: str) -> None:
        """Forget a user that the graph no longer holds."""
        self._known.pop(user_id, None)

    def clear(self) -> None:
        """Forget everybody."""
        self._known.clear()


def _same(one: UserRow, other: UserRow) -> bool:
    columns = ("properties", "item_ids", "types", "at", "context", "recorded", "disputes")
    # Not every number equals itself: nan is None here.
    return all(getattr(one, name) == getattr(other, name) for name in (*columns, "quantity", "amount", "value"))


class Recommender:
    """Everything that the fields need: the graph, the model, and how long both take."""

    def __init__(
        self,
        client: AsyncClient,
        models: CurrentModel,
        metrics: Metrics,
        *,
        fewest: int = private.K,
        words: Vocabulary | None = None,
        writes: Writes | None = None,
        known_for_s: float = 0.0,
    ) -> None:
        """`fewest`: shoppers that anything is said of (`api.private`). `words`: of sentences; None: Attune's own.

        `writes`: those of all workers; None: there are no others. `known_for_s` as in `api.knowledge`.
        """
        self.graph = client
        """For what `api.reads` takes note of; all else is read through `client`."""
        self.models = models
        self.metrics = metrics
        self.fewest = fewest
        self.words = words or own()
        self.broadcast = Broadcast()
        self.last_known = LastKnown()
        self.demand = Counted()
        self.shoppers = Shoppers()
        self._writes = writes or Writes()
        self._erasures = self._writes.erasures
        self.knowledge = Knowledge(client, self._writes, for_s=known_for_s)
        self.catalogue = Catalogue(self.knowledge)
        self.pulse = Pulse(client, self.knowledge)
        self.rereads = Rereads(client)
        self.answers = Answers()
        self.newcomers = Newcomers(client, self.knowledge)

    @property
    def client(self) -> AsyncClient:
        """The graph, for what nobody takes note of: an answer made from it is true until anything at all is written."""
        if noted := NOTED.get():
            noted.whole = False
        return self.graph

    def forget(self, user_id: str) -> None:
        """Forget what was kept of a user who has just been erased, and let the other workers do so."""
        self.shoppers.forget(user_id)
        self.last_known.forget()
        self.answers.forget()
        self._writes.erased()
        self._erasures += 1

    def forget_erased(self) -> None:
        """Forget all that was kept before any worker erased a user; called before what is kept is looked at."""
        if (now := self._writes.erasures) != self._erasures:
            self._erasures = now
            self.shoppers.clear()
            self.last_known.forget()
            self.answers.forget()

    async def still(self, answer: Answer, noted: Reads) -> Answer | None:
        """Return an answer as of now; None when it is no longer true. Raises the errors of `AsyncClient.read`.

        It is true while the whole graph is the same, which is known or quickly seen; else while what it was made from
        is. `noted`: of whoever makes it anew otherwise, who need not read again what was read to see that.
        """
        await self.models.look()
        if self.models.artefact:
            await self.newcomers.look(self.models.artefact)
        basis, reads = answer.basis, answer.reads
        if basis.model != self.model:
            return None
        if self._known(answer):
            return answer
        if answer.look and self.knowledge.overtaken(answer.look):
            return None
        if reads is None or self.answers.quiet:
            state = self.knowledge.state
            if state is None:
                state = await self.pulse.state()
                self.last_known.well()
            same = state is not None and state == basis.graph
            self.answers.held(true=same)
            if same or reads is None:
                return answer if same else None
        # All that is read from now on is as new as this state, or newer.
        look = self.knowledge.look(*reads.users)
        now = await self.rereads.now(reads)
        self.last_known.well()
        if now is None:
            return None
        if not reads.same(now):
            noted.at_hand = now, look
            return None
        self.answers.held(true=self.graph.seen == basis.graph)
        return replace(answer, basis=Basis(look.state, basis.model), look=look)

    def _known(self, answer: Answer) -> bool:
        state = self.knowledge.state
        if state is not None and state == answer.basis.graph:
            return True
        # An event that another program has changed in place looks the same: its time is up even so.
        until = answer.reads.until if answer.reads else math.inf
        if answer.look is None or time.monotonic() > until:
            return False
        return self.knowledge.holds(answer.look, whole=answer.reads is not None)

    @property
    def model(self) -> str | None:
        """The model being served, with the items that have joined it."""
        return self.newcomers.edition(self.models.artefact) if self.models.artefact else None

    def spoken(self, locale: Locale | None) -> Words:
        """Return the words of a language; None: English."""
        return self.words[locale or Locale.EN]

    async def shopper(self, user_id: str) -> Shopper | None:
        """Read a user and its newest events in one round trip, if they are not known; None where there is none."""
        row, look = self.shoppers.known(user_id), self.shoppers.look(user_id)
        if row is None or look is None or not self.knowledge.holds(look):
            with self.metrics.phase("read"):
                look = self.knowledge.look(user_id)
                row = await explore.user(self.graph, user_id, limit=MAX_EVENTS_READ, known=row)
        noted = NOTED.get()
        if noted:
            noted.since(look)
        if row is None:
            if noted:
                noted.met(user_id, None, math.inf)
            self.shoppers.forget(user_id)
            return None
        self.metrics.seen(max(row.at, default=0))
        derived = self.shoppers.met(row, look)
        if noted:
            noted.met(user_id, row, self.shoppers.until(user_id))
        return Shopper(row, present_us(), derived=derived)

    def score(self, shopper: Shopper, artefact: Artefact, query: ranking.Query) -> ranking.Scored:
        """Score every item for the user as it is now: lists of any length are cut from it."""
        with self.metrics.phase("rank"):
            return ranking.score(
                artefact,
                shopper.history(artefact),
                now=shopper.now,
                query=query,
                attributes=shopper.attributes,
                items=shopper.items,
                given=shopper.forward(artefact) if query.only is None else None,
            )

    def rank(self, shopper: Shopper, artefact: Artefact, query: ranking.Query, k: int) -> ranking.Ranked:
        """Return the best `k` items for the user as it is now."""
        return self.score(shopper, artefact, query).best(k)

    async def explain(self, shopper: Shopper, artefact: Artefact, items: Sequence[int]) -> dict[str, explain.Explained]:
        """Explain the scores of these items, by external id."""

        def told() -> dict[str, explain.Explained]:
            found = shopper.explain(artefact, items)
            return {artefact.item_ids[item]: explained for item, explained in zip(items, found, strict=True)}

        with self.metrics.phase("explain"):
            return told()

    def told(self, shopper: Shopper, artefact: Artefact, items: Sequence[int]) -> dict[str, Told]:
        """Return what people are told of the scores of these items, by external id."""
        with self.metrics.phase("explain"):
            names = (artefact.item_ids[item] for item in items)
            return dict(zip(names, shopper.told(artefact, items), strict=True))


def disputed(rows: Iterable[DisputeRow]) -> frozenset[Dispute]:
    """Return what a user disputes, in the model's words."""
    return frozenset(
        Dispute(Kind(one.kind), (*([Step("Category", one.within)] if one.within else []), Step(one.label, one.id)))
        for one in rows
    )


def present_us() -> int:
    """Return the present in microseconds UTC; a model of old data keeps its own present (`gnn.history`)."""
    return time.time_ns() // 1_000
