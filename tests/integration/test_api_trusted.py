"""Documents that are known beforehand, and answers that travel light."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
import httpx
import pytest
import zstandard

from api.app import create_app
from api.faults import BadManifest
from api.trusted import sha256
from graph.client import Settings
from tests import served
from tests.integration.test_api_stream import receive, socket_of
from tests.served import Served

pytestmark = pytest.mark.integration

FIELDS = "recommendations(first: $n) { nodes { rank item { title } explanation { sentence cypher } } }"
LIST = f'query List($n: Int) {{ user(id: "u0") {{ {FIELDS} }} }}'
LONG = "query Long { model { version } # " + "x" * 6_000 + "\n}"
GRAPHQL = {"accept": "application/graphql-response+json"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("documents") / "persisted.json"
    path.write_text(json.dumps({"a1": LIST, "a2": LONG}))
    return path


@pytest.fixture(scope="module")
def strict(neo4j: Settings, models: Path, manifest: Path) -> Iterator[Served]:
    """An API that runs nothing else."""
    settings = served.settings(neo4j, models, documents=manifest, trusted_only=True)
    with served.serving(settings) as running:
        yield running


@pytest.fixture(scope="module")
def open_(neo4j: Settings, models: Path, manifest: Path) -> Iterator[Served]:
    """An API that runs others too."""
    with served.serving(served.settings(neo4j, models, documents=manifest)) as running:
        yield running


def code(answer: httpx.Response) -> str:
    assert "data" not in answer.json()
    return answer.json()["errors"][0]["extensions"]["code"]


def persisted(name: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": name}}


@pytest.mark.parametrize(
    "request_",
    [
        {"documentId": "a1"},
        {"documentId": sha256(LIST)},
        {"documentId": f"sha256:{sha256(LIST)}"},
        {"extensions": persisted(sha256(LIST))},
        {"query": LIST, "extensions": persisted(sha256(LIST))},
        {"query": LIST},
    ],
)
def test_a_known_document_runs_however_it_is_named(strict: Served, request_: dict[str, Any]) -> None:
    answer = strict.http.post("/graphql", json=request_ | {"variables": {"n": 2}})
    assert len(answer.json()["data"]["user"]["recommendations"]["nodes"]) == 2


def test_a_known_document_runs_over_get_and_sockets(strict: Served) -> None:
    answer = strict.http.get("/graphql", params={"documentId": "a1", "variables": '{"n": 1}'})
    assert len(answer.json()["data"]["user"]["recommendations"]["nodes"]) == 1
    by_extension = strict.http.get("/graphql", params={"extensions": json.dumps(persisted(sha256(LONG)))})
    assert "version" in by_extension.json()["data"]["model"]
    with socket_of(strict) as ws:
        ws.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"documentId": "a2"}}))
        assert "version" in receive(ws)["payload"]["data"]["model"]


def test_any_other_document_is_refused_before_it_is_parsed(strict: Served) -> None:
    for query in (LIST + " ", "{ __typename }", "{"):
        answer = strict.http.post("/graphql", json={"query": query}, headers=GRAPHQL)
        assert (answer.status_code, code(answer)) == (400, "DOCUMENT_NOT_TRUSTED")
        assert code(strict.http.get("/graphql", params={"query": query})) == "DOCUMENT_NOT_TRUSTED"
    with socket_of(strict) as ws:
        ws.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": "{ __typename }"}}))
        assert receive(ws)["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
    answer = strict.http.post("/graphql", json={"query": "{ a }", "extensions": persisted(sha256("{ a }"))})
    assert code(answer) == "DOCUMENT_NOT_TRUSTED"


def test_an_unknown_id_is_told_in_the_words_that_clients_look_for(strict: Served, open_: Served) -> None:
    for api in (strict, open_):
        for unknown in ({"documentId": "a3"}, {"extensions": persisted("0" * 64)}):
            answer = api.http.post("/graphql", json=unknown)
            assert code(answer) == "PERSISTED_QUERY_NOT_FOUND"
            assert answer.json()["errors"][0]["message"] == "PersistedQueryNotFound"


def test_an_id_that_is_no_string_is_told_apart_from_none(strict: Served, open_: Served) -> None:
    named: list[dict[str, Any]] = [{"documentId": 5}, {"extensions": {"persistedQuery": {"sha256Hash": 5}}}]
    for api in (strict, open_):
        for body in named:
            answer = api.http.post("/graphql", json=body, headers=GRAPHQL)
            assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")
            assert "must be a string" in answer.json()["errors"][0]["message"]


def test_a_browser_that_opens_the_address_of_a_document_gets_its_answer(
    strict: Served, neo4j: Settings, models: Path, manifest: Path
) -> None:
    accept = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    asked = {"extensions": json.dumps(persisted("a1")), "variables": '{"n": 1}'}
    hidden = served.settings(neo4j, models, documents=manifest, development=False)
    with served.serving(hidden) as production:
        for api in (strict, production):
            answer = api.http.get("/graphql", params=asked, headers=accept)
            assert len(answer.json()["data"]["user"]["recommendations"]["nodes"]) == 1
        nothing = production.http.get("/graphql", headers=accept)
        assert (nothing.status_code, code(nothing)) == (400, "BAD_REQUEST")


def test_where_others_run_too_an_id_must_be_that_of_the_query_beside_it(open_: Served) -> None:
    query = "{ __typename }"
    for right in ({"extensions": persisted(sha256(query))}, {"documentId": sha256(query)}, {"documentId": None}):
        answer = open_.http.post("/graphql", json={"query": query, **right})
        assert answer.json()["data"] == {"__typename": "Query"}
    wrong = "0" * 64
    for named in ({"extensions": persisted(wrong)}, {"documentId": wrong}):
        assert code(open_.http.post("/graphql", json={"query": query, **named})) == "BAD_REQUEST"
        with socket_of(open_) as ws:
            ws.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query, **named}}))
            assert receive(ws)["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert code(open_.http.get("/graphql", params={"query": query, "documentId": wrong})) == "BAD_REQUEST"
    assert "data" in open_.http.get("/graphql", params={"query": query, "documentId": sha256(query)}).json()


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"a": 1}', '{"a": "{ nothing }"}', '{"a": "{"}', '{"operations": [{"id": "a"}]}',
     json.dumps({"a": "{ users(first: 100) { nodes { recommendations(first: 100) { nodes { rank } } } } }"})],
)  # fmt: skip
def test_a_manifest_that_cannot_be_served_stops_the_start(
    neo4j: Settings, models: Path, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(BadManifest):
        create_app(served.settings(neo4j, models, documents=path))


def test_the_manifest_of_apollos_tools_is_read_too(neo4j: Settings, models: Path, tmp_path: Path) -> None:
    operation = {"id": "o1", "name": "Model", "type": "query", "body": "query Model { model { version } }"}
    path = tmp_path / "apollo.json"
    path.write_text(json.dumps({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}))
    with served.serving(served.settings(neo4j, models, documents=path)) as api:
        assert "version" in api.http.post("/graphql", json={"documentId": "o1"}).json()["data"]["model"]


def raw(api: Served, encodings: str, n: int) -> tuple[httpx.Headers, bytes]:
    body = {"documentId": "a1", "variables": {"n": n}}
    with api.http.stream("POST", "/graphql", json=body, headers={"accept-encoding": encodings}) as answer:
        return answer.headers, b"".join(answer.iter_raw())


def test_answers_are_compressed_as_the_client_can_read_them(open_: Served) -> None:
    plain, whole = raw(open_, "identity", 20)
    assert "content-encoding" not in plain
    assert len(whole) > 5_000
    for name, expand in (
        ("gzip", gzip.decompress),
        ("br", brotli.decompress),
        ("zstd", zstandard.ZstdDecompressor().decompressobj().decompress),
    ):
        headers, small = raw(open_, name, 20)
        assert headers["content-encoding"] == name
        assert "accept-encoding" in headers["vary"].lower()
        assert json.loads(expand(small))["data"] is not None
        assert len(small) < len(whole) / 3
        print(f"{name}: {len(whole)} bytes as {len(small)}")


def test_short_answers_and_clients_that_cannot_are_left_alone(open_: Served) -> None:
    assert "content-encoding" not in open_.http.post("/graphql", json={"documentId": "a2"}).headers
    assert "content-encoding" not in raw(open_, "snappy", 20)[0]


def test_a_compressed_stream_still_comes_at_once(open_: Served) -> None:
    body = {"query": 'subscription { recommendations(user: "u0", first: 20) { nodes { item { title } } } }'}
    headers = {"accept": "text/event-stream", "accept-encoding": "gzip"}
    with open_.http.stream("POST", "/graphql", json=body, headers=headers, timeout=5) as answer:
        assert next(answer.iter_lines()) == "event: next"
