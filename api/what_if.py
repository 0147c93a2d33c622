"""What if: a user's list as it would be had other things happened. Nothing is written, and nothing is guessed.

The same model ranks the same items for a changed history, changed attributes, or with an item at another price.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import strawberry

from api import arguments, explanation, lists, reasons, sentences
from api.context import Context, Info
from api.errors import Code, Refused, bad_input
from api.explanation import Scene
from api.identity import Scope
from api.imagined import SessionEventInput, with_events
from api.limits import MAX_EVENTS
from api.lists import Recommendation, Wish
from api.reasons import Reason
from api.sentences import Teller
from api.shoppers import ATTRIBUTE, Shopper
from api.types import ESTIMATED, ContributionKind, Item, Node
from api.words import Locale
from gnn.artefact import Artefact
from gnn.changes import ItemChange
from gnn.history import Trait
from gnn.ranking import Scored
from graph import happened
from graph.explore import UserRow

MAX_ITEMS = 100
"""Most items whose price or promotion one request changes."""
MAX_ATTRIBUTES = 50

# What differs by less than this is the order of additions.
_NOTHING = 1e-9


@strawberry.input(description="An item at another price, or with a promotion.")
class ItemChangeInput:
    """Of the item as something to recommend: what the user did with it stays as it was."""

    item: str
    price: float | None = strawberry.field(
        default=strawberry.UNSET, description="Its price level follows; those of other items stay."
    )
    promoted: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="true: one more promotion, in the whole shop, begins now. false: none has run lately.",
    )


@strawberry.input(description="What the shop declares about a user.")
class AttributeInput:
    """By the shop's own names."""

    name: str
    value: str | None = strawberry.field(description="A number, or one of the shop's values; null: unknown.")


@strawberry.input(description="How the world would differ.")
class WhatIfInput:
    """All of it at once."""

    without_events: list[str] = strawberry.field(
        default_factory=list[str], description="Ids of events that are taken as never having happened."
    )
    without_items: list[str] = strawberry.field(
        default_factory=list[str], description="Of these items every event of the user is taken away."
    )
    events: list[SessionEventInput] = strawberry.field(
        default_factory=list[SessionEventInput], description="Taken as having happened as well."
    )
    budget: float | None = strawberry.field(
        default=strawberry.UNSET, description="Replaces the list's budget; null: none. Left out: the list's own."
    )
    items: list[ItemChangeInput] = strawberry.field(
        default_factory=list[ItemChangeInput], description="Each item once."
    )
    attributes: list[AttributeInput] = strawberry.field(
        default_factory=list[AttributeInput],
        description="Each attribute once; those that the model looks at.",
    )


@strawberry.type(description="A part of a score before and after.")
class ContributionChange:
    """Those of one move sum to its scores; 0 where there is none."""

    kind: ContributionKind
    before: float = strawberry.field(description="What it adds to the score as things are; 0 where it is none.")
    after: float = strawberry.field(description="What it would add.")
    reasons: strawberry.Private[tuple[Reason, Reason]]
    scene: strawberry.Private[Scene]
    tellers: strawberry.Private[tuple[Teller, Teller]]
    alone: strawberry.Private[bool]

    @strawberry.field(description="From the user to the item; empty where no node is involved.")
    def path(self) -> list[Node]:
        """Return the nodes; that of a reason is the same in both worlds."""
        return self.scene.path(self.reasons[1])

    @strawberry.field
    def sentence(self, info: Info, locale: Locale | None = Locale.EN) -> str:
        """Tell what became of it."""
        return sentences.change(info.context.recommender.spoken(locale), *self.reasons, self.tellers, alone=self.alone)


@strawberry.type(description="An item of either list whose place or score is another one.")
class Move:
    """In the order of the list after, then what left it."""

    item: Item
    rank_before: int | None = strawberry.field(
        description="On the list; beyond its page the place by score. Null: the list may not hold the item."
    )
    rank_after: int | None
    score_before: float | None = strawberry.field(description="Null for an item that lists are not made of.")
    score_after: float | None
    estimated: bool = strawberry.field(description=ESTIMATED.replace("the score is", "both scores are"))
    contributions: list[ContributionChange] = strawberry.field(
        description="What made the difference: the five that changed most, then the rest as OTHER."
    )


@strawberry.type(description="A list as it is, and as it would be.")
class Comparison:
    """First pages."""

    before: list[Recommendation] = strawberry.field(description="The first page of the list as it is.")
    after: list[Recommendation] = strawberry.field(description="The first page of the list as it would be.")
    moved: list[Move] = strawberry.field(
        description="What is on either page and has another place or score, in the order of the list after."
    )


@dataclass(frozen=True, slots=True)
class _Worlds:
    """The world as it is and as it would be; what is asked about both is worked out once for all moves."""

    artefact: Artefact
    shoppers: tuple[Shopper, Shopper]
    scored: tuple[Scored, Scored]
    moved: dict[str, list[tuple[Reason, Reason]]] = field(default_factory=dict[str, list[tuple[Reason, Reason]]])
    """What changed of the reasons for an item, by its id."""

    def explain(self, context: Context, items: Sequence[str]) -> None:
        """Explain what changed of these items, unless that is known."""
        names = [name for name in items if name not in self.moved]
        if not names:
            return
        rows = [self.artefact.item_index[name] for name in names]
        before, after = [context.recommender.explain(one, self.artefact, rows) for one in self.shoppers]
        added = [(self.scored[0].added_to(row), self.scored[1].added_to(row)) for row in rows]
        self.moved.update(zip(names, reasons.between(before, after, added), strict=True))

    async def changes(self, context: Context, user: Node, items: Sequence[str]) -> dict[str, list[ContributionChange]]:
        """Return what GraphQL tells of these items, which have been explained."""
        scene = await explanation.scene_of(context, self.after(items), user, self.artefact)
        tellers = (scene.teller(self.shoppers[0]), scene.teller(self.shoppers[1]))
        return {
            name: [
                ContributionChange(
                    kind=ContributionKind.of(after.kind),
                    before=before.value,
                    after=after.value,
                    reasons=(before, after),
                    scene=scene,
                    tellers=tellers,
                    alone=len(self.moved[name]) == 1,
                )
                for before, after in self.moved[name]
            ]
            for name in items
        }

    def after(self, items: Sequence[str]) -> dict[str, list[Reason]]:
        """Return the reasons as they would be."""
        return {name: [after for _, after in self.moved[name]] for name in items}


async def compare(info: Info, shopper: Shopper, user: Node, wish: Wish, change: WhatIfInput) -> Comparison:
    """Make both lists. Raises `Refused` that names what cannot be taken to be different."""
    context = info.context
    artefact = await context.model()
    other = await changed(context, shopper, artefact, change)
    query = wish.query
    if change.budget is not strawberry.UNSET:
        query = replace(query, budget=arguments.amount("change.budget", change.budget))
    explained, told = (lists.asks_for(info, name) for name in ("explanation", "contributions"))
    sides = ((shopper, wish), (other, replace(wish, query=query)))
    drafts = [lists.draft(context, one, artefact, wished) for one, wished in sides]
    worlds = _Worlds(artefact, (shopper, other), (drafts[0].scored, drafts[1].scored))
    # Most likely these are on the pages: all that is known of them is read in one statement.
    likely = list(dict.fromkeys(name for draft in reversed(drafts) for name in draft.first[: wish.first]))
    if told:
        worlds.explain(context, likely)
    wanted = explanation.passed(worlds.after(likely) if told else {})
    wanted["items"].update(*(draft.first for draft in drafts))
    await context.loaders.load(**wanted)
    before, after = [
        await lists.listed(context, one, artefact, user, wished, explained=explained, drafted=draft)
        for (one, wished), draft in zip(sides, drafts, strict=True)
    ]
    shopper.derived.shown = wanted
    nodes = {node.item.external_id: node for node in (*after.nodes, *before.nodes)}
    rows = [artefact.item_index[name] for name in nodes]
    for page in (before, after):
        page.scored.settle(rows)
    moved = [move for node, row in zip(nodes.values(), rows, strict=True) if (move := _move(before, after, node, row))]
    if told:
        names = [move.item.external_id for move in moved]
        worlds.explain(context, names)
        changes = await worlds.changes(context, user, names)
        for move in moved:
            move.contributions = changes[move.item.external_id]
    return Comparison(before=before.nodes, after=after.nodes, moved=moved)


def _move(before: lists.Listed, after: lists.Listed, node: Recommendation, row: int) -> Move | None:
    """Return how an item moved; None when it did not."""
    name = node.item.external_id
    move = Move(
        item=node.item,
        rank_before=_rank(before, name, row),
        rank_after=_rank(after, name, row),
        score_before=before.scored.of(row),
        score_after=after.scored.of(row),
        estimated=name in node.artefact.newcomers,
        contributions=[],
    )
    stays = move.rank_before == move.rank_after and not _differ(move.score_before, move.score_after)
    return None if stays else move


def _rank(page: lists.Listed, name: str, row: int) -> int | None:
    for node in page.nodes:
        if node.item.external_id == name:
            return node.rank
    place = page.scored.place(row)
    # By score alone it may stand among those shown, where availability, diversity or pins put it elsewhere.
    return None if place is None else max(place, len(page.nodes) + 1)


def _differ(one: float | None, other: float | None) -> bool:
    return one != other if one is None or other is None else abs(one - other) > _NOTHING


async def changed(context: Context, shopper: Shopper, artefact: Artefact, change: WhatIfInput) -> Shopper:
    """Return the user in the changed world."""
    other = shopper
    if change.without_events:
        other = other.only(await _without(context, shopper.row, change.without_events))
    if gone := arguments.ids("change.withoutItems", change.without_items):
        for place, name in enumerate(change.without_items):
            if name not in shopper.row.item_ids:  # that the user had nothing to do with it is no mistake, but a slip is
                _known(artefact, name, f"change.withoutItems[{place}]")
        other = other.only([name not in gone for name in other.row.item_ids])
    for place, event in enumerate(change.events):
        _known(artefact, event.item, f"change.events[{place}].item")
    if change.events:
        other = other.with_row(with_events(other.row, change.events))
    if change.attributes:
        declared = _attributes(context, artefact, change.attributes)
        other = other.with_row(replace(other.row, properties={**other.row.properties, **declared}))
    return other.with_items(_items(artefact, change.items))


async def _without(context: Context, row: UserRow, ids: Sequence[str]) -> list[bool]:
    """Return which events of a user stay when those of these ids go."""
    if len(ids) > MAX_EVENTS:
        raise bad_input("change.withoutEvents", f"`withoutEvents` may have up to {MAX_EVENTS} ids, not {len(ids)}.")
    found = await happened.events(context.recommender.client, row.id, ids)
    # The same answer for an id that nobody has and for one of somebody else.
    if strange := [name for name in ids if found is None or name not in found.ids]:
        raise bad_input("change.withoutEvents", f"The user has no event {strange[0]!r}.")
    gone = Counter(found.row.events() if found else ())
    kept: list[bool] = []
    for event in row.events():
        kept.append(not gone[event])
        gone[event] -= not kept[-1]
    return kept


def _items(artefact: Artefact, given: Sequence[ItemChangeInput]) -> dict[str, ItemChange]:
    if len(given) > MAX_ITEMS:
        raise bad_input("change.items", f"`items` may have up to {MAX_ITEMS} entries, not {len(given)}.")
    found: dict[str, ItemChange] = {}
    for place, one in enumerate(given):
        _known(artefact, one.item, f"change.items[{place}].item")
        if one.item in found:
            raise bad_input("change.items", f"`items` has {one.item!r} twice.")
        price = arguments.amount(f"change.items[{place}].price", one.price)
        found[one.item] = ItemChange(price, arguments.given(one.promoted))
    if found and not math.isfinite(artefact.state.item_scale.sum()):
        raise Refused(
            Code.MODEL_UNAVAILABLE,
            "The model is from before items could be changed in thought. Train a new one with `attune train`.",
        )
    return found


def _known(artefact: Artefact, item: str, argument: str) -> None:
    if item not in artefact.item_index:
        raise bad_input(argument, f"`{argument}`: the model does not know an item {item[:80]!r}.")


def _attributes(context: Context, artefact: Artefact, given: Sequence[AttributeInput]) -> dict[str, str | float | None]:
    if len(given) > MAX_ATTRIBUTES:
        raise bad_input("change.attributes", f"`attributes` may have up to {MAX_ATTRIBUTES} entries, not {len(given)}.")
    traits = {trait.name: trait for trait in artefact.scheme.traits}
    # As `Model.attributes` is: what a shop keeps of its customers is nothing to tell them in a refusal.
    listed = not context.identity.scopes <= {Scope.CUSTOMER}
    found: dict[str, str | float | None] = {}
    for place, one in enumerate(given):
        argument = f"change.attributes[{place}]"
        if (trait := traits.get(one.name)) is None:
            known = f"; it looks at: {', '.join(sorted(traits)) or 'none'}" if listed else ""
            raise bad_input(argument, f"`{argument}`: the model looks at no attribute {one.name[:80]!r}{known}.")
        if ATTRIBUTE + one.name in found:
            raise bad_input("change.attributes", f"`attributes` has {one.name!r} twice.")
        found[ATTRIBUTE + one.name] = None if one.value is None else _value(trait, one.value, argument, listed=listed)
    return found


def _value(trait: Trait, value: str, argument: str, *, listed: bool) -> str | float:
    if trait.kind != "numeric":
        if value not in trait.levels:
            known = f"; they are: {', '.join(trait.levels)}" if listed else ""
            raise bad_input(argument, f"`{argument}`: {value[:80]!r} is none of the values of {trait.name}{known}.")
        return value
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise bad_input(argument, f"`{argument}`: {trait.name} must be a finite number.")
    return number
