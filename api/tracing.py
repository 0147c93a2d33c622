"""Which collector gets the API's spans, as OpenTelemetry's own environment variables say."""

import os
from collections.abc import Callable, Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract
from starlette.types import Scope

from api.faults import Fault
from graph import tracing

_FLUSH_MS = 3_000
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def configure(environment: Mapping[str, str] = os.environ) -> Callable[[], object]:
    """Send spans to the OTLP endpoint of the environment, or to the provider that the process has been given.

    Returns what must be called at the end, so that the last spans arrive. Raises `Fault` when there is an endpoint and
    the extra `tracing` is not installed.
    """
    given = trace.get_tracer_provider()
    if not isinstance(given, trace.ProxyTracerProvider):
        tracing.use(given)  # `opentelemetry-instrument attune serve`, or a program that serves Attune
        return _nothing
    if not any(environment.get(name) for name in _ENDPOINTS) or environment.get("OTEL_SDK_DISABLED") == "true":
        return _nothing
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise Fault(
            "An OpenTelemetry endpoint is set, and nothing is installed to send to it: pip install 'attune[tracing]'."
        ) from error
    name = environment.get("OTEL_SERVICE_NAME", "attune")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracing.use(provider)
    return lambda: provider.force_flush(_FLUSH_MS)


def _nothing() -> None: ...


def caller(scope: Scope) -> Context | None:
    """Return the trace that a request belongs to (`traceparent`); None where no tracer is in use."""
    if not tracing.in_use():
        return None
    return extract({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})
