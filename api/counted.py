"""Purchases per item and period, counted in the graph at most once a minute and shared by all requests."""

import asyncio
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import strawberry
from jaxtyping import Int64

from gnn.features import DAY_US
from graph import baskets
from graph.baskets import Demand
from graph.client import AsyncClient

_FRESH_S = 60.0
_KEPT = 12

DOUBT = 5
"""So many purchases are added to both periods: from 1 to 2 is no trend yet."""


@strawberry.enum(description="A period that ends with the newest purchase.")
class Period(StrEnum):
    """Its length in days."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"


_DAYS = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 28, Period.QUARTER: 91, Period.YEAR: 364}


@dataclass(frozen=True, slots=True)
class Key:
    """A period by when it ends, and what had been recorded when it was counted."""

    period: Period
    end: int
    seen: int


Row = tuple[str, tuple[int, int]]
"""An item, its purchases in the period and in the one before."""


class Counts:
    """The items of a period in both orders, sorted once."""

    def __init__(self, demand: Demand) -> None:
        # By id first: what is equal stays in the order of ids.
        order = sorted(range(len(demand.ids)), key=demand.ids.__getitem__)
        self._ids = [demand.ids[n] for n in order]
        self._latest = np.array(demand.latest, np.int64)[order]
        self._before = np.array(demand.before, np.int64)[order]

    @cached_property
    def popular(self) -> list[Row]:
        """What was bought in the period, most often first."""
        order = np.argsort(-self._latest, kind="stable")
        return self._rows(order[self._latest[order] > 0])

    @cached_property
    def trending(self) -> list[Row]:
        """What was bought more often than before, by how many standard deviations of chance the growth is."""
        growth = (self._latest - self._before) / np.sqrt(self._latest + self._before + DOUBT)
        order = np.argsort(-growth, kind="stable")
        return self._rows(order[growth[order] > 0])

    def _rows(self, order: Int64[np.ndarray, "N"]) -> list[Row]:
        latest, before = self._latest.tolist(), self._before.tolist()
        return [(self._ids[n], (latest[n], before[n])) for n in order.tolist()]


class Counted:
    """The newest counts, shared by all requests of this process."""

    def __init__(self) -> None:
        self._found: OrderedDict[Key, Counts] = OrderedDict()
        self._newest: dict[Period, tuple[float, Key]] = {}
        self._lock = asyncio.Lock()

    async def newest(self, client: AsyncClient, period: Period) -> tuple[Key, Counts] | None:
        """Return counts that are not older than a minute; None in a shop where nothing was bought."""
        async with self._lock:
            counted_at, key = self._newest.get(period, (-math.inf, None))
            if key is None or time.monotonic() - counted_at > _FRESH_S:
                last = await baskets.newest_purchase(client, time.time_ns() // 1_000)
                if last is None:
                    return None
                key = Key(period, *last)
                self._newest[period] = (time.monotonic(), key)
            return key, await self._counts(client, key)

    async def as_of(self, client: AsyncClient, key: Key) -> Counts:
        """Return the counts that an earlier page was made from."""
        async with self._lock:
            return await self._counts(client, key)

    async def _counts(self, client: AsyncClient, key: Key) -> Counts:
        if key not in self._found:
            period_us = _DAYS[key.period] * DAY_US
            self._found[key] = Counts(await baskets.demand(client, end=key.end, period_us=period_us, seen=key.seen))
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        self._found.move_to_end(key)
        return self._found[key]
