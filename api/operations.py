"""What is measured and logged of each operation: names of fields, times and codes, never what they were asked with."""

import logging
import time

from graphql import DocumentNode, FieldNode, OperationDefinitionNode, OperationType
from graphql.utilities import get_operation_ast

from api.context import Context
from graph import tracing

log = logging.getLogger("attune.requests")

_ROOTS = {OperationType.QUERY: "Query", OperationType.MUTATION: "Mutation", OperationType.SUBSCRIPTION: "Subscription"}
# An operation's name is the client's; a long one says no more.
_NAME = 64


class Operation:
    """One operation from its beginning to its end."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._begun = time.perf_counter()

    def ended(self, document: DocumentNode | None, name: str | None, codes: list[str], *, valid: bool) -> None:
        """Count it, and write its line."""
        found = get_operation_ast(document, name) if document and valid else None
        said = found.name.value if found and found.name else None
        self._context.ran = label(found), said[:_NAME] if said else None
        tell(self._context, codes, self._begun)


def tell(context: Context, codes: list[str], begun: float, *, repeated: bool = False) -> None:
    """Count the operation that `context` ran since `begun`, and write its line; `repeated`: its answer was at hand."""
    seconds = time.perf_counter() - begun
    where, said = context.ran
    metrics, models = context.recommender.metrics, context.recommender.models
    metrics.operation(where, "error" if codes else "ok", seconds)
    if repeated:
        metrics.repeated()
    if log.isEnabledFor(logging.INFO):
        log.info(
            "operation",
            extra={
                "request": context.request_id,
                "operation": said,
                "field": where,
                "codes": codes,
                "ms": round(seconds * 1e3, 2),
                "caller": context.identity.name or None,
                "model": models.artefact.version if models.artefact else None,
                "traceId": tracing.trace_id(),
            },
        )


def label(operation: OperationDefinitionNode | None) -> str:
    """Return the coordinate of the operation's root field; `invalid`, or `Query.several` where there are more.

    One of a fixed list, for valid operations: the schema has only so many root fields.
    """
    if operation is None:
        return "invalid"
    names = {part.name.value for part in operation.selection_set.selections if isinstance(part, FieldNode)}
    alone = len(names) == 1 and len(operation.selection_set.selections) == 1
    return f"{_ROOTS[operation.operation]}.{names.pop() if alone else 'several'}"
