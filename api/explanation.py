"""Why an item is recommended, as GraphQL tells it; the figures are the model's, the words are `api.sentences`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import strawberry

from api import reasons
from api.context import Context, Info
from api.facts import NeighborSummary
from api.sentences import Names, Teller
from api.shoppers import Shopper
from api.types import ESTIMATED, Brand, Category, ContributionKind, Item, Node
from api.words import Locale
from gnn.artefact import Artefact
from gnn.explain import Step
from gnn.filters import Added
from graph import show
from graph.explore import BrandRow, CategoryRow, ItemRow
from graph.schema import CATEGORY_SEPARATOR


@strawberry.type(description="An additive part of a score that belongs to one path, or to several small ones (OTHER).")
class Contribution:
    """Contributions of one explanation sum to its score."""

    kind: ContributionKind
    value: float = strawberry.field(description="What it adds to the score; below 0 it speaks against the item.")
    reason: strawberry.Private[reasons.Reason]
    scene: strawberry.Private["Scene"]
    teller: strawberry.Private[Teller]

    @strawberry.field(description="From the user to the item; empty where no node is involved.")
    def path(self) -> list[Node]:
        """Return the nodes."""
        return self.scene.path(self.reason)

    @strawberry.field
    def sentence(self, info: Info, locale: Locale | None = Locale.EN) -> str:
        """Tell it."""
        return self.teller.sentence(info.context.recommender.spoken(locale), self.reason)


@strawberry.type(description="The true reasons of the model for one score.")
class Explanation:
    """At most five contributions one by one, then the rest as one."""

    score: float = strawberry.field(description="Equals the sum of the contributions.")
    user_id: strawberry.Private[str]
    item_id: strawberry.Private[str]
    told: strawberry.Private[Sequence[reasons.Reason]]
    scene: strawberry.Private["Scene"]
    teller: strawberry.Private[Teller]

    @strawberry.field(
        description="The largest first: up to five of the model's own, what the request added, then the rest as OTHER."
    )
    def contributions(self) -> list[Contribution]:
        """Return the reasons with the nodes that they lead through."""
        return [
            Contribution(
                kind=ContributionKind.of(reason.kind),
                value=reason.value,
                reason=reason,
                scene=self.scene,
                teller=self.teller,
            )
            for reason in self.told
        ]

    @strawberry.field(description=ESTIMATED)
    def estimated(self) -> bool:
        """Return what the model that explains says."""
        return self.item_id in self.scene.newcomers

    @strawberry.field(description="Paste it into Neo4j Browser to see the paths.")
    def cypher(self) -> str:
        """Return the statement."""
        return _cypher(self.user_id if self.scene.user else None, self.item_id, self.told)

    @strawberry.field(description="The two strongest contributions that speak for the item.")
    def sentence(self, info: Info, locale: Locale | None = Locale.EN) -> str:
        """Tell the two strongest reasons for it."""
        return self.teller.summary(info.context.recommender.spoken(locale), self.told)

    @strawberry.field
    async def neighbors(self, info: Info) -> NeighborSummary:
        """Count other shoppers who went the same way."""
        return NeighborSummary(shoppers=await info.context.loaders.supporters.load((self.user_id, self.item_id)))


@dataclass(frozen=True, slots=True)
class Scene:
    """The nodes that reasons lead through, and how sentences call them."""

    user: Node | None
    """None for somebody who is not in the graph."""
    items: Mapping[str, ItemRow]
    categories: Mapping[str, CategoryRow]
    brands: Mapping[str, BrandRow]
    names: Names
    newcomers: frozenset[str] = frozenset()
    """Items that are newer than the model."""

    def teller(self, shopper: Shopper) -> Teller:
        """Return what sentences about this user refer to."""
        return Teller(self.names, shopper.pasts.about(self.items), shopper.untold, self.newcomers)

    def path(self, reason: reasons.Reason) -> list[Node]:
        """Return the nodes of a reason's path; somebody who is not in the graph is left out of it."""
        return [node for step in reason.path if (node := self._node(step))]

    def _node(self, step: Step) -> Node | None:
        # What the model knows and the graph no longer does is told with what the model knows.
        match step.label:
            case "User":
                return self.user
            case "Category":
                name, level = step.id.rpartition(CATEGORY_SEPARATOR)[2], step.id.count(CATEGORY_SEPARATOR)
                return Category.of(self.categories.get(step.id) or CategoryRow(step.id, name, level, None))
            case "Brand":
                return Brand.of(self.brands.get(step.id) or BrandRow(step.id, step.id))
            case _:
                gone = ItemRow(step.id, step.id, None, None, None, None, None, False, None, None)
                return Item.of(self.items.get(step.id) or gone)


async def scene_of(
    context: Context, told: Mapping[str, Sequence[reasons.Reason]], user: Node | None, artefact: Artefact | None = None
) -> Scene:
    """Load what the reasons of these items (by external id) lead through, in one statement to the graph.

    `artefact`: whose reasons they are; None where nothing is told of them in words.
    """
    wanted = passed(told)
    loaders = context.loaders
    await loaders.load(**wanted)
    items = loaders.items.loaded(wanted["items"])
    categories, brands = loaders.categories.loaded(wanted["categories"]), loaders.brands.loaded(wanted["brands"])
    names = Names(
        items={i: row.title or i for i, row in items.items()},
        categories={i: row.name for i, row in categories.items()},
        brands={i: row.name for i, row in brands.items()},
    )
    return Scene(user, items, categories, brands, names, artefact.newcomers if artefact else frozenset())


def passed(told: Mapping[str, Sequence[reasons.Reason]]) -> dict[str, set[str]]:
    """Return what the reasons of these items lead through, and these items, by kind of node."""
    wanted = {"items": set(told), "categories": set[str](), "brands": set[str]()}
    kinds = {"Item": wanted["items"], "Category": wanted["categories"], "Brand": wanted["brands"]}
    for found in told.values():
        for reason in found:
            for step in reason.path:
                if step.label != "User":
                    kinds[step.label].add(step.id)
    return wanted


async def explain(
    context: Context,
    shopper: Shopper,
    artefact: Artefact,
    items: Sequence[int],
    user: Node | None,
    added: Mapping[str, Mapping[Added, float]] = MappingProxyType({}),
    known: Mapping[str, reasons.Told] = MappingProxyType({}),
) -> dict[str, Explanation]:
    """Explain these items of the artefact by external id, in one statement to the graph however many there are.

    `user`: None for an anonymous session; its paths begin with an item. `added`: what the request added to the scores.
    `known`: what the model said of them, where it has been asked already. Items that the graph no longer holds are
    left out.
    """
    if new := [item for item in items if artefact.item_ids[item] not in known]:
        known = {**known, **context.recommender.told(shopper, artefact, new)}
    merged = {
        name: reasons.with_added(known[name].reasons, added.get(name, {}))
        for name in (artefact.item_ids[item] for item in items)
    }
    scene = await scene_of(context, merged, user, artefact)
    teller = scene.teller(shopper)
    found: dict[str, Explanation] = {}
    for item, told in merged.items():
        if item not in scene.items:
            continue
        context.recommender.metrics.told(sum(reason.kind is not None for reason in told))
        found[item] = Explanation(
            score=known[item].score + sum(added.get(item, {}).values()),
            user_id=shopper.row.id,
            item_id=item,
            told=told,
            scene=scene,
            teller=teller,
        )
    return found


def _cypher(user: str | None, item: str, told: Sequence[reasons.Reason]) -> str:
    steps = [step for reason in told for step in reason.path[1:] if not (step.label == "Item" and step.id == item)]

    def ids(label: str) -> list[str]:
        return list(dict.fromkeys(step.id for step in steps if step.label == label))

    if user is None:
        return show.session(item, items=ids("Item"), categories=ids("Category"), brands=ids("Brand"))
    return show.paths(user, item, items=ids("Item"), categories=ids("Category"), brands=ids("Brand"))
