"""What can be seen of the service from outside: metrics, traces, logs; and that no user can be seen in them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from graph import tracing
from graph.client import Settings
from tests import served
from tests.integration.test_api_stream import FOLLOW, receive, socket_of, subscribe
from tests.served import Served

pytestmark = pytest.mark.integration

SECRET = "erika-mustermann-4711"
LIST = """query ForYou($u: String!) { user(id: $u) { recommendations(first: 5) {
  nodes { item { title } explanation { sentence } } } } }"""
RECORD = "mutation ($i: RecordEventsInput!) { recordEvents(input: $i) { recorded userErrors { message } } }"


def values(api: Served) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(api.http.get("/metrics").text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket"))
    }


def test_metrics_count_operations_phases_lists_and_ages(api: Served) -> None:
    before = values(api)
    event = {"user": "metered", "item": "i0", "type": "view"}
    api.ask(RECORD, i={"events": [event]})
    for n in range(3):
        api.ask(f"# {n}: another request each time\n{LIST}", u="metered")
    api.ask('{ a: item(id: "i0") { id } model { version } }')
    api.refused("{ nothing }")
    api.refused("{ items(first: 999) { nodes { id } } }")
    after = values(api)

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return after.get(key, 0.0) - before.get(key, 0.0)

    assert grown("attune_operation_seconds_count", operation="Query.user", outcome="ok") == 3
    assert grown("attune_operation_seconds_count", operation="Mutation.recordEvents", outcome="ok") == 1
    assert grown("attune_operation_seconds_count", operation="Query.several", outcome="ok") == 1
    assert grown("attune_operation_seconds_count", operation="Query.items", outcome="error") == 1
    assert grown("attune_operation_seconds_count", operation="invalid", outcome="error") == 1
    assert grown("attune_graphql_errors_total", code="GRAPHQL_VALIDATION_FAILED") == 1
    for phase in ("parse", "validate", "execute"):
        assert grown("attune_phase_seconds_count", phase=phase) >= 5
    for phase in ("read", "rank", "explain"):
        assert grown("attune_phase_seconds_count", phase=phase) >= 3
    assert grown("attune_list_length_count") == 3
    assert grown("attune_list_length_sum") == 15
    assert grown("attune_lists_total") == 3
    assert 0 <= after["attune_newest_event_age_seconds", ()] < 60
    assert 0 <= after["attune_model_age_seconds", ()] < 3_600


def test_labels_come_from_the_schema_and_never_from_a_client(api: Served) -> None:
    api.http.get(f"/{SECRET}")
    api.http.post("/graphql", json={"query": f"query {SECRET.replace('-', '_')} {{ {SECRET.replace('-', '_')} }}"})
    api.ask(LIST, u=SECRET)
    assert "mustermann" not in api.http.get("/metrics").text


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)
    provider.shutdown()


def test_a_trace_leads_from_the_request_down_to_each_statement(api: Served, spans: InMemorySpanExporter) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    body = {"query": LIST, "variables": {"u": "u0"}}
    api.http.post("/graphql", json=body, headers={"traceparent": f"00-{trace}-{parent}-01"})
    served.until(lambda: any(span.name == "POST /graphql" for span in spans.get_finished_spans()))
    found = spans.get_finished_spans()
    by_id: dict[int, ReadableSpan] = {span.context.span_id: span for span in found if span.context}
    assert {f"{span.context.trace_id:032x}" for span in found if span.context} == {trace}

    def above(span: ReadableSpan) -> list[str]:
        names: list[str] = []
        at: ReadableSpan | None = span
        while at is not None:
            names.append(at.name)
            at = by_id.get(at.parent.span_id) if at.parent else None
        return names

    statements = [span for span in found if span.name == "neo4j.statement"]
    assert statements
    for span in statements:
        assert above(span)[-1] == "POST /graphql"
        assert span.attributes is not None
        assert "MATCH" in str(span.attributes["db.query.text"])
        assert int(str(span.attributes["db.response.returned_rows"])) > 0
    assert ["neo4j.statement", "attune.read", "attune.execute", "POST /graphql"] in [above(span) for span in statements]
    names = {span.name for span in found}
    assert {"attune.parse", "attune.validate", "attune.rank", "attune.explain"} <= names
    root = next(span for span in found if span.name == "POST /graphql")
    assert root.parent is not None
    assert f"{root.parent.span_id:016x}" == parent


def test_no_user_is_in_a_span_also_when_something_fails(api: Served, spans: InMemorySpanExporter) -> None:
    api.ask(LIST, u=SECRET)
    api.ask(RECORD, i={"events": [{"user": SECRET, "item": "i0", "type": "view", "quantity": -1}]})
    api.ask(RECORD, i={"events": [{"user": SECRET, "item": "i0", "type": "view"}]})
    api.http.get(f"/{SECRET}?user={SECRET}")
    served.until(lambda: any(span.name == "GET other" for span in spans.get_finished_spans()))
    assert "mustermann" not in "".join(span.to_json() for span in spans.get_finished_spans())
    api.ask(f'mutation {{ eraseUser(id: "{SECRET}") {{ erasedEvents }} }}')


def test_without_a_tracer_a_span_is_nothing() -> None:
    assert not tracing.in_use()
    with tracing.span("x") as nothing:
        assert nothing is None
    assert tracing.span("x") is tracing.statement("READ", "RETURN 1")


SERVE = """
import sys
from pathlib import Path
from api.app import ApiSettings
from api.auth import AuthSettings
from api.serve import serve
from graph.client import Settings
uri, user, password, models, keys = sys.argv[1:]
serve(ApiSettings(neo4j=Settings(uri, user, password), models=Path(models), development=False,
                  auth=AuthSettings(Path(keys))), "127.0.0.1", 0,
      ready=lambda host, port: print(port, flush=True), log_requests=True)
"""


class Collector(ThreadingHTTPServer):
    """Takes what an exporter sends."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.taken: list[bytes] = []


class _Take(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        self.server.taken.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


def test_the_log_tells_every_operation_and_no_user_and_spans_reach_the_collector(
    neo4j: Settings, models: Path, tmp_path: Path
) -> None:
    from api.identity import Scope
    from api.keys import KeyFile

    file = KeyFile(tmp_path / "keys.json")
    key, text = file.create(frozenset({Scope.ADMIN}))
    _, own = file.create(frozenset({Scope.CUSTOMER}), user=SECRET)
    command = [sys.executable, "-c", SERVE, neo4j.uri, neo4j.user, neo4j.password, str(models), str(file.path)]
    with Collector() as collector:
        thread = Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_address[1]}"}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | endpoint
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            url = f"http://127.0.0.1:{int(process.stdout.readline())}"
            with httpx.Client(base_url=url, headers={"authorization": f"Bearer {text}"}, timeout=30) as http:
                api = Served(url, None, http)  # pyright: ignore[reportArgumentType]
                event = {"user": SECRET, "item": SECRET, "type": "view", "eventId": SECRET, "context": SECRET}
                api.ask(RECORD, i={"events": [event, event | {"type": "x" * 99}]})
                api.ask(LIST, u=SECRET)
                api.refused(f'{{ items(first: 999, search: "{SECRET}") {{ nodes {{ id }} }} }}')
                api.refused(f'{{ user(id: "{SECRET}" ')
                http.post("/graphql", json={"query": LIST, "variables": {"u": SECRET}, "operationName": SECRET})
                http.post("/graphql", content=b'{"query": "' + SECRET.encode())
                http.get(f"/{SECRET}?{SECRET}")
                http.post("/graphql", json={"query": LIST}, headers={"authorization": f"Bearer {SECRET}"})
                customer = {"authorization": f"Bearer {own}"}
                http.post("/graphql", json={"query": LIST, "variables": {"u": SECRET}}, headers=customer)
                refused = http.post("/graphql", json={"query": LIST, "variables": {"u": "u1"}}, headers=customer)
                assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
                with socket_of(api, additional_headers={"x-api-key": text}) as ws:
                    subscribe(ws, "1", FOLLOW, user=SECRET)
                    assert receive(ws)["type"] == "next"
                api.ask(f'mutation Forget {{ eraseUser(id: "{SECRET}") {{ erasedEvents }} }}')
                version = api.ask("{ model { version } }")["model"]["version"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
            log = process.stderr.read()
        collector.shutdown()
        thread.join(5)
    assert "mustermann" not in log
    assert "u1" not in re.findall(r"[a-z0-9]+", log)
    assert text not in log
    assert collector.taken
    assert SECRET.encode() not in b"".join(collector.taken)
    assert b"MATCH" in b"".join(collector.taken)
    lines = [json.loads(line) for line in log.splitlines() if '"operation"' in line]
    listed = next(line for line in lines if line["operation"] == "ForYou")
    assert listed["field"] == "Query.user"
    assert listed["model"] == version
    assert listed["caller"] == f"key:{key.id}"
    assert re.fullmatch(r"[0-9a-f]{32}", listed["request"])
    assert re.fullmatch(r"[0-9a-f]{32}", listed["traceId"])
    assert {line["field"] for line in lines} >= {
        "Mutation.recordEvents",
        "Mutation.eraseUser",
        "Query.items",
        "invalid",
    }
    assert any(line["codes"] == ["FORBIDDEN"] for line in lines)
