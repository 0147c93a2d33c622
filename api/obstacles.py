"""What keeps an item off a list: it is no candidate, a filter, what the user did, its category's cap, its score."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

import strawberry

from api import feedback, lists
from api.lists import Listed, Wish
from api.shoppers import Shopper
from gnn import filters
from gnn.artefact import Artefact
from gnn.filters import EVERYTHING, Mode
from graph.explore import ItemRow


@strawberry.enum(description="What keeps an item off a list.")
class ObstacleKind(StrEnum):
    """The first four keep it off every list; SCORE is told where nothing else stands in its way."""

    NEW = "NEW"
    LEFT_THE_SHOP = "LEFT_THE_SHOP"
    TOO_FEW_BUYERS = "TOO_FEW_BUYERS"
    UNAVAILABLE = "UNAVAILABLE"
    BUDGET = "BUDGET"
    PRICE = "PRICE"
    PRICE_LEVEL = "PRICE_LEVEL"
    CATEGORY = "CATEGORY"
    BRAND = "BRAND"
    EXCLUDED = "EXCLUDED"
    DISMISSED = "DISMISSED"
    ALREADY_BOUGHT = "ALREADY_BOUGHT"
    NEVER_BOUGHT = "NEVER_BOUGHT"
    CATEGORY_FULL = "CATEGORY_FULL"
    DIVERSITY = "DIVERSITY"
    PINS = "PINS"
    SCORE = "SCORE"


RANKED = frozenset({ObstacleKind.CATEGORY_FULL, ObstacleKind.DIVERSITY, ObstacleKind.PINS, ObstacleKind.SCORE})
"""The list may hold the item, and others stand before it."""

_KINDS: Mapping[str, ObstacleKind] = MappingProxyType(
    {
        "budget": ObstacleKind.BUDGET,
        "price": ObstacleKind.PRICE,
        "price_level": ObstacleKind.PRICE_LEVEL,
        "categories": ObstacleKind.CATEGORY,
        "exclude_categories": ObstacleKind.CATEGORY,
        "brands": ObstacleKind.BRAND,
        "exclude_brands": ObstacleKind.BRAND,
        "exclude": ObstacleKind.EXCLUDED,
    }
)
# Which obstacle each part of a query is; `mode` is one of two.


@dataclass(frozen=True, slots=True)
class Against:
    """One obstacle; `part` is the part of the query (or of the wish: `available`) that makes it one."""

    kind: ObstacleKind
    part: str | None = None


def obstacles(
    artefact: Artefact, shopper: Shopper, wish: Wish, page: Listed, item: str, row: ItemRow | None
) -> list[Against]:
    """Return what keeps an item off the list that `page` is the whole of; the page must not hold it.

    `wish`: as it was asked for. `row`: the item as the graph has it; None where it has it no longer.
    """
    index = artefact.item_index.get(item)
    if row is None:
        return [Against(ObstacleKind.LEFT_THE_SHOP)]
    if index is None:
        return [Against(ObstacleKind.NEW)]
    found: list[Against] = []
    candidate = artefact.state.position[index] >= 0
    if not row.available and (wish.available or not candidate):
        found.append(Against(ObstacleKind.UNAVAILABLE, "available" if candidate else None))
    elif not candidate:
        found.append(Against(ObstacleKind.TOO_FEW_BUYERS))
    found += _asked(artefact, shopper, wish, index, row)
    if item in feedback.passed(shopper.row, artefact, shopper.now).out:
        found.append(Against(ObstacleKind.DISMISSED, "dismissed"))
    return found or [_place(artefact, wish, page, index)]


def _asked(artefact: Artefact, shopper: Shopper, wish: Wish, index: int, row: ItemRow) -> list[Against]:
    history = shopper.history(artefact)
    bought = bool((history.item[history.bought] == index).any())
    parts = dict.fromkeys(filters.against(artefact, wish.query, index, bought=bought))
    # What it costs now may differ from what the model knows.
    for part in ("budget", "price"):
        alone = replace(EVERYTHING, **{part: getattr(wish.query, part)})
        if not lists.shown(row, replace(wish, available=False, query=alone)):
            parts[part] = None
    rebuy = wish.query.mode is Mode.REBUY
    mode = ObstacleKind.NEVER_BOUGHT if rebuy else ObstacleKind.ALREADY_BOUGHT
    return [Against(mode if part == "mode" else _KINDS[part], part) for part in parts]


def _place(artefact: Artefact, wish: Wish, page: Listed, index: int) -> Against:
    """Return what keeps an item off that the list might hold: others stand before it."""
    query, shelf = wish.query, int(artefact.item_category[index])
    beside = [artefact.item_category[artefact.item_index[node.item.external_id]] for node in page.nodes]
    if query.per_category is not None and shelf >= 0 and beside.count(shelf) >= query.per_category:
        return Against(ObstacleKind.CATEGORY_FULL, "per_category")
    place, score = page.scored.place(index), page.scored.of(index)
    last = page.nodes[-1].score if page.nodes else None
    above = score is not None and last is not None and score > last
    if not above and (place is None or place > wish.first):
        return Against(ObstacleKind.SCORE)
    # By score it would be on the list.
    return Against(ObstacleKind.DIVERSITY, "diversity") if query.diversity > 0 else Against(ObstacleKind.PINS, "pins")
