"""What a client is told when something fails: a sentence it can show and a code it can branch on, never internals."""

import traceback
from enum import StrEnum

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from graph.errors import AuthFailed, Conflict, GraphError, OutOfMemory, TimedOut, Unavailable


class Code(StrEnum):
    """Stable values of `extensions.code`; a client may rely on them, new ones may be added."""

    PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    INVALID_CURSOR = "INVALID_CURSOR"
    NOT_FOUND = "NOT_FOUND"
    QUERY_TOO_LONG = "QUERY_TOO_LONG"
    QUERY_TOO_DEEP = "QUERY_TOO_DEEP"
    TOO_MANY_ALIASES = "TOO_MANY_ALIASES"
    QUERY_TOO_COSTLY = "QUERY_TOO_COSTLY"
    BAD_REQUEST = "BAD_REQUEST"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"
    UNKNOWN_HOST = "UNKNOWN_HOST"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    DATABASE_TIMEOUT = "DATABASE_TIMEOUT"
    MODEL_UNAVAILABLE = "MODEL_UNAVAILABLE"
    NOT_REPLAYABLE = "NOT_REPLAYABLE"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    INTERNAL = "INTERNAL"


class Refused(GraphQLError):  # noqa: N818 - it reads as what happened
    """An error whose message is meant for the client; `code` and further data go into `extensions`."""

    def __init__(self, code: Code, message: str, **data: str | float | None) -> None:
        super().__init__(message, extensions={"code": str(code), **data})


def bad_input(argument: str, message: str) -> Refused:
    """Return the error for an argument that cannot be served; `argument` is its name in the schema."""
    return Refused(Code.BAD_USER_INPUT, message, argument=argument)


_GRAPH_ERRORS: tuple[tuple[type[GraphError], Code, str], ...] = (
    (TimedOut, Code.DATABASE_TIMEOUT, "The database did not answer in time. Try again, or ask for less."),
    (Unavailable, Code.DATABASE_UNAVAILABLE, "The database is not available. Try again in a moment."),
    (AuthFailed, Code.DATABASE_UNAVAILABLE, "The database is not available. Try again in a moment."),
    (Conflict, Code.DATABASE_UNAVAILABLE, "Others write the same events at this moment. Try again."),
    (OutOfMemory, Code.DATABASE_UNAVAILABLE, "The database is short of memory. Ask for less, or try again."),
)


def public(error: GraphQLError, *, executing: bool, request_id: str) -> GraphQLError:
    """Return the error as a client may see it: with a code, and without the text of anything unexpected.

    `executing` is false while a document is parsed and validated.
    """
    if "code" in (error.extensions or {}):
        return error
    code, message = _named(error, executing)
    extensions: dict[str, object] = {"code": str(code)}
    if code is Code.INTERNAL:
        extensions["requestId"] = request_id
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )


NO_MUTATION = "mutations are not allowed over GET; use POST."
"""What to say to a mutation by GET."""


def no_operation(name: str | None) -> str:
    """Return what to say where a document does not hold the operation that is asked for; None: any."""
    if name is None:
        return "The document holds fragments alone: there is no operation to run."
    return f"The document has no operation named {name!r}: see `operationName`."


def _named(error: GraphQLError, executing: bool) -> tuple[Code, str]:
    cause = error.original_error
    if isinstance(cause, CannotGetOperationTypeError):
        return Code.BAD_REQUEST, no_operation(cause.operation_name)
    if isinstance(cause, InvalidOperationTypeError):
        return Code.METHOD_NOT_ALLOWED, NO_MUTATION
    for kind, code, message in _GRAPH_ERRORS:
        if isinstance(cause, kind):
            return code, message
    if isinstance(cause, RecursionError):
        return Code.QUERY_TOO_DEEP, "The query is nested too deeply."
    if cause is None and isinstance(error, GraphQLSyntaxError):
        # graphql-core has no code of its own for its two limits.
        if "tokens. Parsing aborted" in error.message:
            return Code.QUERY_TOO_LONG, error.message
        if "nested too deeply" in error.message:
            return Code.QUERY_TOO_DEEP, error.message
        return Code.PARSE_FAILED, error.message
    if error.path is None and (cause is None or error.message.startswith("Variable ")):
        # Written by graphql-core for the author of the query: validation, or the values of its variables.
        return (Code.BAD_USER_INPUT if executing else Code.VALIDATION_FAILED), error.message
    return Code.INTERNAL, "The service failed at this field. It has been logged under the request id."


def unexpected(error: GraphQLError) -> bool:
    """Whether the error has no known cause and must be logged."""
    return "code" not in (error.extensions or {}) and _named(error, True)[0] is Code.INTERNAL


def loggable(cause: BaseException | None) -> dict[str, str]:
    """Return what a log may say of an exception: its type and place. Its message may hold a user's data."""
    trace = traceback.format_tb(cause.__traceback__) if cause else ()
    return {"cause": type(cause).__name__, "trace": "".join(trace)}
