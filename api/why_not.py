"""Why not: an item held against a list that it is not on; what trails, and the single changes that would help it."""

from dataclasses import dataclass, replace

import strawberry

from api import arguments, explanation, lists, reasons, single_changes, why_not_words
from api.context import Context, Info
from api.errors import bad_input
from api.lists import Listed, Recommendation, Wish
from api.obstacles import RANKED, Against, ObstacleKind, obstacles
from api.reasons import Reason
from api.sentences import Names, whole
from api.shoppers import Shopper
from api.single_changes import Found, SingleChangeKind
from api.types import ESTIMATED, ContributionKind, Item, Node
from api.words import Locale
from gnn.artefact import Artefact
from gnn.explain import Kind, Step
from gnn.filters import Mode
from gnn.ranking import Scored
from graph.explore import ItemRow


@strawberry.type(description="One thing that keeps an item off a list.")
class Obstacle:
    """Several may stand in its way at once."""

    kind: ObstacleKind
    argument: str | None = strawberry.field(description="The argument of the list that makes it one.")
    against: strawberry.Private[Against]
    place: strawberry.Private[int | None]
    gap: strawberry.Private[float | None]
    estimated: strawberry.Private[bool]

    @strawberry.field
    def sentence(self, info: Info, locale: Locale | None = Locale.EN) -> str:
        """Tell it."""
        words = info.context.recommender.spoken(locale)
        return whole(words, why_not_words.obstacle(words, self.against, self.place, self.gap, estimated=self.estimated))


@strawberry.type(description="A reason of both items, or of one of them.")
class GapPart:
    """The differences of all parts sum to the gap."""

    kind: ContributionKind
    path: list[Node] = strawberry.field(description="From the user to where it parts for the two items.")
    own: float = strawberry.field(description="What it adds to the item's score.")
    other: float = strawberry.field(description="What it adds to the score of the last on the list.")
    difference: float = strawberry.field(description="`other` less `own`: above 0 the item trails here.")
    sides: strawberry.Private[tuple[Reason, Reason]]
    names: strawberry.Private[Names]
    last: strawberry.Private[Step]
    newcomers: strawberry.Private[tuple[bool, bool]]
    untold: strawberry.Private[frozenset[Kind]]

    @strawberry.field
    def sentence(self, info: Info, locale: Locale | None = Locale.EN) -> str:
        """Tell it."""
        words = info.context.recommender.spoken(locale)
        return why_not_words.gap(words, *self.sides, self.names, self.last, self.newcomers, self.untold)


@strawberry.type(description="A single change that would put the item on the list: tried by ranking again.")
class SingleChange:
    """Everything else stays as it is."""

    kind: SingleChangeKind
    amount: float | None = strawberry.field(
        description="Of BUDGET and PRICE: which budget, which price of the item; else null."
    )
    argument: str | None = strawberry.field(description="Of FILTER: the argument of the list that is left out.")
    mode: Mode | None = strawberry.field(description="Of MODE: which.")
    rank: int = strawberry.field(description="The item's place on the list then.")
    found: strawberry.Private[Found]
    currency: strawberry.Private[str | None]

    @strawberry.field
    def sentence(self, info: Info, locale: Locale | None = Locale.EN) -> str:
        """Tell it."""
        words = info.context.recommender.spoken(locale)
        return why_not_words.change(words, self.found, self.currency)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question, and what it was answered from."""

    artefact: Artefact
    shopper: Shopper
    user: Node
    wish: Wish
    page: Listed
    scored: Scored
    """Holds the item, a candidate or not."""
    row: ItemRow
    against: tuple[Against, ...]


@strawberry.type(description="An item and a list that it is not on.")
class WhyNot:
    """Of an item that is on the list it says so, and where."""

    item: Item
    listed: bool = strawberry.field(description="Whether it is on the list after all.")
    rank: int | None = strawberry.field(description="On the list; null where it is not on it.")
    place: int | None = strawberry.field(
        description="By score alone among all that the list may hold; null where it may not hold the item."
    )
    candidates: int = strawberry.field(description="How many items the list may hold.")
    obstacles: list[Obstacle] = strawberry.field(description="All that keeps it off the list; none where it is on it.")
    score: float | None = strawberry.field(
        description="The model's, plus what the request added; null for an item that the model does not know."
    )
    estimated: bool = strawberry.field(description=ESTIMATED)
    last: Recommendation | None = strawberry.field(description="The last on the list; null for an empty list.")
    gap: float | None = strawberry.field(
        description="The score of the last less that of the item. Below 0 for an item that is on the list, and for one "
        "that something else than its score keeps off it. Null where either has no score."
    )
    asked: strawberry.Private[_Asked]

    @strawberry.field
    def sentence(self, info: Info, locale: Locale | None = Locale.EN) -> str:
        """Tell where it stands, or all that keeps it off."""
        words = info.context.recommender.spoken(locale)
        clauses = [
            why_not_words.obstacle(words, one, self.place, self.gap, estimated=self.estimated)
            for one in self.asked.against
        ]
        return why_not_words.summary(words, self.rank, clauses)

    @strawberry.field(description="Where the item trails the last on the list: what differs most, then OTHER.")
    async def contributions(self, info: Info) -> list[GapPart]:
        """Explain both scores and subtract; none where there is no gap to explain."""
        if self.gap is None or self.listed or self.last is None:
            return []
        return await _gap(info.context, self.asked, self.item, self.last)

    @strawberry.field(
        description="The single changes that would put it on the list; null where none of those tried does, and for "
        "an item that is on it."
    )
    async def changes(self, info: Info) -> list[SingleChange] | None:
        """Try each by ranking again."""
        if self.listed:
            return None
        asked = self.asked
        found = await single_changes.search(
            info.context, asked.shopper, asked.artefact, asked.user, asked.wish, asked.against, asked.row
        )
        return [
            SingleChange(
                kind=one.change.kind,
                amount=one.change.amount,
                argument=why_not_words.argument(one.change.part),
                mode=one.change.mode,
                rank=one.rank,
                found=one,
                currency=asked.row.currency,
            )
            for one in found
        ] or None


async def why_not(context: Context, shopper: Shopper, user: Node, item: str, wish: Wish) -> WhyNot | None:
    """Hold an item (by external id) against the first page of a list; None for one that nobody knows.

    Raises `Refused` for a list of no entries.
    """
    if wish.first < 1:
        raise bad_input("first", "`first` must be 1 or more: nothing is on an empty list.")
    artefact = await context.model()
    known = arguments.external_id(item)
    row = await context.loaders.items.load(known) if known else None
    index = artefact.item_index.get(item)
    if row is None and index is None:
        return None
    page = await lists.listed(context, shopper, artefact, user, wish, explained=False)
    rank = next((node.rank for node in page.nodes if node.item.external_id == item), None)
    against = [] if rank is not None else obstacles(artefact, shopper, wish, page, item, row)
    scored = page.scored
    if index is not None and scored.of(index) is None:
        # No candidate: it has a score all the same.
        scored = context.recommender.score(shopper, artefact, replace(scored.query, only=frozenset({item})))
    score = None if index is None else scored.of(index)
    last = page.nodes[-1] if page.nodes else None
    gap = None if score is None or last is None else last.score - score
    place = None if index is None or not all(one.kind in RANKED for one in against) else page.scored.place(index)
    estimated = item in artefact.newcomers
    row = row or ItemRow(item, None, None, None, None, None, None, False, None, None)
    return WhyNot(
        item=Item.of(row),
        listed=rank is not None,
        rank=rank,
        place=place,
        candidates=len(page.scored.left),
        obstacles=[
            Obstacle(
                kind=one.kind,
                argument=why_not_words.argument(one.part),
                against=one,
                place=place,
                gap=gap,
                estimated=estimated,
            )
            for one in against
        ],
        score=score,
        estimated=estimated,
        last=last,
        gap=gap,
        asked=_Asked(artefact, shopper, user, wish, page, scored, row, tuple(against)),
    )


async def _gap(context: Context, asked: _Asked, item: Item, last: Recommendation) -> list[GapPart]:
    artefact, names = asked.artefact, (item.external_id, last.item.external_id)
    rows = [artefact.item_index[name] for name in names]
    told = context.recommender.explain(asked.shopper, artefact, rows)
    added = (asked.scored.added_to(rows[0]), asked.page.scored.added_to(rows[1]))
    pairs = reasons.between(told[:1], told[1:], [added], same_item=False)[0]
    scene = await explanation.scene_of(
        context, {names[0]: [own for own, _ in pairs], names[1]: []}, asked.user, artefact
    )
    newcomers = (names[0] in artefact.newcomers, names[1] in artefact.newcomers)
    return [
        GapPart(
            kind=ContributionKind.of(own.kind),
            path=scene.path(own),
            own=own.value,
            other=other.value,
            difference=other.value - own.value,
            sides=(own, other),
            names=scene.names,
            last=Step("Item", names[1]),
            newcomers=newcomers,
            untold=asked.shopper.untold,
        )
        for own, other in pairs
    ]
