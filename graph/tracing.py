"""Spans of OpenTelemetry, down to each statement; where no tracer is in use they are one look at a variable.

Spans carry names, sizes and statement texts (constants of this room), never parameters: those are users' data.
"""

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import LiteralString

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, TracerProvider, get_current_span

Attributes = Mapping[str, str | int | float | bool]

_NOTHING = nullcontext()
_tracer: Tracer | None = None


def use(provider: TracerProvider | None) -> None:
    """Send spans to a provider from now on; None: to nobody."""
    global _tracer
    _tracer = provider.get_tracer("attune") if provider else None


def in_use() -> bool:
    """Whether spans go anywhere."""
    return _tracer is not None


def span(
    name: str,
    attributes: Attributes | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
) -> AbstractContextManager[Span | None]:
    """Return a span around a block; None is entered where no tracer is in use."""
    return _NOTHING if _tracer is None else _spanned(_tracer, name, attributes, kind, parent)


def statement(access: str, text: LiteralString) -> AbstractContextManager[Span | None]:
    """Return a span around one statement; its text is a constant, its parameters are left out."""
    if _tracer is None:
        return _NOTHING
    attributes = {"db.system.name": "neo4j", "db.operation.name": access, "db.query.text": text}
    return span("neo4j.statement", attributes, kind=SpanKind.CLIENT)


def trace_id() -> str | None:
    """Return the id of the current trace as 32 hex digits; None outside of one."""
    if _tracer is None:
        return None
    found = get_current_span().get_span_context()
    return f"{found.trace_id:032x}" if found.is_valid else None


@contextmanager
def _spanned(
    tracer: Tracer, name: str, attributes: Attributes | None, kind: SpanKind, parent: Context | None
) -> Generator[Span]:
    # The message of an exception may hold a user's data: its type alone is recorded.
    with tracer.start_as_current_span(
        name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as begun:
        try:
            yield begun
        except BaseException as error:
            begun.set_attribute("error.type", type(error).__name__)
            begun.set_status(Status(StatusCode.ERROR))
            raise
