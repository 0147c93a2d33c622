"""Cypher for people: texts to paste into Neo4j Browser that draw what a recommendation rests on.

The statements are constants; what belongs to one user and item goes into `:param` lines in front of them, written as
JSON strings, which are Cypher strings as well.
"""

import json
from collections.abc import Sequence
from typing import LiteralString

PATHS: LiteralString = """\
MATCH (u:User {id: $user}), (i:Item {id: $item})
OPTIONAL MATCH own = (u)-->(i)
WITH u, i, collect(own)[..25] AS own
OPTIONAL MATCH through = (u)-->(j:Item) WHERE j.id IN $items
WITH u, i, own, collect(through)[..100] AS through
OPTIONAL MATCH shelf = (i)-[:IN_CATEGORY]->(:Category)-[:CHILD_OF*0..8]->(c:Category) WHERE c.id IN $categories
WITH u, i, own, through, collect(shelf)[..10] AS shelf
OPTIONAL MATCH brand = (i)-[:MADE_BY]->(b:Brand) WHERE b.id IN $brands
WITH u, i, own, through, shelf, collect(brand)[..1] AS brand
OPTIONAL MATCH similar = (:Item)-[s:SIMILAR]-(i)
WHERE startNode(s).id IN $items OR endNode(s).id IN $items
RETURN u, i, own, through, shelf, brand, collect(similar)[..50] AS similar"""
"""The user, the item, the events between them, and the nodes that the strongest contributions lead through.

Parameters: user, item (ids), items, categories, brands (lists of ids)."""

SESSION: LiteralString = """\
MATCH (i:Item {id: $item})
OPTIONAL MATCH (j:Item) WHERE j.id IN $items
WITH i, collect(j)[..100] AS seen
OPTIONAL MATCH shelf = (i)-[:IN_CATEGORY]->(:Category)-[:CHILD_OF*0..8]->(c:Category) WHERE c.id IN $categories
WITH i, seen, collect(shelf)[..10] AS shelf
OPTIONAL MATCH brand = (i)-[:MADE_BY]->(b:Brand) WHERE b.id IN $brands
WITH i, seen, shelf, collect(brand)[..1] AS brand
OPTIONAL MATCH similar = (:Item)-[s:SIMILAR]-(i)
WHERE startNode(s).id IN $items OR endNode(s).id IN $items
RETURN i, seen, shelf, brand, collect(similar)[..50] AS similar"""
"""The same for somebody who is not in the graph; parameters: item, items, categories, brands."""


def session(item: str, *, items: Sequence[str] = (), categories: Sequence[str] = (), brands: Sequence[str] = ()) -> str:
    """Return `SESSION` with its parameters."""
    params = {"item": item, "items": items, "categories": categories, "brands": brands}
    return "\n".join((*(param(name, value) for name, value in params.items()), SESSION + ";"))


def paths(
    user: str, item: str, *, items: Sequence[str] = (), categories: Sequence[str] = (), brands: Sequence[str] = ()
) -> str:
    """Return `PATHS` with its parameters, ready for Neo4j Browser or cypher-shell."""
    params = {"user": user, "item": item, "items": items, "categories": categories, "brands": brands}
    return "\n".join((*(param(name, value) for name, value in params.items()), PATHS + ";"))


def param(name: str, value: str | Sequence[str]) -> str:
    """Return the line that sets one parameter; any text is safe in it."""
    return f":param {name} => {json.dumps(value if isinstance(value, str) else list(value))};"
