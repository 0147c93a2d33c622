"""Purchase power of users and prices of items, from arrays alone: the same code in training and at request time.

Nothing here may import torch, polars or the database.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, Num

from gnn.errors import BadConfig
from graph.snapshot import Snapshot

DAY_US = 86_400_000_000
WEEK_US = 7 * DAY_US

# A percentile among fewer priced items says nothing; the parent category is asked instead.
SMALLEST_SHELF = 5


@dataclass(frozen=True, slots=True)
class PurchasePower:
    """What users can and do spend; U users, nan where nothing is known."""

    spend_per_week: Float64[np.ndarray, "U"]
    """Money a week, from the first event to the present of the data (one week at least)."""
    basket_value: Float64[np.ndarray, "U"]
    """Mean money per basket (per day where baskets are not known)."""
    price_level: Float64[np.ndarray, "U"]
    """Mean price level of what was bought, 0-1."""
    discount_share: Float64[np.ndarray, "U"]
    """Share of the items' usual prices that was not paid, 0-1."""
    purchases: Int64[np.ndarray, "U"]
    """Lines bought."""


def clock_and_span(snapshot: Snapshot) -> tuple[int, int]:
    """Return the present of the data and the time that the events span, in microseconds.

    A few stray events years later (a clock set wrong, one purchase recorded on an old data set) must not stretch the
    half-lives: where the last thousandth of the events lies further away than all others span, it is left out.
    """
    at = snapshot.events.at
    if not len(at):
        return snapshot.at, 0
    ordered = np.sort(at)
    first, last = int(ordered[len(at) // 1000]), int(ordered[-1 - len(at) // 1000])
    if len(at) < 1000:
        first, last = int(ordered[0]), int(ordered[-1 - len(at) // 100])
    span = last - first
    clock = min(snapshot.at, last + 1) if snapshot.at - last > max(span, 1) else snapshot.at
    return clock, span


def target_type(event_types: tuple[str, ...], counts: Int64[np.ndarray, "K"], asked: str = "") -> int:
    """Return the row of the type that is predicted: the one asked for, else purchase, else the most frequent."""
    if asked and asked in event_types:
        return event_types.index(asked)
    if "purchase" in event_types and counts[event_types.index("purchase")]:
        return event_types.index("purchase")
    if not len(event_types):
        return -1
    told = np.array([name not in ("return", "exposure", "coupon") for name in event_types])
    return int(np.argmax(np.where(told, counts, -1) if (counts[told] > 0).any() else counts))


def check_target(snapshot: Snapshot, asked: str) -> None:
    """Raise `BadConfig` where a type is asked for that no event has; a graph without events is not asked."""
    known = [name for name, count in zip(snapshot.event_types, _counts(snapshot), strict=True) if count]
    if asked and known and asked not in known:
        raise BadConfig("target", known, f"the graph holds no event of the type {asked!r}; it holds {', '.join(known)}")


def predicted_type(snapshot: Snapshot, asked: str = "") -> int:
    """Return the row of the type that is predicted in a shop; -1 when there are no types."""
    return target_type(snapshot.event_types, _counts(snapshot), asked)


def _counts(snapshot: Snapshot) -> Int64[np.ndarray, "K"]:
    return np.bincount(snapshot.events.type, minlength=len(snapshot.event_types))


def purchase_power(snapshot: Snapshot) -> PurchasePower:
    """Return every user's purchase power at the present of the data (`clock_and_span`)."""
    price, level = price_levels(snapshot)
    events = snapshot.events
    return spending(
        len(snapshot.user_ids),
        user=events.user,
        item=events.item,
        sign=money_sign(snapshot.event_types)[events.type] if len(events) else np.zeros(0),
        at=events.at,
        quantity=events.quantity,
        amount=events.amount,
        basket=events.basket,
        price=price,
        price_level=level,
        now=clock_and_span(snapshot)[0],
    )


def money_sign(event_types: tuple[str, ...]) -> Float64[np.ndarray, "K"]:
    """Return +1 for purchases, -1 for returns, 0 for attention, per event type."""
    return np.array([{"purchase": 1.0, "return": -1.0}.get(name, 0.0) for name in event_types])


def spending(
    U: int,
    *,
    user: Num[np.ndarray, "E"],
    item: Num[np.ndarray, "E"],
    sign: Float64[np.ndarray, "E"],
    at: Int64[np.ndarray, "E"],
    quantity: Num[np.ndarray, "E"],
    amount: Num[np.ndarray, "E"],
    basket: Int64[np.ndarray, "E"],
    price: Float64[np.ndarray, "I"],
    price_level: Float64[np.ndarray, "I"],
    now: int,
) -> PurchasePower:
    """Return purchase power from event columns; events after `now` count as if they happened at it."""
    bought = sign > 0
    purchases = np.bincount(user[bought], minlength=U).astype(np.int64)
    paid_rows = (sign != 0) & np.isfinite(amount)
    buyer = user[paid_rows]
    money = np.abs(amount[paid_rows].astype(np.float64)) * sign[paid_rows]
    has_money = np.bincount(buyer, minlength=U) > 0
    spent = np.bincount(buyer, money, minlength=U)
    first = np.full(U, now, np.int64)
    np.minimum.at(first, user, np.minimum(at, now))
    weeks = np.maximum((now - first) / WEEK_US, 1.0)

    rows = bought & np.isfinite(amount)
    visit = np.where(basket[rows] >= 0, basket[rows], -1 - at[rows] // DAY_US)
    visitor = user[rows]
    order = np.lexsort((visit, visitor))
    visit, visitor = visit[order], visitor[order]
    begins = np.ones(len(visit), np.bool_)
    begins[1:] = (visit[1:] != visit[:-1]) | (visitor[1:] != visitor[:-1])
    baskets = np.bincount(visitor[begins], minlength=U)
    in_baskets = np.bincount(user[rows], amount[rows].astype(np.float64), minlength=U)

    levels = price_level[item[bought]]
    known = np.isfinite(levels)
    levelled = user[bought][known]
    level_count = np.bincount(levelled, minlength=U)
    level_sum = np.bincount(levelled, levels[known], minlength=U)

    pieces = np.where(quantity[rows] > 0, quantity[rows], 1.0).astype(np.float64)
    paid = amount[rows].astype(np.float64)
    usual = np.fmax(price[item[rows]] * pieces, paid)
    usual_sum = np.bincount(user[rows], usual, minlength=U)
    with np.errstate(divide="ignore", invalid="ignore"):
        return PurchasePower(
            spend_per_week=np.where(has_money, np.maximum(spent, 0.0) / weeks, np.nan),
            basket_value=np.where(baskets > 0, in_baskets / baskets, np.nan),
            price_level=np.where(level_count > 0, level_sum / level_count, np.nan),
            discount_share=np.where(usual_sum > 0, np.clip(1.0 - in_baskets / usual_sum, 0.0, 1.0), np.nan),
            purchases=purchases,
        )


def price_levels(snapshot: Snapshot) -> tuple[Float64[np.ndarray, "I"], Float64[np.ndarray, "I"]]:
    """Return each item's price and its price level, the mid-rank percentile (0-1) within its category.

    The price is the declared one, else the median of what was paid for a piece; nan when neither is known. A shelf
    with fewer than five priced items is ranked within its parent category, at last within the whole shop.
    """
    price = _prices(snapshot)
    level = np.full(len(price), np.nan)
    shelf = snapshot.item_category.astype(np.int64)
    todo = np.isfinite(price)
    while todo.any() and (shelf[todo] >= 0).any():
        rows = np.flatnonzero(np.isfinite(price) & (shelf >= 0))
        size = np.bincount(shelf[rows], minlength=len(snapshot.category_ids))
        percentile = _percentiles(price[rows], shelf[rows])
        settled = todo[rows] & (size[shelf[rows]] >= SMALLEST_SHELF)
        level[rows[settled]] = percentile[settled]
        todo[rows[settled]] = False
        # Everyone climbs, so that the small shelf is ranked among all that its parent holds.
        shelf[rows] = snapshot.category_parent[shelf[rows]]
    if todo.any():
        rows = np.flatnonzero(np.isfinite(price))
        level[todo] = _percentiles(price[rows], np.zeros(len(rows), np.int64))[np.isin(rows, np.flatnonzero(todo))]
    return price, level


def _prices(snapshot: Snapshot) -> Float64[np.ndarray, "I"]:
    events = snapshot.events
    price = snapshot.item_price.astype(np.float64)
    price = np.where(np.isfinite(price) & (price >= 0), price, np.nan)
    if not len(events):
        return price
    rows = (money_sign(snapshot.event_types)[events.type] > 0) & np.isfinite(events.amount) & (events.amount > 0)
    pieces = events.quantity[rows]
    unit = events.amount[rows] / np.where(pieces > 0, pieces, 1.0)
    item = events.item[rows]
    order = np.lexsort((unit, item))
    count = np.bincount(item, minlength=len(price))
    start = np.cumsum(count) - count
    sold = count > 0
    low, high = start + np.maximum(count - 1, 0) // 2, start + count // 2
    ordered = unit[order]
    paid = np.full(len(price), np.nan)
    paid[sold] = (ordered[low[sold]] + ordered[high[sold]]) / 2
    return np.where(np.isfinite(price), price, paid)


def _percentiles(price: Float64[np.ndarray, "N"], shelf: Int64[np.ndarray, "N"]) -> Float64[np.ndarray, "N"]:
    """Return the mid-rank of each price within its shelf, as a share of the shelf; equal prices share one rank."""
    order = np.lexsort((price, shelf))
    ordered_price, ordered_shelf = price[order], shelf[order]
    n = len(order)
    new_shelf = np.concatenate(([True], ordered_shelf[1:] != ordered_shelf[:-1]))
    new_price = new_shelf | np.concatenate(([True], ordered_price[1:] != ordered_price[:-1]))
    shelf_start = np.flatnonzero(new_shelf)[np.cumsum(new_shelf) - 1]
    group = np.cumsum(new_price) - 1
    group_start = np.flatnonzero(new_price)
    group_end = np.append(group_start[1:], n)
    middle = (group_start + group_end)[group] / 2 - shelf_start
    size = np.diff(np.append(np.flatnonzero(new_shelf), n))[np.cumsum(new_shelf) - 1]
    result = np.empty(n)
    result[order] = middle / size
    return result
