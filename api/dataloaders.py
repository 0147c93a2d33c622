"""Rows of the graph, loaded once per operation and in batches: one statement per kind of row, however many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader

from api import private
from api.recommender import Recommender, Shopper
from gnn.artefact import Artefact
from graph import explore, neighbors
from graph.client import AsyncClient

Row = TypeVar("Row")

# One statement carries at most this many ids.
_BATCH = 500


class RowLoader(Generic[Row]):
    """A `DataLoader` from external ids to rows; None for what the graph does not hold."""

    def __init__(
        self,
        client: AsyncClient,
        read: Callable[[AsyncClient, Sequence[str]], Awaitable[dict[str, Row]]],
    ) -> None:
        async def batch(ids: list[str]) -> list[Row | None]:
            found = await read(client, ids)
            return [found.get(i) for i in ids]

        self._loader: DataLoader[str, Row | None] = DataLoader(batch, max_batch_size=_BATCH)

    async def load(self, external_id: str) -> Row | None:
        """Return one row."""
        return await self._loader.load(external_id)

    async def load_all(self, external_ids: Iterable[str]) -> dict[str, Row]:
        """Return the rows of these ids that exist."""
        wanted = list(dict.fromkeys(external_ids))
        rows = await self._loader.load_many(wanted)
        return {i: row for i, row in zip(wanted, rows, strict=True) if row is not None}


class Loaders:
    """The loaders of one operation."""

    def __init__(self, recommender: Recommender, model: Callable[[], Awaitable[Artefact]]) -> None:
        """`model` returns that of the operation."""
        client = recommender.client
        self.items: RowLoader[explore.ItemRow] = RowLoader(client, explore.items)
        self.categories: RowLoader[explore.CategoryRow] = RowLoader(client, explore.categories)
        self.brands: RowLoader[explore.BrandRow] = RowLoader(client, explore.brands)

        async def shoppers(ids: list[str]) -> list[Shopper | None]:
            # A user's events are one statement each: lists of users cost accordingly (api.limits).
            return list(await asyncio.gather(*(recommender.shopper(i) for i in ids)))

        self.shoppers: DataLoader[str, Shopper | None] = DataLoader(shoppers, max_batch_size=_BATCH)

        async def supporters(pairs: list[tuple[str, str]]) -> list[int | None]:
            epoch, k = private.Epoch.of(await model()), recommender.fewest
            counts = {
                user: await neighbors.supporters(client, user, [i for u, i in pairs if u == user], until=epoch.until)
                for user in sorted({user for user, _ in pairs})
            }
            return [private.told(counts[user].get(item, 0), k, epoch.draw(k, user, item)) for user, item in pairs]

        self.supporters: DataLoader[tuple[str, str], int | None] = DataLoader(supporters, max_batch_size=_BATCH)
        """Pairs of user and item; what may be said of `graph.neighbors.supporters`."""
