"""Lists out of what a user did: what was looked at lately, and what may be needed again."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import strawberry

from api import pages
from api.context import Context
from api.filters import ListFilter
from api.shoppers import Shopper
from api.types import Connection, Item
from gnn import rhythm
from graph.explore import UserRow

_LOOKS = frozenset({"view", "click"})


@strawberry.type(description="An item that a user looked at.")
class ViewedItem:
    """Newest first."""

    item: Item
    at: datetime = strawberry.field(description="The last time.")
    times: int


@strawberry.type(description="An item that a user may need again, by the rhythm of its purchases.")
class BuyAgainItem:
    """What is due first comes first; what has been due for long sinks again."""

    item: Item
    times: int = strawberry.field(description="Days on which it was bought; two or more.")
    last_at: datetime = strawberry.field(description="The last of these days.")
    expected_at: datetime = strawberry.field(description="As likely before as after it, if the rhythm goes on.")
    earliest_at: datetime = strawberry.field(description="Four of five purchases fall between this and `latestAt`.")
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class _Again:
    times: int
    last: int
    expected: int
    earliest: int
    latest: int


async def recently_viewed(
    context: Context, shopper: Shopper, first: int | None, after: str | None, given: ListFilter | None
) -> Connection[ViewedItem]:
    """Return a page of the distinct items viewed or clicked on, newest first."""
    asked = pages.asked(first, after, given, "viewed", shopper.row.id)
    cursor = asked.begun(anchors=3)
    if cursor:
        shopper = shopper.at(cursor.anchor[0], cursor.anchor[1])
    row = shopper.row
    looks = [(name, at) for name, kind, at in zip(row.item_ids, row.types, row.at, strict=True) if kind in _LOOKS]
    counts = Counter(name for name, _ in looks)
    last: dict[str, int] = {}
    for name, at in sorted(looks, key=lambda look: -look[1]):
        last.setdefault(name, at)

    def node(item: Item, _: int, at: int) -> ViewedItem:
        return ViewedItem(item=item, at=_moment(at), times=counts[item.external_id])

    return await pages.of_items(context, asked, list(last.items()), node, anchor=(shopper.now, shopper.newest))


async def buy_again(
    context: Context, shopper: Shopper, first: int | None, after: str | None, given: ListFilter | None
) -> Connection[BuyAgainItem]:
    """Return a page of what was bought on two days or more, what is due first."""
    asked = pages.asked(first, after, given, "buy again", shopper.row.id)
    cursor = asked.begun(anchors=3)
    if cursor:
        shopper = shopper.at(cursor.anchor[0], cursor.anchor[1])

    def node(item: Item, _: int, again: _Again) -> BuyAgainItem:
        return BuyAgainItem(
            item=item,
            times=again.times,
            last_at=_moment(again.last),
            expected_at=_moment(again.expected),
            earliest_at=_moment(again.earliest),
            latest_at=_moment(again.latest),
        )

    artefact = context.artefact
    # A model of old data keeps its own present: a year later nothing would be due any more.
    now = min(shopper.now, artefact.scheme.clock) if artefact else shopper.now
    found = _rhythm(shopper.row, now)
    return await pages.of_items(context, asked, found, node, anchor=(shopper.now, shopper.newest))


def _rhythm(row: UserRow, now: int) -> list[tuple[str, _Again]]:
    bought = [(name, at) for name, kind, at in zip(row.item_ids, row.types, row.at, strict=True) if kind == "purchase"]
    names = list(dict.fromkeys(name for name, _ in bought))
    number = {name: n for n, name in enumerate(names)}
    found = rhythm.rhythm(
        np.array([number[name] for name, _ in bought], np.int64), np.array([at for _, at in bought], np.int64), now
    )
    columns = (found.times, found.last, found.expected, found.earliest, found.latest)
    return [
        (names[item], _Again(*(int(column[n]) for column in columns))) for n, item in enumerate(found.item.tolist())
    ]


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1e6, UTC)
