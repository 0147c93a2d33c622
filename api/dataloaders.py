"""Rows of the graph, loaded once per operation and in batches: one statement per kind of row, however many."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader

from api import private
from api.knowledge import Look, Present
from api.presence import Presence
from api.reads import NOTED, Reads
from api.recommender import Recommender
from api.rows import KeptRows
from api.shoppers import Shopper
from gnn.artefact import Artefact
from graph import explore, facts, neighbors
from graph.client import AsyncClient

Row = TypeVar("Row")

# One statement carries at most this many ids.
_BATCH = 500

_NOTHING = facts.Facts({}, {}, {}, {})


class RowLoader(Generic[Row]):
    """Rows by external id; None for what the graph does not hold. What was loaded once is not read again."""

    def __init__(
        self,
        client: AsyncClient,
        read: Callable[[AsyncClient, Sequence[str]], Awaitable[dict[str, Row]]],
        kept: KeptRows[Row],
        presence: Presence,
        noted: tuple[Reads, dict[str, Row | None]] | None,
        at_hand: Mapping[str, Row] = MappingProxyType({}),
    ) -> None:
        """`kept`: rows of before; `presence`: that of the operation; `noted`: where to write down all that was read.

        `at_hand`: rows that this request has read already.
        """
        self._known: dict[str, Row | None] = {}
        self._kept = kept
        self._presence = presence
        self._noted = noted
        self._at_hand = at_hand

        async def batch(ids: list[str]) -> list[Row | None]:
            begun = presence.moment()
            self.take(ids, await read(client, ids), begun)
            return [self._known[i] for i in ids]

        self._loader: DataLoader[str, Row | None] = DataLoader(batch, max_batch_size=_BATCH)

    def missing(self, external_ids: Iterable[str]) -> list[str]:
        """Return those of these ids that have to be read: they have not been loaded, and are not known."""
        wanted = [i for i in dict.fromkeys(external_ids) if i not in self._known]
        if at_hand := {i: self._at_hand[i] for i in wanted if i in self._at_hand}:
            self._loaded(at_hand)
            wanted = [i for i in wanted if i not in at_hand]
        rows, look = self._kept.known(wanted, self._presence.found)
        if look is None:
            return wanted
        self._loaded(rows)
        if self._noted:
            self._noted[0].since(look)
        return [i for i in wanted if i not in rows]

    def take(self, external_ids: Iterable[str], found: Mapping[str, Row], look: Look) -> None:
        """Take the rows of these ids as the graph gave them after a look."""
        rows = {i: found.get(i) for i in external_ids}
        self._loaded(rows)
        self._kept.keep(rows, look)

    def _loaded(self, rows: Mapping[str, Row | None]) -> None:
        self._known |= rows
        if self._noted:
            self._noted[1].update(rows)

    async def load(self, external_id: str) -> Row | None:
        """Return one row."""
        return await self._loader.load(external_id) if self.missing([external_id]) else self._known[external_id]

    async def load_all(self, external_ids: Iterable[str]) -> dict[str, Row]:
        """Return the rows of these ids that exist."""
        wanted = list(dict.fromkeys(external_ids))
        if missing := self.missing(wanted):
            await self._loader.load_many(missing)
        return self.loaded(wanted)

    def loaded(self, external_ids: Iterable[str]) -> dict[str, Row]:
        """Return the rows of these ids, all loaded before, that exist."""
        return {i: row for i in external_ids if (row := self._known[i]) is not None}


class Loaders:
    """The loaders of one operation."""

    def __init__(
        self, recommender: Recommender, model: Callable[[], Awaitable[Artefact]], present: Present | None = None
    ) -> None:
        """`model` returns that of the operation; `present`: the state that it has found the graph in."""
        self._client = client = recommender.graph
        kept, noted = recommender.catalogue, NOTED.get()
        at_hand = noted.at_hand if noted else None
        now = at_hand[0] if at_hand else _NOTHING
        self.presence = presence = Presence(recommender, present or (noted and noted.present))
        self.items: RowLoader[explore.ItemRow] = RowLoader(
            client, explore.items, kept.items, presence, noted and (noted, noted.items), now.items
        )
        self.categories: RowLoader[explore.CategoryRow] = RowLoader(
            client, explore.categories, kept.categories, presence, noted and (noted, noted.categories), now.categories
        )
        self.brands: RowLoader[explore.BrandRow] = RowLoader(
            client, explore.brands, kept.brands, presence, noted and (noted, noted.brands), now.brands
        )

        self._faces: dict[str, tuple[facts.Face, Look]] = {}
        if at_hand:
            # A look is shared by several answers; of other users than those it names it does not say since when.
            now, when = at_hand
            self._faces = {name: (face, when) for name, face in now.users.items() if name in when.users}

        async def shoppers(ids: list[str]) -> list[Shopper | None]:
            # A user's events are one statement each: lists of users cost accordingly (api.limits).
            return list(
                await asyncio.gather(*(recommender.shopper(i, self._faces.get(i), presence.found) for i in ids))
            )

        self.shoppers: DataLoader[str, Shopper | None] = DataLoader(shoppers, max_batch_size=_BATCH)

        async def supporters(pairs: list[tuple[str, str]]) -> list[int | None]:
            epoch, k = private.Epoch.of(await model()), recommender.fewest
            client = recommender.client
            counts = {
                user: await neighbors.supporters(client, user, [i for u, i in pairs if u == user], until=epoch.until)
                for user in sorted({user for user, _ in pairs})
            }
            return [private.told(counts[user].get(item, 0), k, epoch.draw(k, user, item)) for user, item in pairs]

        self.supporters: DataLoader[tuple[str, str], int | None] = DataLoader(supporters, max_batch_size=_BATCH)
        """Pairs of user and item; what may be said of `graph.neighbors.supporters`."""

    async def load(
        self,
        *,
        users: Collection[str] = (),
        items: Iterable[str] = (),
        categories: Iterable[str] = (),
        brands: Iterable[str] = (),
    ) -> None:
        """Load all of these at once, in one statement, and none where rows need not be read.

        Of `users` it is read which events they have: those of whom that is known need not be read by themselves.
        """
        wanted = (self.items.missing(items), self.categories.missing(categories), self.brands.missing(brands))
        if not any(wanted):
            return
        look = self.presence.moment(*users)
        found = await facts.read(self._client, users=users, items=wanted[0], categories=wanted[1], brands=wanted[2])
        self._faces |= {name: (face, look) for name, face in found.users.items()}
        # Rows are about none of these users: what these do next ends nothing that is known of the catalogue.
        look = replace(look, users={})
        self.items.take(wanted[0], found.items, look)
        self.categories.take(wanted[1], found.categories, look)
        self.brands.take(wanted[2], found.brands, look)
