"""The service behind the fields: one user's newest events from the graph, ranked and explained by the current model."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from api import private
from api.answers import Answer, Answers, Basis
from api.broadcast import Broadcast
from api.counted import Counted
from api.knowledge import Knowledge, Look, Present
from api.last_known import LastKnown
from api.metrics import Metrics
from api.models import CurrentModel
from api.newcomers import Newcomers
from api.pulse import Pulse
from api.reads import NOTED, Reads, Rereads
from api.reasons import Told
from api.rows import Catalogue
from api.shoppers import Shopper, Shoppers, present_us
from api.words import Locale, Vocabulary, Words, own
from api.writes import Writes
from gnn import explain, ranking
from gnn.artefact import Artefact
from graph import explore
from graph.client import AsyncClient
from graph.facts import Face, face

MAX_EVENTS_READ = 5_000
"""Newest events of a user that a request looks at."""


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
                noted.present = await self.present(*(reads.users if reads else ()))
                state = noted.present and noted.present.state
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

    def steady(self, user_id: str) -> bool:
        """Whether a user is known, and has most likely done nothing since: a look at it beside other rows will do."""
        look = self.shoppers.look(user_id)
        return self.shoppers.known(user_id) is not None and look is not None and not self.knowledge.overtaken(look)

    async def present(self, *users: str) -> Present | None:
        """Return the state that the graph is in; None where it does not tell. Raises the errors of a read.

        `users`: of whom it is looked at as well what this host writes.
        """
        look, state = self.knowledge.look(*users), await self.pulse.state()
        self.last_known.well()
        return Present(state, look) if state is not None else None

    async def shopper(
        self, user_id: str, seen: tuple[Face, Look] | None = None, present: Present | None = None
    ) -> Shopper | None:
        """Read a user and its newest events in one round trip, if they are not known; None where there is none.

        `seen`: which events a look has found it to have; where they are those that are known, nothing is read.
        `present`: the state that the graph has been found in; where it is the one of then, nothing is read either.
        """
        row = known = self.shoppers.known(user_id)
        look, since = self.shoppers.look(user_id), None
        if row is not None and seen and seen[0] == face(row):
            look = seen[1]
        elif row and look and present and user_id in present.look.users and present.holds(look):
            # It may be presumed as yet: what is kept of the user is as old as it was.
            since = present.look
        elif row is None or look is None or not self.knowledge.holds(look):
            with self.metrics.phase("read"):
                look = self.knowledge.look(user_id)
                row = await explore.user(self.graph, user_id, limit=MAX_EVENTS_READ, known=known)
        noted = NOTED.get()
        if noted:
            noted.since(since or look)
        if row is None:
            if noted:
                noted.met(user_id, None, math.inf)
            self.shoppers.forget(user_id)
            return None
        self.metrics.seen(max(row.at, default=0))
        derived = self.shoppers.met(row, look, known=known)
        if noted:
            noted.met(user_id, row, self.shoppers.until(user_id))
        return Shopper(row, present_us(), derived=derived)

    def score(self, shopper: Shopper, artefact: Artefact, query: ranking.Query) -> ranking.Scored:
        """Score every item for the user as it is now: lists of any length are cut from it."""
        with self.metrics.phase("rank"):
            return shopper.scored(artefact, query)

    def rank(self, shopper: Shopper, artefact: Artefact, query: ranking.Query, k: int) -> ranking.Ranked:
        """Return the best `k` items for the user as it is now."""
        return self.score(shopper, artefact, query).best(k)

    def explain(self, shopper: Shopper, artefact: Artefact, items: Sequence[int]) -> list[explain.Explained]:
        """Explain the scores of these items."""
        with self.metrics.phase("explain"):
            return shopper.explain(artefact, items)

    def told(self, shopper: Shopper, artefact: Artefact, items: Sequence[int]) -> dict[str, Told]:
        """Return what people are told of the scores of these items, by external id."""
        with self.metrics.phase("explain"):
            names = (artefact.item_ids[item] for item in items)
            return dict(zip(names, shopper.told(artefact, items), strict=True))
