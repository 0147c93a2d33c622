"""What may go from the schema: nothing but what the published one has marked `@deprecated` with what to use instead."""

from pathlib import Path
from typing import Any, cast

from graphql import (
    REMOVE,
    SKIP,
    GraphQLSchema,
    Node,
    Visitor,
    VisitorAction,
    build_ast_schema,
    build_schema,
    parse,
    visit,
)
from graphql.utilities import find_breaking_changes

PUBLISHED = Path(__file__).with_name("published.graphql")


class _Lasting(Visitor):
    """Takes out what is deprecated."""

    def enter(self, node: Node, *_: Any) -> VisitorAction | None:
        return REMOVE if _reason(node) is not None else None


class _Unexplained(Visitor):
    """Collects what is deprecated without a word about what comes instead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def enter(self, node: Node, *_: Any) -> VisitorAction | None:
        if _reason(node) == "":
            self.found.append(str(cast("Any", node).name.value))
            return SKIP
        return None


def _reason(node: Node) -> str | None:
    for directive in getattr(node, "directives", None) or ():
        if directive.name.value == "deprecated":
            given = {argument.name.value: argument.value for argument in directive.arguments or ()}
            return str(given["reason"].value) if "reason" in given else ""
    return None


def broken(published: str, now: str) -> list[str]:
    """Return what a query that the published schema allows, deprecated parts aside, would miss now."""
    kept = build_ast_schema(visit(parse(published), _Lasting()))
    # Types that only deprecated fields led to are promised no more.
    promised = GraphQLSchema(kept.query_type, kept.mutation_type, kept.subscription_type)
    return [change.description for change in find_breaking_changes(promised, build_schema(now))]


def unexplained(text: str) -> list[str]:
    """Return the names of what is deprecated without a reason."""
    visitor = _Unexplained()
    visit(parse(text), visitor)
    return visitor.found
