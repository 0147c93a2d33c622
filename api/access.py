"""Refuses an operation before any of it is executed when its caller may not use one of its fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_interface_type,
    is_object_type,
)
from graphql.execution.values import get_argument_values, get_variable_values

from api.errors import Code, Refused
from api.identity import Identity, Scope
from api.ids import parse_global_id
from api.permissions import RULES, Rule


@dataclass(frozen=True, slots=True)
class _Owned:
    """A field whose arguments name users."""

    coordinate: str
    rule: Rule
    definition: GraphQLField
    node: FieldNode


@dataclass(slots=True)
class Demands:
    """What a valid document needs permission for, whoever sends it with whatever variables."""

    coordinates: set[str] = field(default_factory=set[str])
    owned: list[_Owned] = field(default_factory=list[_Owned])


def demands(schema: GraphQLSchema, document: DocumentNode) -> Demands:
    """Collect the demands of every operation of a valid document; what `@skip` leaves out counts too."""
    found = Demands()
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            _collect(schema, definition.selection_set, schema.get_root_type(definition.operation), found)
        elif isinstance(definition, FragmentDefinitionNode):
            # Each fragment is walked once, where it is defined.
            kind = schema.get_type(definition.type_condition.name.value)
            _collect(schema, definition.selection_set, kind, found)
    return found


def _collect(
    schema: GraphQLSchema, selections: SelectionSetNode, parent: GraphQLNamedType | None, into: Demands
) -> None:
    for selection in selections.selections:
        if isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
            inside = schema.get_type(condition.name.value) if condition else parent
            _collect(schema, selection.selection_set, inside, into)
        elif isinstance(selection, FieldNode) and not selection.name.value.startswith("__"):
            if not (is_object_type(parent) or is_interface_type(parent)):
                continue
            coordinate = f"{parent.name}.{selection.name.value}"
            definition = parent.fields[selection.name.value]
            into.coordinates.add(coordinate)
            for argument in selection.arguments or ():
                if (limited := f"{coordinate}({argument.name.value}:)") in RULES:
                    into.coordinates.add(limited)
            rule = RULES.get(coordinate)
            if rule and rule.owner:
                into.owned.append(_Owned(coordinate, rule, definition, selection))
            if selection.selection_set:
                _collect(schema, selection.selection_set, get_named_type(definition.type), into)


def denial(
    schema: GraphQLSchema,
    document: DocumentNode,
    needed: Demands,
    identity: Identity,
    variables: Mapping[str, Any],
) -> Refused | None:
    """Return why the caller may not run this document; None when it may."""
    if not identity.restricted:
        return None
    customer_only: set[str] = set()
    for coordinate in sorted(needed.coordinates):
        rule = RULES.get(coordinate)
        passing = identity.scopes & rule.scopes if rule else frozenset[Scope]()
        if not passing:
            allowed = " or ".join(sorted(rule.scopes)) if rule else Scope.ADMIN
            if not identity.scopes:
                return Refused(
                    Code.FORBIDDEN,
                    f"The token has no scope of Attune, and `{coordinate}` needs {allowed}: its `scope` must name one "
                    "as `attune:...`. Nothing was done.",
                    field=coordinate,
                )
            return Refused(
                Code.FORBIDDEN, f"`{coordinate}` needs the scope {allowed}. Nothing was done.", field=coordinate
            )
        if passing <= {Scope.CUSTOMER}:
            customer_only.add(coordinate)
    for owned in needed.owned:
        if owned.coordinate in customer_only and not _names_only(schema, document, owned, identity.user, variables):
            return Refused(
                Code.FORBIDDEN,
                f"`{owned.coordinate}` is open to a customer for itself alone. Nothing was done.",
                field=owned.coordinate,
            )
    return None


def _names_only(
    schema: GraphQLSchema, document: DocumentNode, owned: _Owned, user: str | None, variables: Mapping[str, Any]
) -> bool:
    """Whether the arguments, as execution will see them in any of the operations, name no user but this one."""
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            coerced = get_variable_values(schema, definition.variable_definitions or (), dict(variables))
            if isinstance(coerced, list):
                continue  # execution refuses these variables, and runs nothing
            try:
                arguments = get_argument_values(owned.definition, owned.node, coerced)
            except GraphQLError:
                continue  # the same
            if any(named != user for named in _users(arguments, owned.rule)):
                return False
    return user is not None


def _users(arguments: Mapping[str, object], rule: Rule) -> Iterator[str]:
    """Yield the external ids of the users that the arguments name."""
    for text in _at(arguments, rule.owner or ""):
        if not rule.global_ids:
            yield text
        elif (found := parse_global_id(text)) and found[0] == "User":
            yield found[1]


def _at(value: object, path: str) -> Iterator[str]:
    name, _, rest = path.partition(".")
    inside = cast("Mapping[str, object]", value).get(name) if isinstance(value, Mapping) else None
    for one in cast("list[object]", inside) if isinstance(inside, list) else [inside]:
        if rest:
            yield from _at(one, rest)
        elif one is not None:
            yield str(one)
