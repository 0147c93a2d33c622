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
        seconds = time.perf_counter() - self._begun
        found = get_operation_ast(document, name) if document and valid else None
        where = label(found)
        metrics, models = self._context.recommender.metrics, self._context.recommender.models
        metrics.operation(where, "error" if codes else "ok", seconds)
        if log.isEnabledFor(logging.INFO):
            said = found.name.value if found and found.name else None
            log.info(
                "operation",
                extra={
                    "request": self._context.request_id,
                    "operation": said[:_NAME] if said else None,
                    "field": where,
                    "codes": codes,
                    "ms": round(seconds * 1e3, 2),
                    "caller": self._context.identity.name or None,
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
