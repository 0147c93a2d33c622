"""The executable schema, and its text: `python -m api.schema` writes `schema.graphql`, whose diff is reviewed."""

import logging
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError
from strawberry.extensions import DisableIntrospection, SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult, StreamExecutionResult
from strawberry.types.graphql import OperationType

from api.context import Context
from api.documents import DocumentExtension, Documents
from api.errors import Code, loggable, public, unexpected
from api.execution import Execution
from api.limits import Limits
from api.mutation import Mutation
from api.operations import Operation
from api.permissions import check_complete
from api.query import Query
from api.subscription import Subscription
from api.trusted import TrustedDocuments

log = logging.getLogger("attune.api")

SDL = Path(__file__).with_name("schema.graphql")


class OperationExtension(SchemaExtension):
    """Gives each operation its own loaders, and each error its public form."""

    _executing = False
    _codes: list[str]

    def __init__(self) -> None:
        self._codes = []

    def on_operation(self) -> Iterator[None]:
        """Begin with nothing loaded."""
        context = self.execution_context.context
        if not isinstance(context, Context):
            yield
            return
        context = self.execution_context.context = context.of_operation()
        operation = Operation(context)
        yield
        result = self.execution_context.result
        if isinstance(result, CoreResult | ExecutionResult):
            self._publish(result)
        executed = self.execution_context
        name = executed._provided_operation_name  # pyright: ignore
        operation.ended(executed.graphql_document, name, self._codes, valid=self._executing)

    def on_execute(self) -> Iterator[None]:
        """Remember that the document was found valid."""
        self._executing = True
        context = self.execution_context.context
        if isinstance(context, Context):
            context.reads = self.execution_context.operation_type is OperationType.QUERY
        # A subscription is executed for as long as it is followed.
        timed = isinstance(context, Context) and self.execution_context.operation_type is not OperationType.SUBSCRIPTION
        with context.recommender.metrics.phase("execute") if timed else nullcontext():
            yield

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Do the same for every answer of a stream."""
        if isinstance(result, ExecutionResult):
            self._publish(result)
            if self._executing and isinstance(self.execution_context.context, Context):
                result.extensions = self.execution_context.context.note()
        yield

    def get_results(self) -> dict[str, Any]:
        """Say with every answer which model made it."""
        context = self.execution_context.context
        return context.note() if self._executing and isinstance(context, Context) else {}

    def _publish(self, result: CoreResult | ExecutionResult) -> None:
        context = self.execution_context.context
        if result.errors and isinstance(context, Context):
            result.errors = [publish(error, context, executing=self._executing) for error in result.errors]
            self._codes = sorted({str((error.extensions or {}).get("code")) for error in result.errors})


def publish(error: GraphQLError, context: Context, *, executing: bool = True) -> GraphQLError:
    """Return the public form of an error, counted and, when unexpected, logged. Doing it twice changes nothing."""
    if unexpected(error) and executing:
        field = ".".join(str(step) for step in error.path or () if isinstance(step, str))
        log.error(
            "field failed",
            extra={"request": context.request_id, "field": field, **loggable(error.original_error)},
        )
    if isinstance(error, _Counted):
        return error
    found = _Counted.of(public(error, executing=executing, request_id=context.request_id))
    context.recommender.metrics.error(str((found.extensions or {}).get("code", Code.INTERNAL)))
    return found


class _Counted(GraphQLError):  # noqa: N818
    """A public error that has been counted."""

    @staticmethod
    def of(error: GraphQLError) -> "_Counted":
        return _Counted(
            error.message,
            nodes=error.nodes,
            source=error.source,
            positions=error.positions,
            path=error.path,
            extensions=error.extensions,
        )


class AttuneSchema(strawberry.Schema):
    """Strawberry's schema without its own logging, which would write messages of unexpected errors."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Leave errors to `publish`."""


def build(
    limits: Limits | None = None, *, development: bool = True, trusted: TrustedDocuments | None = None
) -> strawberry.Schema:
    """Return the schema; outside development it does not answer questions about itself.

    Raises `RuntimeError` for a field about which `api.permissions` says nothing, and `BadManifest` for a trusted
    document that cannot run.
    """
    bounds = limits or Limits()
    documents = Documents(trusted.texts if trusted else ())
    extensions: list[type[SchemaExtension]] = [] if development else [DisableIntrospection]
    schema = AttuneSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[
            *extensions,
            OperationExtension,
            lambda: DocumentExtension(bounds, documents),
        ],
        execution_context_class=Execution,
        config=StrawberryConfig(disable_field_suggestions=not development),
    )
    check_complete(schema._schema)  # pyright: ignore
    if trusted:
        trusted.check(schema._schema, bounds)  # pyright: ignore
    return schema


def text() -> str:
    """Return the schema in the schema definition language."""
    return build().as_str() + "\n"


if __name__ == "__main__":
    SDL.write_text(text(), encoding="utf-8")
