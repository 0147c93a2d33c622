"""Executes operations: GraphQL's own rules, with a short way for the many fields that are one value of an object.

A page has hundreds of them, and the long way takes longer than all else that a page needs. Whatever is not plain (a
null where there may be none, a value of the wrong type, a resolver that fails) takes the long way, which says what is
wrong.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, get_nullable_type, is_leaf_type, is_non_null_type
from graphql.execution.collect_fields import FieldDetails, FieldDetailsList, GroupedFieldSet
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path, Undefined
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

_LEAVES = "attune-leaves"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that is a scalar or an enum, and is found without waiting."""

    field: StrawberryField
    coerce: Callable[[Any], Any]
    nullable: bool
    resolver: Callable[..., object] | None
    """None: an attribute of the object."""
    info: str | None
    """The resolver's argument for what is known of the operation, if it wants it."""


class Execution(StrawberryGraphQLCoreExecutionContext):
    """The execution of one operation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever the executor takes
        super().__init__(*args, **kwargs)
        self._given: dict[int, dict[str, Any]] = {}
        """Arguments by the node of the document that gives them: the same for all objects of a list."""

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: object,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,  # noqa: ANN401 - the executor's own
    ) -> Awaitable[dict[str, Any]] | dict[str, Any]:
        """Return the fields of an object, in the order in which they are asked for."""
        leaves = _leaves(parent_type)
        found: dict[str, Any] = {}
        rest: GroupedFieldSet = {}
        for name, details in grouped_field_set.items():
            leaf = leaves.get(details[0].node.name.value)
            found[name] = value = leaf and self._value(leaf, source_value, details, parent_type, path, name)
            if value is Undefined or (value is None and not (leaf and leaf.nullable)):
                rest[name] = details
        if not rest:
            return found
        others = super().execute_fields(parent_type, source_value, path, rest, position_context)
        if isinstance(others, dict):
            return _joined(found, rest, others)

        async def joined() -> dict[str, Any]:
            return _joined(found, rest, await others)

        return joined()

    def _value(
        self,
        leaf: Leaf,
        source: object,
        details: FieldDetailsList,
        parent_type: GraphQLObjectType,
        path: Path | None,
        name: str,
    ) -> object:
        """Return the value of a field; `Undefined` where the long way has to be taken."""
        try:
            if leaf.resolver is None:
                value = getattr(source, leaf.field.python_name)
            else:
                given = self._arguments(leaf, details[0], parent_type)
                if leaf.info is not None:
                    raw = self.build_resolve_info(
                        parent_type.fields[details[0].node.name.value],
                        [one.node for one in details],
                        parent_type,
                        Path(path, name, parent_type.name),
                    )
                    info = self.schema._strawberry_schema.config.info_class(_raw_info=raw, _field=leaf.field)  # pyright: ignore
                    given = {**given, leaf.info: info}
                value = leaf.resolver(source, **given)
            return None if value is None else leaf.coerce(value)
        except Exception:  # noqa: BLE001 - it will fail on the long way as well, and is reported from there
            return Undefined

    def _arguments(self, leaf: Leaf, details: FieldDetails, parent_type: GraphQLObjectType) -> dict[str, Any]:
        """Return what the document gives to a resolver."""
        node = details.node
        given = self._given.get(id(node))
        if given is None:
            strawberry: Any = self.schema._strawberry_schema  # pyright: ignore
            values = get_argument_values(
                parent_type.fields[node.name.value],
                node,
                self.variable_values,
                details.fragment_variable_values,
                self.hide_suggestions,
            )
            given = self._given[id(node)] = convert_arguments(
                values,
                leaf.field.arguments,
                scalar_registry=strawberry.schema_converter.scalar_registry,
                config=strawberry.config,
            )
        return given


def _joined(found: dict[str, Any], rest: GroupedFieldSet, others: dict[str, Any]) -> dict[str, Any]:
    """Put in what took the long way; the order stays."""
    found |= others
    for name in rest:
        if name not in others:
            del found[name]
    return found


def _leaves(kind: GraphQLObjectType) -> Mapping[str, Leaf]:
    known = kind.extensions.get(_LEAVES)
    if known is None:
        known = {name: leaf for name, field in kind.fields.items() if (leaf := _leaf(field))}
        kind.extensions[_LEAVES] = known
    return known


def _leaf(field: GraphQLField) -> Leaf | None:
    declared = field.extensions.get("strawberry-definition")
    inner = get_nullable_type(field.type)
    if not isinstance(declared, StrawberryField) or declared.extensions or not is_leaf_type(inner):
        return None
    resolver, nullable, coerce = declared.base_resolver, not is_non_null_type(field.type), inner.coerce_output_value
    if resolver is None:
        return Leaf(declared, coerce, nullable, None, None)
    function = resolver.wrapped_func
    if (
        resolver.is_async
        or isinstance(function, staticmethod | classmethod)
        or not resolver.self_parameter
        or resolver.parent_parameter
        or resolver.root_parameter
    ):
        return None
    info = resolver.info_parameter.name if resolver.info_parameter else None
    return Leaf(declared, coerce, nullable, function, info)
