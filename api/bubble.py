"""A user's filter bubble: how narrow the list is beside the catalogue, what was bought, and a month before."""

from collections import Counter

import numpy as np
import strawberry

from api import lists
from api.context import Context, Info
from api.lists import Wish
from api.shoppers import Shopper
from api.types import Node
from api.words import Locale, Words
from gnn import bubble
from gnn.artefact import Artefact
from gnn.ranking import counts_as_bought

# Of the price tiers these are told as the dearer ones.
_DEARER = 3


@strawberry.type(description="What a set of items spans.")
class Breadth:
    """Counts, and effective numbers that do not let one item of a kind count like twenty."""

    items: int
    categories: int = strawberry.field(description="Distinct leaf categories.")
    effective_categories: float = strawberry.field(
        description="So many categories of equal weight would be as broad: the exponential of the entropy."
    )
    brands: int
    effective_brands: float
    price_tiers: list[float] = strawberry.field(
        description="Share of each fifth of the price level, the cheapest first; empty where no price is known."
    )

    @staticmethod
    def of(found: bubble.Breadth) -> "Breadth":
        """Wrap the figures."""
        return Breadth(
            items=found.items,
            categories=found.categories,
            effective_categories=found.effective_categories,
            brands=found.brands,
            effective_brands=found.effective_brands,
            price_tiers=list(found.tiers),
        )


@strawberry.type(description="How narrow a user's list is.")
class Bubble:
    """Of the first items of the list, as it is now."""

    list: Breadth
    history: Breadth | None = strawberry.field(description="What was bought, by purchases; null where nothing was.")
    last_month: Breadth | None = strawberry.field(
        description="The list that the same model would have made 30 days before; null without events until then."
    )
    catalogue: Breadth = strawberry.field(description="Everything that lists are made of.")
    never_bought: float | None = strawberry.field(
        description="Share of the list from categories in which the user never bought, 0-1."
    )
    kept: float | None = strawberry.field(description="Share of the list that was on it a month before, 0-1.")

    @strawberry.field(description="Each finding in words.")
    def sentences(self, info: Info, locale: Locale | None = Locale.EN) -> "list[str]":
        """Tell what is known."""
        return _told(info.context.recommender.spoken(locale), self)


async def of(context: Context, shopper: Shopper, user: Node, wish: Wish) -> Bubble:
    """Measure the list. Raises `Refused` without a model."""
    artefact = await context.model()
    shown = await _shown(context, shopper, artefact, user, wish)
    then = bubble.month_before(artefact, shopper.now, max(shopper.row.at, default=0))
    past = shopper.row.only([at < then for at in shopper.row.at])
    # Of the rows of both those of the model itself are the same.
    earlier = artefact.base or artefact
    before = await _shown(context, Shopper(past, then), earlier, user, wish) if past.item_ids else None
    bought, times = _bought(shopper, artefact)
    return Bubble(
        list=Breadth.of(bubble.breadth(artefact, shown)),
        history=Breadth.of(bubble.breadth(artefact, bought, times)) if len(bought) else None,
        last_month=None if before is None else Breadth.of(bubble.breadth(earlier, before)),
        catalogue=Breadth.of(bubble.breadth(artefact, artefact.state.candidates)),
        never_bought=bubble.never_bought(artefact, shown, bought),
        kept=None if before is None or not len(shown) else float(np.isin(shown, before).mean()),
    )


async def _shown(context: Context, shopper: Shopper, artefact: Artefact, user: Node, wish: Wish) -> np.ndarray:
    page = await lists.listed(context, shopper, artefact, user, wish, explained=False)
    return np.array([artefact.item_index[node.item.external_id] for node in page.nodes], np.int64)


def _bought(shopper: Shopper, artefact: Artefact) -> tuple[np.ndarray, np.ndarray]:
    row = shopper.row
    kinds = counts_as_bought(artefact, row.types)
    counts = Counter(
        artefact.item_index[name]
        for name, counted in zip(row.item_ids, kinds, strict=True)
        if counted and name in artefact.item_index
    )
    return np.array(list(counts), np.int64), np.array(list(counts.values()), np.float64)


def _told(words: Words, found: Bubble) -> list[str]:
    shown, history = found.list, found.history
    said: list[str] = []
    if shown.categories:
        own, all_ = f"{shown.effective_categories:.1f}", f"{found.catalogue.effective_categories:.1f}"
        if history and history.categories:
            bought = f"{history.effective_categories:.1f}"
            said.append(words["bubble.breadth"].fill(list=own, history=bought, catalogue=all_))
        else:
            said.append(words["bubble.breadth_untold"].fill(list=own, catalogue=all_))
    if shown.brands:
        said.append(words["bubble.brands"].fill(shown.brands, list=f"{shown.effective_brands:.1f}"))
    if found.never_bought is not None and history:
        said.append(words["bubble.never_bought"].fill(share=_share(found.never_bought)))
    if shown.price_tiers and history and history.price_tiers:
        dearer = [_share(sum(side.price_tiers[_DEARER:])) for side in (shown, history)]
        said.append(words["bubble.dearer"].fill(share=dearer[0], history=dearer[1]))
    if found.kept is not None:
        said.append(words["bubble.kept"].fill(share=_share(found.kept)))
    return said


def _share(value: float) -> str:
    return f"{value:.0%}"
