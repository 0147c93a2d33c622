"""What one request may ask for, measured on the parsed document before anything is executed.

Own measure instead of one rule per limit: one walk gives depth, aliases and cost, each fragment is walked once (a chain
of fragments that spread each other twice would take exponential time otherwise), and list sizes see the variables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_interface_type,
    is_object_type,
)

from api.errors import Code, Refused


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request; the defaults suit a page of a shop."""

    depth: int = 12
    """Levels of fields."""
    aliases: int = 30
    tokens: int = 2_000
    """Words and signs of the document."""
    cost: int = 10_000
    """Sum of `WEIGHTS`, multiplied by the sizes of the lists around them."""
    body_bytes: int = 1_048_576
    request_timeout_s: float = 15.0
    subscriptions: int = 20
    """Open subscriptions of one WebSocket connection."""
    rate_per_s: float = 100.0
    """Requests a second of one key or token in the long run; a caller without either is not counted."""
    burst: int = 200
    """Requests of one key at once, after a pause."""
    in_flight: int = 1_000
    """Requests that are worked on at once; more are told to come again."""
    sockets: int = 2_000
    """Open WebSocket connections."""
    receive_timeout_s: float = 10.0
    """Longest wait for the head of a request, and for its body."""
    send_timeout_s: float = 30.0
    """Longest wait for a client to take a piece of an answer."""


MAX_FIRST = 100
"""Longest page of any list."""
MAX_NODES = 100
"""Most ids of `nodes`."""
MAX_EVENTS = 1_000
"""Most events of one `recordEvents`."""
MAX_EXCLUDE = 1_000
"""Most ids of `exclude` and `categories`."""
MAX_ID = 512
"""Longest external id, in characters."""
MAX_SEARCH = 200
"""Longest search text, in characters."""

WEIGHTS: Mapping[str, int] = MappingProxyType(
    {
        # Reads a user's events and ranks every item.
        "recommendations": 100,
        "session": 100,
        # Twice that, and a user's events by their ids.
        "whatIf": 250,
        "whyNot": 150,
        # Ranks every item once more for each change that is tried.
        "changes": 400,
        "completions": 100,
        "rerank": 100,
        "boughtTogether": 100,
        "audience": 500,
        "trending": 50,
        "popular": 50,
        "buyAgain": 20,
        "recentlyViewed": 20,
        "similar": 10,
        "explain": 50,
        "neighbors": 50,
        "pseudonymousNeighbors": 50,
        "items": 20,
        "users": 20,
        "user": 5,
        "recordEvents": 100,
        "eraseUser": 100,
        "disputeReason": 100,
        "withdrawDispute": 100,
        # Only brackets.
        "edges": 0,
        "pageInfo": 0,
    }
)
"""Cost of a field that is an object; any other object costs 1, a scalar nothing."""

_LENGTHS: Mapping[str, int] = MappingProxyType(
    {"contributions": 6, "disputes": 20, "path": 4, "metrics": 10, "sharedItems": 10}
)
# Lists without an argument for their size.

_SINGLE = frozenset({"whyNot"})
# Takes the arguments of a list, but is none.


@dataclass(frozen=True, slots=True)
class Measured:
    """Size of a document, or of a part of one."""

    depth: int = 0
    aliases: int = 0
    cost: int = 0


class Measure:
    """One walk over an operation; raises `Refused` as soon as it is nested too deeply."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], limits: Limits
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._variables = dict(variables)
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._known: dict[str, Measured] = {}
        self._open: set[str] = set()

    def operation(self, operation: OperationDefinitionNode) -> Measured:
        """Measure one operation."""
        for definition in operation.variable_definitions or ():
            name, default = definition.variable.name.value, definition.default_value
            if name not in self._variables and isinstance(default, IntValueNode):
                self._variables[name] = int(default.value)
        return self._selections(operation.selection_set, self._schema.get_root_type(operation.operation), 1)

    def _selections(self, selections: SelectionSetNode, parent: GraphQLNamedType | None, level: int) -> Measured:
        if level > self._limits.depth:
            raise Refused(
                Code.QUERY_TOO_DEEP, f"The query has more than {self._limits.depth} levels.", limit=self._limits.depth
            )
        depth = aliases = cost = 0
        for part in self._parts(selections, parent, level):
            depth, aliases, cost = max(depth, part.depth), aliases + part.aliases, cost + part.cost
        return Measured(depth, aliases, cost)

    def _parts(self, selections: SelectionSetNode, parent: GraphQLNamedType | None, level: int) -> Iterator[Measured]:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                yield self._field(selection, parent, level)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inside = self._schema.get_type(condition.name.value) if condition else parent
                yield self._selections(selection.selection_set, inside, level)
            elif isinstance(selection, FragmentSpreadNode):
                yield self._fragment(selection.name.value, level)

    def _fragment(self, name: str, level: int) -> Measured:
        found = self._fragments.get(name)
        if found is None or name in self._open:
            return Measured()  # validation says what is wrong with it
        if name not in self._known:
            self._open.add(name)
            # Measured from its own first level: the same wherever it is spread.
            inside = self._schema.get_type(found.type_condition.name.value)
            self._known[name] = self._selections(found.selection_set, inside, 1)
            self._open.discard(name)
        known = self._known[name]
        if level - 1 + known.depth > self._limits.depth:
            raise Refused(
                Code.QUERY_TOO_DEEP, f"The query has more than {self._limits.depth} levels.", limit=self._limits.depth
            )
        return known

    def _field(self, field: FieldNode, parent: GraphQLNamedType | None, level: int) -> Measured:
        name, alias = field.name.value, int(field.alias is not None)
        if name.startswith("__"):
            return Measured(1, alias, 0)  # introspection has a rule of its own
        if field.selection_set is None:
            return Measured(1, alias, 0)
        inside = self._selections(field.selection_set, self._type_of(parent, name), level + 1)
        cost = WEIGHTS.get(name, 1) + self._length(field, parent) * inside.cost
        return Measured(1 + inside.depth, alias + inside.aliases, cost)

    def _type_of(self, parent: GraphQLNamedType | None, name: str) -> GraphQLNamedType | None:
        if parent is None or not (is_object_type(parent) or is_interface_type(parent)):
            return None
        found = parent.fields.get(name)
        return get_named_type(found.type) if found else None

    def _length(self, field: FieldNode, parent: GraphQLNamedType | None) -> int:
        name = field.name.value
        given = {argument.name.value: argument.value for argument in field.arguments or ()}
        if (ids := given.get("ids")) is not None:
            if isinstance(ids, ListValueNode):
                return max(1, len(ids.values))
            value = self._variables.get(ids.name.value) if isinstance(ids, VariableNode) else None
            return max(1, len(value)) if isinstance(value, list) else 1  # pyright: ignore[reportUnknownArgumentType]
        if name in _SINGLE:
            return 1
        if is_object_type(parent) and (found := parent.fields.get(name)) and (first := found.args.get("first")):
            return self._first(given.get("first"), first.default_value)
        return _LENGTHS.get(name, 1)

    def _first(self, node: object, default: object) -> int:
        value: object = default
        if isinstance(node, IntValueNode):
            value = int(node.value)
        elif isinstance(node, VariableNode):
            value = self._variables.get(node.name.value, default)
        # What is out of range is refused by name where it is served; it costs no more than the longest page.
        return min(max(value, 1), MAX_FIRST) if isinstance(value, int) else MAX_FIRST


def refusal(
    schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], limits: Limits
) -> Refused | None:
    """Return why a document asks for too much; None when it does not."""
    total = Measured()
    try:
        for operation in document.definitions:
            if isinstance(operation, OperationDefinitionNode):
                part = Measure(schema, document, variables, limits).operation(operation)
                total = Measured(part.depth, total.aliases + part.aliases, total.cost + part.cost)
    except Refused as refused:
        return refused
    except RecursionError:
        return Refused(Code.QUERY_TOO_DEEP, "The query's fragments are nested too deeply.", limit=limits.depth)
    if total.aliases > limits.aliases:
        return Refused(
            Code.TOO_MANY_ALIASES,
            f"The query has {total.aliases} aliases; {limits.aliases} are allowed.",
            limit=limits.aliases,
        )
    if total.cost > limits.cost:
        return Refused(
            Code.QUERY_TOO_COSTLY,
            f"The query costs {total.cost}; {limits.cost} is allowed. Ask for shorter lists or fewer fields.",
            cost=total.cost,
            limit=limits.cost,
        )
    return None
