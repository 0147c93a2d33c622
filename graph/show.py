"""Cypher for people: texts to paste into Neo4j Browser that draw what a recommendation rests on.

The statements are constants; what belongs to one user and item stands in front of them as a map, `asked`, of JSON
strings, which are Cypher strings as well. So a text is one statement, and Neo4j Browser draws its graph at once:
`:param` lines would make it several, whose answers Browser folds away.
"""

import json
from collections.abc import Mapping, Sequence
from typing import LiteralString

PATHS: LiteralString = """\
MATCH (u:User {id: asked.user}), (i:Item {id: asked.item})
OPTIONAL MATCH own = (u)-->(i)
WITH asked, u, i, collect(own)[..25] AS own
OPTIONAL MATCH through = (u)-->(j:Item) WHERE j.id IN asked.items
WITH asked, u, i, own, collect(through)[..100] AS through
OPTIONAL MATCH shelf = (i)-[:IN_CATEGORY]->(:Category)-[:CHILD_OF*0..8]->(c:Category) WHERE c.id IN asked.categories
WITH asked, u, i, own, through, collect(shelf)[..10] AS shelf
OPTIONAL MATCH brand = (i)-[:MADE_BY]->(b:Brand) WHERE b.id IN asked.brands
WITH asked, u, i, own, through, shelf, collect(brand)[..1] AS brand
OPTIONAL MATCH similar = (:Item)-[s:SIMILAR]-(i)
WHERE startNode(s).id IN asked.items OR endNode(s).id IN asked.items
RETURN u, i, own, through, shelf, brand, collect(similar)[..50] AS similar"""
"""The user, the item, the events between them, and the nodes that the strongest contributions lead through.

`asked`: user, item (ids), items, categories, brands (lists of ids)."""

SESSION: LiteralString = """\
MATCH (i:Item {id: asked.item})
OPTIONAL MATCH (j:Item) WHERE j.id IN asked.items
WITH asked, i, collect(j)[..100] AS seen
OPTIONAL MATCH shelf = (i)-[:IN_CATEGORY]->(:Category)-[:CHILD_OF*0..8]->(c:Category) WHERE c.id IN asked.categories
WITH asked, i, seen, collect(shelf)[..10] AS shelf
OPTIONAL MATCH brand = (i)-[:MADE_BY]->(b:Brand) WHERE b.id IN asked.brands
WITH asked, i, seen, shelf, collect(brand)[..1] AS brand
OPTIONAL MATCH similar = (:Item)-[s:SIMILAR]-(i)
WHERE startNode(s).id IN asked.items OR endNode(s).id IN asked.items
RETURN i, seen, shelf, brand, collect(similar)[..50] AS similar"""
"""The same for somebody who is not in the graph; `asked`: item, items, categories, brands."""


def session(item: str, *, items: Sequence[str] = (), categories: Sequence[str] = (), brands: Sequence[str] = ()) -> str:
    """Return `SESSION` behind what it asks for."""
    return _asked({"item": item, "items": items, "categories": categories, "brands": brands}) + SESSION + ";"


def paths(
    user: str, item: str, *, items: Sequence[str] = (), categories: Sequence[str] = (), brands: Sequence[str] = ()
) -> str:
    """Return `PATHS` behind what it asks for, ready for Neo4j Browser or cypher-shell."""
    asked = {"user": user, "item": item, "items": items, "categories": categories, "brands": brands}
    return _asked(asked) + PATHS + ";"


def literal(value: str | Sequence[str]) -> str:
    """Return a text or a list of texts as Cypher; any text is safe in it."""
    return json.dumps(value if isinstance(value, str) else list(value))


def _asked(values: Mapping[str, str | Sequence[str]]) -> str:
    told = ",\n".join(f"  {name}: {literal(value)}" for name, value in values.items())
    return f"WITH {{\n{told}\n}} AS asked\n"
