"""Lists for what is known of the moment alone: an anonymous session, a basket, a list that the caller brings."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import strawberry

from api import arguments, filters, lists
from api.context import Context, Info
from api.errors import bad_input
from api.filters import ListFilter
from api.imagined import SessionEventInput, nobody, with_events
from api.limits import MAX_ID
from api.lists import RecommendationConnection, Wish
from api.shoppers import Shopper, present_us
from api.types import Item
from api.user import User
from graph.explore import ItemRow

MAX_BASKET = 200
"""Most lines of a basket."""


@strawberry.input(description="A line of a basket.")
class BasketLineInput:
    """What is about to be bought."""

    item: str
    quantity: float = strawberry.field(default=1.0, description="Pieces; more than 0.")
    price: float | None = strawberry.field(
        default=strawberry.UNSET, description="Of one piece. Null: the price that the graph knows."
    )


async def of_session(
    info: Info,
    given: Sequence[SessionEventInput],
    first: int | None,
    after: str | None,
    filter: ListFilter | None,  # noqa: A002 - the argument's name
) -> RecommendationConnection:
    """Rank for somebody of whom only these events are known; nothing is written."""
    shopper = Shopper(with_events(nobody(), given), present_us())
    wish = Wish(
        arguments.page_size(first, 20), arguments.given(after), filters.query(filter), filters.only_available(filter)
    )
    explained = lists.asks_for(info, "explanation")
    return await lists.connection(info.context, shopper, None, wish, explained=explained, of=_name(given))


def _name(given: Sequence[object]) -> str:
    return hashlib.blake2b(repr(given).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def with_basket(shopper: Shopper, items: Sequence[tuple[str, float]]) -> Shopper:
    """Return the shopper with these (item, quantity) put into the cart just now."""
    row, n = shopper.row, len(items)
    return Shopper(
        replace(
            row,
            item_ids=[*row.item_ids, *(name for name, _ in items)],
            types=[*row.types, *["cart"] * n],
            at=[*row.at, *[shopper.now] * n],
            quantity=[*row.quantity, *(quantity for _, quantity in items)],
            amount=[*row.amount, *[None] * n],
            value=[*row.value, *[None] * n],
            context=[*row.context, *[None] * n],
            recorded=[*(row.recorded or [0] * len(row.item_ids)), *[0] * n],
        ),
        shopper.now,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a basket as the graph knows it."""

    item: str
    quantity: float
    price: float | None
    row: ItemRow | None


@strawberry.type(description="An item in the basket.")
class BasketLine:
    """With the price that counts."""

    item: Item
    quantity: float
    price: float | None = strawberry.field(description="Of one piece: as given, else as the graph knows it.")


@strawberry.type(description="A basket, and what completes it. Nothing is written.")
class Basket:
    """Sums are over the lines whose price is known."""

    lines: list[BasketLine] = strawberry.field(description="The lines whose items the graph knows.")
    unknown: list[str] = strawberry.field(description="Items that the graph does not know.")
    total: float = strawberry.field(description="What the lines with a known price cost together.")
    unpriced: int = strawberry.field(description="Lines without a known price; they are not in `total`.")
    money_left: float | None = strawberry.field(description="`budget` less `total`, 0 or more; null without a budget.")
    inside: strawberry.Private[list[Line]]
    user: strawberry.Private[User | None]

    @strawberry.field(
        description="What goes with the basket, best first; with a budget, only what the money left pays."
    )
    async def completions(
        self,
        info: Info,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
        filter: ListFilter | None = strawberry.UNSET,  # noqa: A002 - the argument's name
    ) -> RecommendationConnection:
        """Rank as if the basket had just been filled; what is in it is left out."""
        items = [(line.item, line.quantity) for line in self.inside]
        asked = filters.query(filter)
        budgets = [money for money in (asked.budget, self.money_left) if money is not None]
        query = replace(
            asked,
            exclude=asked.exclude | {name for name, _ in items},
            budget=min(budgets, default=None),
        )
        wish = Wish(arguments.page_size(first, 20), arguments.given(after), query, filters.only_available(filter))
        shopper = Shopper(nobody(), present_us())
        if self.user:
            shopper = await info.context.loaders.shoppers.load(self.user.external_id) or shopper
        name = ("basket", self.user.external_id if self.user else None, _name(items))
        return await lists.connection(
            info.context,
            with_basket(shopper, items),
            self.user,
            wish,
            explained=lists.asks_for(info, "explanation"),
            of=name,
        )


async def basket(
    context: Context, given: Sequence[BasketLineInput], budget: float | None, user_id: str | None
) -> Basket:
    """Look the lines up and add them up. Raises `Refused` for a basket that is none."""
    if len(given) > MAX_BASKET:
        raise bad_input("items", f"A basket may have up to {MAX_BASKET} lines, not {len(given)}.")
    for place, line in enumerate(given):
        if not 0 < len(line.item) <= MAX_ID:
            raise bad_input("items", f"`items[{place}].item` must be an id of 1 to {MAX_ID} characters.")
        if not 0 < line.quantity < float("inf"):
            raise bad_input("items", f"`items[{place}].quantity` must be a finite number above 0.")
        arguments.amount(f"items[{place}].price", line.price)
    money = arguments.amount("budget", budget)
    known = arguments.external_id(user_id) if user_id else None
    user = User.of(known) if known and await context.loaders.shoppers.load(known) else None
    rows = await context.loaders.items.load_all(line.item for line in given)
    inside = [_line(line, rows.get(line.item)) for line in given]
    total = sum(line.price * line.quantity for line in inside if line.price is not None)
    if not math.isfinite(total):
        raise bad_input("items", "The basket costs more than can be added up: lower a `quantity` or a `price`.")
    return Basket(
        lines=[
            BasketLine(item=Item.of(line.row), quantity=line.quantity, price=line.price) for line in inside if line.row
        ],
        unknown=[line.item for line in inside if line.row is None],
        total=total,
        unpriced=sum(line.price is None for line in inside),
        money_left=None if money is None else max(money - total, 0.0),
        inside=inside,
        user=user,
    )


def _line(given: BasketLineInput, row: ItemRow | None) -> Line:
    price = arguments.given(given.price)
    if price is None and row is not None:
        price = row.price
    return Line(given.item, given.quantity, price, row)
