"""Counters for Prometheus; labels come from fixed lists, never from what a client sends."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from graph import tracing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0)

_LENGTHS = (0, 1, 5, 10, 20, 50, 100)


class Metrics:
    """One registry per app, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "attune_http_requests", "HTTP requests by path and status", ["path", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "attune_http_request_seconds", "Time per HTTP request", ["path"], buckets=_SECONDS, registry=self.registry
        )
        self._errors = Counter("attune_graphql_errors", "GraphQL errors by code", ["code"], registry=self.registry)
        self._phases = Histogram(
            "attune_phase_seconds",
            "Time of parsing, validation, execution, and in it of one read of a user, ranking, explanation",
            ["phase"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._operations = Histogram(
            "attune_operation_seconds",
            "Time per GraphQL operation by its root field and outcome (ok, error)",
            ["operation", "outcome"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._lengths = Histogram(
            "attune_list_length", "Entries per page of a list", buckets=_LENGTHS, registry=self.registry
        )
        self._newest_us = 0
        self.watch(
            "attune_newest_event_age_seconds",
            "Age of the newest event that this process has recorded or read",
            lambda: time.time() - self._newest_us / 1e6 if self._newest_us else float("nan"),
        )
        self._events = Counter(
            "attune_events", "Events sent to recordEvents by outcome", ["status"], registry=self.registry
        )
        self._cold = Counter("attune_cold_lists", "Lists made for users without any event", registry=self.registry)
        self._degraded = Counter(
            "attune_degraded_answers", "Last known answers given while the database was away", registry=self.registry
        )
        self._repeated = Counter(
            "attune_repeated_answers", "Answers given again because nothing had changed", registry=self.registry
        )
        self._told = Counter("attune_reasons_told", "Reasons told one by one", registry=self.registry)
        self._disputed = Counter(
            "attune_reasons_disputed", "Reasons newly disputed by kind", ["kind"], registry=self.registry
        )
        self._lists = Counter("attune_lists", "Lists made", registry=self.registry)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count one HTTP request; `path` is a route, not what was asked for."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def error(self, code: str) -> None:
        """Count one GraphQL error."""
        self._errors.labels(code).inc()

    def events(self, status: str, n: int = 1) -> None:
        """Count events of `recordEvents`."""
        self._events.labels(status).inc(n)

    def operation(self, name: str, outcome: str, seconds: float) -> None:
        """Count one operation; `name` comes from the schema, not from the client."""
        self._operations.labels(name, outcome).observe(seconds)

    def told(self, n: int) -> None:
        """Count reasons that were told one by one."""
        self._told.inc(n)

    def disputed(self, kind: str) -> None:
        """Count one reason that a user disputes."""
        self._disputed.labels(kind).inc()

    def degraded(self) -> None:
        """Count one last known answer."""
        self._degraded.inc()

    def repeated(self) -> None:
        """Count one answer that was given again."""
        self._repeated.inc()

    def seen(self, at: int) -> None:
        """Take note of an event, microseconds UTC."""
        self._newest_us = max(self._newest_us, at)

    def listed(self, length: int, *, cold: bool) -> None:
        """Count one page of a list; cold when the user had no event."""
        self._lengths.observe(length)
        self._lists.inc()
        if cold:
            self._cold.inc()

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        """Time one phase, and make a span of it."""
        begun = time.perf_counter()
        try:
            with tracing.span(f"attune.{name}"):
                yield
        finally:
            self._phases.labels(name).observe(time.perf_counter() - begun)

    def watch(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show a value that is read when it is asked for."""
        Gauge(name, text, registry=self.registry).set_function(read)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
