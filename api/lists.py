"""Recommendations as a Relay connection: one list per user, arguments and model, cut into pages.

A cursor names the list, the place in it, and the moment and the events that its first page was made from: the pages
that follow are of the same list, also where new events have come in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

import strawberry
from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, SelectionSetNode

from api import explanation, filters
from api.context import Context, Info
from api.explanation import Explanation
from api.feedback import passed
from api.ids import Cursor, list_name
from api.reasons import Told
from api.shoppers import Shopper
from api.types import ESTIMATED, Item, Node, PageInfo
from gnn.artefact import Artefact
from gnn.filters import Added, Query
from gnn.ranking import Ranked, Scored
from graph.explore import ItemRow

# Of so many more than the page holds it is looked up whether they can be had: most often one look is enough.
_SPARE = 4


@strawberry.type(description="An item on a list.")
class Recommendation:
    """Rank 1 is the best."""

    item: Item
    rank: int = strawberry.field(description="1 is the best; pages count on.")
    score: float = strawberry.field(
        description="The model's, plus what the request added: see the contributions. A sum without unit, which may be "
        "below 0: the higher the likelier."
    )
    pinned: bool = strawberry.field(description="Whether it stands where it stands because the request pinned it.")
    told: strawberry.Private[Explanation | None]
    shopper: strawberry.Private[Shopper]
    artefact: strawberry.Private[Artefact]
    user: strawberry.Private[Node | None]
    added: strawberry.Private[Mapping[Added, float]]

    @strawberry.field(description=ESTIMATED)
    def estimated(self) -> bool:
        """Look at the model of this very list: it may have been made before a training took the item over."""
        return self.item.external_id in self.artefact.newcomers

    @strawberry.field(description="Why the item is on the list.")
    def explanation(self, info: Info) -> Explanation:
        """Return what was explained for the whole page, or explain this one."""
        # At hand most often, and then a page is twenty coroutines quicker; GraphQL waits for what is not.
        return self.told or cast("Explanation", self._explained(info))

    async def _explained(self, info: Info) -> Explanation:
        name = self.item.external_id
        index = self.artefact.item_index[name]
        found = await explanation.explain(
            info.context, self.shopper, self.artefact, [index], self.user, {name: self.added}
        )
        return found[name]


@strawberry.type
class RecommendationEdge:
    """An entry of a list."""

    cursor: str
    node: Recommendation


@strawberry.type(description="A page of a list. Its cursors go with the user, the arguments and the model.")
class RecommendationConnection:
    """Best first."""

    edges: list[RecommendationEdge]
    page_info: PageInfo
    model_version: str = strawberry.field(description="The model that made the list.")
    as_of: datetime = strawberry.field(description="When the first page was made: later events are not in this list.")

    @strawberry.field(description="The nodes of `edges`, for those who need no cursors.")
    def nodes(self) -> list[Recommendation]:
        """Return what the edges hold."""
        return [edge.node for edge in self.edges]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which list is asked for, and which page of it."""

    first: int
    after: str | None
    query: Query
    available: bool = True
    """Only what can be had now."""

    def name(self, *of: object) -> str:
        """Return the name of the list that cursors carry; `of` says whose it is."""
        return list_name(*of, filters.canonical(self.query), self.available)


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a page begins."""

    position: int = 0
    """How far into the ranking the pages before it came."""
    rank: int = 0
    """How many entries they had."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of a page: its place in the ranking, counted from 1, and its row of the graph."""

    position: int
    row: ItemRow


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list, before it gets its cursors."""

    nodes: list[Recommendation]
    positions: list[int]
    """Of the nodes, in the ranking."""
    more: bool
    scored: Scored


@dataclass(frozen=True, slots=True)
class Draft:
    """A list before anything of it is looked up."""

    wish: Wish
    """With what follows from the user's events."""
    scored: Scored

    @property
    def first(self) -> list[str]:
        """Ids of the items that its first page is looked for among, best first."""
        names = self.scored.artefact.item_ids
        return [names[item] for item in self.scored.best(self.wish.first + _SPARE).item]


def draft(context: Context, shopper: Shopper, artefact: Artefact, wish: Wish) -> Draft:
    """Rank for a user."""
    # The name is that of what was asked; what the user passed over follows from its events.
    wish = replace(wish, query=passed(shopper.row, artefact, shopper.now).into(wish.query))
    return Draft(wish, context.recommender.score(shopper, artefact, wish.query))


async def connection(
    context: Context,
    shopper: Shopper,
    user: Node | None,
    wish: Wish,
    *,
    explained: bool,
    of: object = None,
    artefact: Artefact | None = None,
) -> RecommendationConnection:
    """Make one page; `explained` says whether the client reads explanations, which are then made for all at once.

    `user`: None for somebody who is not in the graph; `of` then names the list. `artefact`: None for the one that is
    served. Raises `Refused` for a cursor of another list, and without a model.
    """
    artefact = artefact or await context.model()
    name = wish.name(shopper.row.id if of is None else of)
    begun = Begun()
    if wish.after:
        cursor = Cursor.parse(wish.after, source=name, version=artefact.version, anchors=3)
        rank, now, seen = cursor.anchor
        begun, shopper = Begun(cursor.position, rank), shopper.at(now, seen)
    artefact = await context.recommender.newcomers.at(artefact, shopper.now)
    page = await listed(context, shopper, artefact, user, wish, begun, explained=explained)
    context.recommender.metrics.listed(len(page.nodes), cold=not shopper.row.item_ids)
    newest = shopper.newest
    edges = [
        RecommendationEdge(
            cursor=str(Cursor(name, position, artefact.version, (node.rank, shopper.now, newest))), node=node
        )
        for position, node in zip(page.positions, page.nodes, strict=True)
    ]
    return RecommendationConnection(
        edges=edges,
        page_info=page_info([edge.cursor for edge in edges], more=page.more, before=begun.position > 0),
        model_version=artefact.version,
        as_of=datetime.fromtimestamp(shopper.now / 1e6, UTC),
    )


async def listed(
    context: Context,
    shopper: Shopper,
    artefact: Artefact,
    user: Node | None,
    wish: Wish,
    begun: Begun = Begun(),
    *,
    explained: bool,
    drafted: Draft | None = None,
) -> Listed:
    """Return the page that begins at `begun`. `drafted`: the list, where it has been ranked before."""
    drafted = drafted or draft(context, shopper, artefact, wish)
    wish, scored = drafted.wish, drafted.scored
    ranked, entries, known = await _entries(context, shopper, artefact, scored, wish, begun, explained=explained)
    page = entries[: wish.first]
    parts = {
        entry.row.id: {kind: float(values[entry.position - 1]) for kind, values in ranked.added.items()}
        for entry in page
    }
    told: dict[str, Explanation] = {}
    if explained and page:
        rows = [int(ranked.item[entry.position - 1]) for entry in page]
        told = await explanation.explain(context, shopper, artefact, rows, user, parts, known)
    pins = set(wish.query.pins)
    nodes = [
        Recommendation(
            item=Item.of(entry.row),
            rank=rank,
            score=float(ranked.score[entry.position - 1]),
            pinned=entry.row.id in pins,
            told=told.get(entry.row.id),
            shopper=shopper,
            artefact=artefact,
            user=user,
            added=parts[entry.row.id],
        )
        for rank, entry in enumerate(page, begun.rank + 1)
    ]
    return Listed(nodes, [entry.position for entry in page], len(entries) > wish.first, scored)


async def _entries(
    context: Context,
    shopper: Shopper,
    artefact: Artefact,
    scored: Scored,
    wish: Wish,
    begun: Begun,
    *,
    explained: bool,
) -> tuple[Ranked, list[Entry], dict[str, Told]]:
    """Return a ranking, and its entries from where the page begins that can be shown: one more than the page holds.

    With `explained` also what the model says of those that the page will most likely hold; all that is on their paths
    is then read in the same statement.
    """
    known: dict[str, Told] = {}
    window = wish.first + _SPARE
    while True:
        end = begun.position + window
        ranked = scored.best(end)
        ids = [artefact.item_ids[i] for i in ranked.item[begun.position :]]
        if explained and ids and wish.first:
            items = ranked.item[begun.position : begun.position + wish.first].tolist()
            known = context.recommender.told(shopper, artefact, items)
        wanted = explanation.passed({name: told.reasons for name, told in known.items()})
        wanted["items"].update(ids)
        await context.loaders.load(**wanted)
        shopper.derived.shown = wanted
        rows = context.loaders.items.loaded(ids)
        entries = [
            Entry(position, rows[name])
            for position, name in enumerate(ids, begun.position + 1)
            # An item that left the graph since the model was trained is not shown.
            if name in rows and shown(_as_changed(rows[name], shopper), wish)
        ]
        if len(entries) > wish.first or len(ranked.item) < end:
            return ranked, entries, known
        window *= 4


def _as_changed(row: ItemRow, shopper: Shopper) -> ItemRow:
    change = shopper.items.get(row.id)
    return row if change is None or change.price is None else replace(row, price=change.price)


def shown(row: ItemRow, wish: Wish) -> bool:
    """Whether an item may be shown as the graph has it now: what it costs may have changed since the training."""
    if wish.available and not row.available:
        return False
    query = wish.query
    if row.price is None:
        return True
    low = query.price.least if query.price else None
    highs = (query.budget, query.price.most if query.price else None)
    return (low is None or row.price >= low) and all(high is None or row.price <= high for high in highs)


def page_info(cursors: Sequence[str], *, more: bool, before: bool) -> PageInfo:
    """Return Relay's page info."""
    return PageInfo(
        has_next_page=more,
        has_previous_page=before,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


def asks_for(info: Info, *names: str) -> bool:
    """Whether a field of one of these names is selected somewhere below the field that is being resolved."""
    raw: GraphQLResolveInfo = info._raw_info  # pyright: ignore
    waiting: list[SelectionSetNode] = [node.selection_set for node in raw.field_nodes if node.selection_set]
    seen: set[str] = set()
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode) and selection.name.value in names:
                return True
            if isinstance(selection, FragmentSpreadNode):
                fragment = selection.name.value
                if fragment not in seen and fragment in raw.fragments:
                    seen.add(fragment)
                    waiting.append(raw.fragments[fragment].selection_set)
            elif inside := getattr(selection, "selection_set", None):
                waiting.append(inside)
    return False
