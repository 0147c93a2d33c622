"""Why an item is recommended, as GraphQL tells it; the figures are the model's, the words are `api.reasons`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import strawberry

from api import reasons
from api.context import Context, Info
from api.facts import NeighborSummary
from api.recommender import Shopper
from api.types import Brand, Category, ContributionKind, Item, Node
from gnn.artefact import Artefact
from gnn.explain import Explained, Step
from gnn.filters import Added
from graph import show
from graph.explore import BrandRow, CategoryRow, ItemRow
from graph.schema import CATEGORY_SEPARATOR


@strawberry.type(description="An additive part of a score that belongs to one path, or to several small ones (OTHER).")
class Contribution:
    """Contributions of one explanation sum to its score."""

    kind: ContributionKind
    value: float
    path: list[Node] = strawberry.field(description="From the user to the item; empty where no node is involved.")
    sentence: str


@strawberry.type(description="The true reasons of the model for one score.")
class Explanation:
    """At most five contributions one by one, then the rest as one."""

    sentence: str
    score: float = strawberry.field(description="Equals the sum of the contributions.")
    contributions: list[Contribution]
    cypher: str = strawberry.field(description="Paste it into Neo4j Browser to see the paths.")
    user_id: strawberry.Private[str]
    item_id: strawberry.Private[str]

    @strawberry.field
    async def neighbors(self, info: Info) -> NeighborSummary:
        """Count other shoppers who went the same way."""
        n = await info.context.loaders.supporters.load((self.user_id, self.item_id))
        if n is None:
            return NeighborSummary(shoppers=None, sentence=None)
        return NeighborSummary(shoppers=n, sentence=f"At least {n} shoppers with items in common with you bought it.")


@dataclass(frozen=True, slots=True)
class Scene:
    """The nodes that reasons lead through, and how sentences call them."""

    nodes: Mapping[tuple[str, str], Node]
    names: reasons.Names

    def path(self, reason: reasons.Reason) -> list[Node]:
        """Return the nodes of a reason's path; somebody who is not in the graph is left out of it."""
        return [self._node(step) for step in reason.path if step.label != "User" or ("User", "") in self.nodes]

    def _node(self, step: Step) -> Node:
        if node := self.nodes.get((step.label, step.id)):
            return node
        # The model knows it, the graph no longer does: the path is told with what the model knows.
        match step.label:
            case "Category":
                name, level = step.id.rpartition(CATEGORY_SEPARATOR)[2], step.id.count(CATEGORY_SEPARATOR)
                return Category.of(CategoryRow(step.id, name, level, None))
            case "Brand":
                return Brand.of(BrandRow(step.id, step.id))
            case _:
                return Item.of(ItemRow(step.id, step.id, None, None, None, None, None, False, None, None))


async def scene_of(context: Context, told: Mapping[str, Sequence[reasons.Reason]], user: Node | None) -> Scene:
    """Load what the reasons of these items (by external id) lead through, with three statements to the graph."""
    wanted = {"Item": set(told), "Category": set[str](), "Brand": set[str]()}
    for found in told.values():
        for reason in found:
            for step in reason.path:
                wanted.setdefault(step.label, set()).add(step.id)
    loaders = context.loaders
    rows = await loaders.items.load_all(sorted(wanted["Item"]))
    # Those of the items as well: a client that reads an item's category finds it loaded already.
    wanted["Category"].update(row.category_id for row in rows.values() if row.category_id)
    wanted["Brand"].update(row.brand_id for row in rows.values() if row.brand_id)
    categories, brands = await asyncio.gather(
        loaders.categories.load_all(sorted(wanted["Category"])), loaders.brands.load_all(sorted(wanted["Brand"]))
    )
    nodes: dict[tuple[str, str], Node] = {("User", ""): user} if user else {}
    nodes |= {("Item", i): Item.of(row) for i, row in rows.items()}
    nodes |= {("Category", i): Category.of(row) for i, row in categories.items()}
    nodes |= {("Brand", i): Brand.of(row) for i, row in brands.items()}
    return Scene(
        nodes,
        reasons.Names(
            items={i: row.title or i for i, row in rows.items()},
            categories={i: row.name for i, row in categories.items()},
            brands={i: row.name for i, row in brands.items()},
        ),
    )


async def explain(
    context: Context,
    shopper: Shopper,
    artefact: Artefact,
    items: Sequence[int],
    user: Node | None,
    added: Mapping[str, Mapping[Added, float]] = MappingProxyType({}),
    explained: Mapping[str, Explained] = MappingProxyType({}),
) -> dict[str, Explanation]:
    """Explain these items of the artefact by external id, with three statements to the graph however many there are.

    `user`: None for an anonymous session; its paths begin with an item. `added`: what the request added to the scores.
    `explained`: what the model said of them, where it has been asked already. Items that the graph no longer holds are
    left out.
    """
    if new := [item for item in items if artefact.item_ids[item] not in explained]:
        explained = {**explained, **await context.recommender.explain(shopper, artefact, new)}
    merged = {
        name: reasons.with_added(reasons.told(explained[name]), added.get(name, {}))
        for name in (artefact.item_ids[item] for item in items)
    }
    scene = await scene_of(context, merged, user)
    found: dict[str, Explanation] = {}
    for item, told in merged.items():
        if ("Item", item) not in scene.nodes:
            continue
        context.recommender.metrics.told(sum(reason.kind is not None for reason in told))
        clauses = [reasons.clause(reason, scene.names, shopper.pasts) for reason in told]
        found[item] = Explanation(
            sentence=reasons.summary(told, clauses),
            score=explained[item].score + sum(added.get(item, {}).values()),
            contributions=[
                Contribution(
                    kind=ContributionKind.of(reason.kind),
                    value=reason.value,
                    path=scene.path(reason),
                    sentence=reasons.sentence(text),
                )
                for reason, text in zip(told, clauses, strict=True)
            ],
            cypher=_cypher(shopper.row.id if user else None, item, told),
            user_id=shopper.row.id,
            item_id=item,
        )
    return found


def passed(explained: Mapping[str, Explained]) -> list[str]:
    """Return the items that the reasons which will be told lead through: to be read together with those explained."""
    told = (reason for found in explained.values() for reason in reasons.told(found))
    return sorted({step.id for reason in told for step in reason.path if step.label == "Item"})


def _cypher(user: str | None, item: str, told: Sequence[reasons.Reason]) -> str:
    steps = [step for reason in told for step in reason.path[1:] if not (step.label == "Item" and step.id == item)]

    def ids(label: str) -> list[str]:
        return list(dict.fromkeys(step.id for step in steps if step.label == label))

    if user is None:
        return show.session(item, items=ids("Item"), categories=ids("Category"), brands=ids("Brand"))
    return show.paths(user, item, items=ids("Item"), categories=ids("Category"), brands=ids("Brand"))
