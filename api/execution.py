"""Executes operations: GraphQL's own rules, with a short way for whatever is found without waiting.

A page has hundreds of values, and the long way takes longer than all else that a page needs. What is asked below a
field is looked at once, and becomes a function that makes the answer for each object. Whatever is not plain (a null
where there may be none, a value of the wrong type, a resolver that fails or has to wait) takes the long way, which says
what is wrong.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationType,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails, FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import CollectedErrors
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from api.context import Context
from api.reads import NOTED

_PLAIN = "attune-plain"
_TYPE_NAME = "__typename"
_NOWHERE = Path(None, "", None)

_Find = Callable[[Any, Path | None, str], Any]
"""Object, its path, name in the answer -> what the field gives, or the answer itself."""
_Complete = Callable[[Any, Path], Any]
"""What a field gave, and where -> the answer."""


class _LongWayError(Exception):
    """What was found is not plain."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A field that is found without waiting."""

    field: StrawberryField
    kind: GraphQLOutputType
    resolver: Callable[..., object] | None
    """None: an attribute of the object."""
    info: str | None
    """The resolver's argument for what is known of the operation, if it wants it."""


class Execution(StrawberryGraphQLCoreExecutionContext):
    """The execution of one operation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever the executor takes
        super().__init__(*args, **kwargs)
        self._ways: dict[tuple[GraphQLObjectType, int], tuple[FieldDetailsList, _Find | None]] = {}
        """By type and identity of the details, which are kept so that nothing else gets their identity."""

    def execute_root_grouped_field_set(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,  # noqa: ANN401 - the executor's own
        grouped_field_set: GroupedFieldSet,
        serially: bool,
        position_context: Any,  # noqa: ANN401 - the executor's own
    ) -> Awaitable[dict[str, Any]] | dict[str, Any]:
        """Return the root fields; a query may presume that the graph is as it was, and is made anew where it is not."""
        execute = super().execute_root_grouped_field_set
        context: Any = self.context_value
        if self.operation.operation is not OperationType.QUERY or not isinstance(context, Context):
            return execute(root_type, root_value, grouped_field_set, serially, position_context)
        presence = context.loaders.presence
        presence.presumes = True
        found = execute(root_type, root_value, grouped_field_set, serially, position_context)
        if isinstance(found, dict):
            return found

        async def sure() -> dict[str, Any]:
            error: GraphQLError | None = None
            data: dict[str, Any] = {}
            try:
                data = await found
            except GraphQLError as raised:
                error = raised
            true, present = await presence.sure()
            if true:
                if error:
                    raise error
                return data
            self.collected_errors = CollectedErrors()
            if noted := NOTED.get():
                noted.forget()
            context.renew(present)
            again = execute(root_type, root_value, grouped_field_set, serially, position_context)
            return again if isinstance(again, dict) else await again

        return sure()

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: object,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,  # noqa: ANN401 - the executor's own
    ) -> Awaitable[dict[str, Any]] | dict[str, Any]:
        """Return the fields of an object, in the order in which they are asked for."""
        found: dict[str, Any] = {}
        rest: GroupedFieldSet = {}
        for name, details in grouped_field_set.items():
            find = self._way(parent_type, details)
            found[name] = None
            if find is None:
                rest[name] = details
                continue
            try:
                found[name] = find(source_value, path, name)
            except Exception:  # noqa: BLE001 - it will fail on the long way as well, and is reported from there
                rest[name] = details
        if not rest:
            return found
        others = super().execute_fields(parent_type, source_value, path, rest, position_context)
        if isinstance(others, dict):
            return _joined(found, rest, others)

        async def joined() -> dict[str, Any]:
            return _joined(found, rest, await others)

        return joined()

    def _way(self, parent_type: GraphQLObjectType, details: FieldDetailsList) -> _Find | None:
        """Return what finds and completes a field; None where it, or anything asked below it, has to wait."""
        key = parent_type, id(details)
        known = self._ways.get(key)
        if known is None:
            known = self._ways[key] = (details, self._found_way(parent_type, details))
        return known[1]

    def _found_way(self, parent_type: GraphQLObjectType, details: FieldDetailsList) -> _Find | None:
        name = details[0].node.name.value
        if name == _TYPE_NAME:
            return lambda source, path, name: parent_type.name
        plain = _plain_fields(parent_type).get(name)
        complete = plain and self._complete(plain.kind, details)
        if not plain or not complete:
            return None
        try:
            find = self._find(plain, details, parent_type)
        except Exception:  # noqa: BLE001 - arguments that are wrong are reported from the long way
            return None
        if is_leaf_type(get_nullable_type(plain.kind)):  # looks at no path
            return lambda source, path, name: complete(find(source, path, name), _NOWHERE)
        return lambda source, path, name: complete(find(source, path, name), Path(path, name, parent_type.name))

    def _find(self, plain: Plain, details: FieldDetailsList, parent_type: GraphQLObjectType) -> _Find:
        """Return what gives the field of an object."""
        attribute, resolver, wants = plain.field.python_name, plain.resolver, plain.info
        if resolver is None:
            return lambda source, path, name: getattr(source, attribute)
        given = self._arguments(plain, details[0], parent_type)
        if wants is None:
            return lambda source, path, name: resolver(source, **given)
        field, nodes = parent_type.fields[details[0].node.name.value], [one.node for one in details]
        info_class = self.schema._strawberry_schema.config.info_class  # pyright: ignore

        def informed(source: object, path: Path | None, name: str) -> object:
            raw = self.build_resolve_info(field, nodes, parent_type, Path(path, name, parent_type.name))
            return resolver(source, **given, **{wants: info_class(_raw_info=raw, _field=plain.field)})

        return informed

    def _complete(self, kind: Any, details: FieldDetailsList) -> _Complete | None:  # noqa: ANN401 - half typed
        """Return what completes a value of this type."""
        if is_non_null_type(kind):
            inner = self._complete(kind.of_type, details)
            return inner and _there(inner)
        if is_list_type(kind):
            inner = self._complete(kind.of_type, details)
            return inner and _each(inner)
        if is_leaf_type(kind):
            coerce = kind.coerce_output_value
            return lambda value, path: None if value is None else coerce(value)
        return self._object(kind, details) if is_object_type(kind) else None

    def _object(self, kind: GraphQLObjectType, details: FieldDetailsList) -> _Complete | None:
        """Return what completes an object, where all that is asked of it is plain."""
        asked, deferred, _ = self.collect_subfields(kind, details)
        ways = {name: self._way(kind, part) for name, part in asked.items()}
        finds = [(name, find) for name, find in ways.items() if find]
        if deferred or len(finds) < len(ways):
            return None
        belongs: Any = kind.is_type_of

        def complete(value: Any, path: Path) -> dict[str, Any] | None:  # noqa: ANN401 - whatever a resolver gives
            if value is None:
                return None
            if inspect.iscoroutine(value):
                value.close()
                raise _LongWayError
            if belongs and not belongs(value, None):
                raise _LongWayError
            return {name: find(value, path, name) for name, find in finds}

        return complete

    def _arguments(self, plain: Plain, details: FieldDetails, parent_type: GraphQLObjectType) -> dict[str, Any]:
        """Return what the document gives to a resolver."""
        strawberry: Any = self.schema._strawberry_schema  # pyright: ignore
        values = get_argument_values(
            parent_type.fields[details.node.name.value],
            details.node,
            self.variable_values,
            details.fragment_variable_values,
            self.hide_suggestions,
        )
        return convert_arguments(
            values,
            plain.field.arguments,
            scalar_registry=strawberry.schema_converter.scalar_registry,
            config=strawberry.config,
        )


def _there(inner: _Complete) -> _Complete:
    """Complete what may not be null."""

    def complete(value: Any, path: Path) -> Any:  # noqa: ANN401 - whatever a resolver gives
        found = inner(value, path)
        if found is None:
            raise _LongWayError
        return found

    return complete


def _each(inner: _Complete) -> _Complete:
    """Complete the entries of a list."""

    def complete(value: Any, path: Path) -> list[Any] | None:  # noqa: ANN401 - whatever a resolver gives
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise _LongWayError
        return [inner(entry, path.add_key(place, None)) for place, entry in enumerate(value)]

    return complete


def _joined(found: dict[str, Any], rest: GroupedFieldSet, others: dict[str, Any]) -> dict[str, Any]:
    """Put in what took the long way; the order stays."""
    found |= others
    for name in rest:
        if name not in others:
            del found[name]
    return found


def _plain_fields(kind: GraphQLObjectType) -> Mapping[str, Plain]:
    known = kind.extensions.get(_PLAIN)
    if known is None:
        known = {name: plain for name, field in kind.fields.items() if (plain := _plain(field))}
        kind.extensions[_PLAIN] = known
    return known


def _plain(field: GraphQLField) -> Plain | None:
    declared = field.extensions.get("strawberry-definition")
    if not isinstance(declared, StrawberryField) or declared.extensions:
        return None
    resolver = declared.base_resolver
    if resolver is None:
        return Plain(declared, field.type, None, None)
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
    return Plain(declared, field.type, function, info)
