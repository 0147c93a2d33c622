"""The service behind the fields: one user's newest events from the graph, ranked and explained by the current model."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from api import private
from api.broadcast import Broadcast
from api.counted import Counted
from api.last_known import LastKnown
from api.metrics import Metrics
from api.models import CurrentModel
from api.reasons import Past, pasts
from gnn import changes, explain, ranking
from gnn.artefact import Artefact
from gnn.changes import ItemChange
from graph import explore
from graph.client import AsyncClient
from graph.explore import UserRow

MAX_EVENTS_READ = 5_000
"""Newest events of a user that a request looks at."""

ATTRIBUTE = "attr_"


@dataclass(slots=True)
class Shopper:
    """A user as one request sees it; what is derived from the events is derived once."""

    row: UserRow
    now: int
    """The request's present, microseconds UTC: lists and explanations of one request agree on it."""
    items: Mapping[str, ItemChange] = field(default_factory=lambda: changes.NOTHING)
    """What is taken to be different of items, by external id (`api.what_if`)."""
    _histories: dict[str, ranking.History] = field(default_factory=dict[str, ranking.History])
    _passes: dict[str, ranking.Pass] = field(default_factory=dict[str, ranking.Pass])
    _pasts: dict[str, Past] | None = None

    @property
    def newest(self) -> int:
        """When the newest of its events was recorded: what a later page of the same list goes back to."""
        return max(self.row.recorded, default=0)

    def at(self, now: int, seen: int) -> "Shopper":
        """Return the user as a list saw it that was begun at `now`, with what had been recorded until `seen`."""
        if now == self.now and seen == self.newest:
            return self
        return Shopper(self.row.until(seen), now, self.items)

    def with_items(self, items: Mapping[str, ItemChange]) -> "Shopper":
        """Return the same user with these items changed: the network need not pass over all others again."""
        return replace(self, items=items)

    @property
    def pasts(self) -> dict[str, Past]:
        """What the user did with each item."""
        if self._pasts is None:
            self._pasts = pasts(self.row)
        return self._pasts

    @property
    def attributes(self) -> Mapping[str, str | float]:
        """What the shop declared about the user, by the shop's own names."""
        found = self.row.properties.items()
        return {name.removeprefix(ATTRIBUTE): value for name, value in found if name.startswith(ATTRIBUTE)}

    def history(self, artefact: Artefact) -> ranking.History:
        """The events as this artefact counts them; items that it does not know are left out."""
        if artefact.version not in self._histories:
            row = self.row
            self._histories[artefact.version] = ranking.history(
                artefact, row.item_ids, row.types, row.at, row.quantity, row.amount, row.value, row.context
            )
        return self._histories[artefact.version]

    def forward(self, artefact: Artefact) -> ranking.Pass:
        """What the network says of the user: all lists of one request are cut from it."""
        if artefact.version not in self._passes:
            self._passes[artefact.version] = ranking.forward(
                artefact, self.history(artefact), now=self.now, attributes=self.attributes
            )
        return self._passes[artefact.version]


class Recommender:
    """Everything that the fields need: the graph, the model, and how long both take."""

    def __init__(self, client: AsyncClient, models: CurrentModel, metrics: Metrics, *, fewest: int = private.K) -> None:
        """`fewest`: shoppers that anything is said of (`api.private`)."""
        self.client = client
        self.models = models
        self.metrics = metrics
        self.fewest = fewest
        self.broadcast = Broadcast()
        self.last_known = LastKnown()
        self.demand = Counted()

    async def shopper(self, user_id: str) -> Shopper | None:
        """Read a user and its newest events in one round trip; None when the graph does not know it."""
        with self.metrics.phase("read"):
            row = await explore.user(self.client, user_id, limit=MAX_EVENTS_READ)
        if row is None:
            return None
        self.metrics.seen(max(row.at, default=0))
        return Shopper(row, present_us())

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
        history, now, attributes = shopper.history(artefact), shopper.now, shopper.attributes

        def told() -> dict[str, explain.Explained]:
            found = explain.explain_many(
                artefact, history, items, now=now, attributes=attributes, changed=shopper.items
            )
            return {artefact.item_ids[item]: explained for item, explained in zip(items, found, strict=True)}

        with self.metrics.phase("explain"):
            # A page of explanations takes long enough to keep other requests waiting.
            return await asyncio.to_thread(told) if len(items) > 1 else told()


def present_us() -> int:
    """Return the present in microseconds UTC; a model of old data keeps its own present (`gnn.history`)."""
    return time.time_ns() // 1_000
