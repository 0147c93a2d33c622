"""GraphQL over HTTP: status codes, media types, limits, headers, health."""

import json
import re
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from api.app import create_app
from api.limits import Limits
from graph.client import Settings
from tests import served
from tests.served import Served

pytestmark = pytest.mark.integration

GRAPHQL = "application/graphql-response+json"
OK = {"query": "{ __typename }"}


def post(api: Served, body: Any, accept: str = GRAPHQL, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return api.http.post(
        "/graphql", content=content, headers={"content-type": "application/json", "accept": accept} | headers
    )


def code(answer: httpx.Response) -> str:
    return answer.json()["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize("accept", [GRAPHQL, "application/json", "*/*"])
def test_the_answer_has_the_media_type_that_was_asked_for(api: Served, accept: str) -> None:
    answer = post(api, OK, accept)
    assert answer.status_code == 200
    expected = "application/json" if accept == "*/*" else accept
    assert answer.headers["content-type"] == f"{expected}; charset=utf-8"
    assert answer.json()["data"] == {"__typename": "Query"}


def test_a_client_that_would_also_take_a_stream_gets_the_plain_answer_that_it_prefers(api: Served) -> None:
    """What urql sends with each query."""
    accept = f"{GRAPHQL}, application/graphql+json, application/json, text/event-stream, multipart/mixed"
    answer = post(api, OK, accept)
    assert answer.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert answer.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ user { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ('{ user(id: "u0") }', "GRAPHQL_VALIDATION_FAILED"),
        ("{ a " * 400 + "}" * 400, "QUERY_TOO_DEEP"),
        ("{ a " * 650 + "}" * 650, "QUERY_TOO_DEEP"),
        ("{ " + "a " * 3_000 + "}", "QUERY_TOO_LONG"),
        ("query A { __typename } query B { __typename }", "BAD_REQUEST"),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(40)) + " }", "TOO_MANY_ALIASES"),
        (
            "{ users(first: 100) { edges { node { recommendations(first: 100) { edges { node { rank } } } } } } }",
            "QUERY_TOO_COSTLY",
        ),
    ],
)
def test_a_document_that_cannot_run_is_400_without_data(api: Served, query: str, expected: str) -> None:
    answer = post(api, {"query": query})
    assert answer.status_code == 400
    assert "data" not in answer.json()
    assert code(answer) == expected
    plain = post(api, {"query": query}, "application/json")
    assert (plain.status_code, code(plain)) == (200, expected)


def test_variables_of_the_wrong_type_are_400(api: Served) -> None:
    answer = post(api, {"query": "query ($n: Int!) { items(first: $n) { edges { cursor } } }", "variables": {"n": "x"}})
    assert (answer.status_code, code(answer)) == (400, "BAD_USER_INPUT")


def test_a_failed_field_is_200_with_what_did_succeed(api: Served) -> None:
    answer = post(api, {"query": '{ item(id: "i0") { id } items(first: 500) { edges { cursor } } }'})
    assert answer.status_code == 200
    assert answer.json()["data"] is None  # items is not nullable
    assert answer.json()["errors"][0]["path"] == ["items"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"1", b'"x"', b"null", b"{}", b'{"query": 1}', b'{"query": null}', b'{"query": ""}',
     b'{"query": "{ a }", "variables": "x"}', b'{"query": "{ a }", "variables": [1]}',
     b'{"query": "{ a }", "extensions": 5}', b'{"query": "{ __typename }", "operationName": 5}',
     b'[{"query": "{ __typename }"}]',
     b'{"query": "{ __typename }", "operationName": "Other"}', b"\xff\xfe"],
)  # fmt: skip
def test_a_malformed_request_is_400_in_json(api: Served, body: bytes) -> None:
    for accept in (GRAPHQL, "application/json"):
        answer = post(api, body, accept)
        assert answer.status_code == 400, answer.text
        assert code(answer) == "BAD_REQUEST"


def test_null_variables_extensions_and_operation_name_are_allowed(api: Served) -> None:
    assert post(api, {**OK, "variables": None, "extensions": None, "operationName": None}).status_code == 200
    named = {"query": "query A { __typename } query B { b: __typename }", "operationName": "B", "extensions": {"x": 1}}
    assert post(api, named).json()["data"] == {"b": "Query"}


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/jsonp",
     "application/json; charset=utf-16", "APPLICATION/JSON; Charset=UTF-16"],
)  # fmt: skip
def test_what_a_form_of_another_site_can_send_is_refused(api: Served, kind: str) -> None:
    answer = api.http.post("/graphql", content=json.dumps(OK), headers={"content-type": kind})
    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_media_type_may_be_written_in_capitals(api: Served) -> None:
    for kind in ("Application/JSON", "application/json; Charset=UTF-8"):
        assert api.http.post("/graphql", content=json.dumps(OK), headers={"content-type": kind}).status_code == 200


@pytest.mark.parametrize("name", ["variables", "extensions"])
def test_a_parameter_of_the_address_that_is_no_object_is_named(api: Served, name: str) -> None:
    for text in ("x", "[1]", "null"):
        answer = api.http.get("/graphql", params={"query": "{ __typename }", name: text})
        assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")
        assert f"`{name}`" in answer.json()["errors"][0]["message"]


def test_what_nobody_expected_is_told_in_json_under_the_request_id(
    api: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("the message names u0")

    with monkeypatch.context() as patch:
        patch.setattr(api.app.recommender, "forget_erased", broken)
        answer = post(api, OK)
    assert answer.status_code == 500
    request = answer.headers["x-request-id"]
    assert answer.json()["errors"][0]["extensions"] == {"code": "INTERNAL", "requestId": request}
    assert "u0" not in answer.text
    (line,) = (record for record in caplog.records if record.getMessage() == "request failed")
    assert (vars(line)["request"], vars(line)["cause"]) == (request, "RuntimeError")
    assert post(api, OK).status_code == 200


def test_get_reads_and_never_writes(api: Served) -> None:
    answer = api.http.get("/graphql", params={"query": 'query ($i: String!) { item(id: $i) { title } }',
                                              "variables": '{"i": "i0"}'})  # fmt: skip
    assert answer.json()["data"] == {"item": {"title": "Coffee No. 0"}}
    refused = api.http.get("/graphql", params={"query": 'mutation { eraseUser(id: "u0") { erasedEvents } }'})
    assert (refused.status_code, code(refused), refused.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", "POST")
    assert api.ask('{ user(id: "u0") { externalId } }')["user"] == {"externalId": "u0"}
    assert api.http.get("/graphql").status_code == 400
    assert api.http.get("/graphql", params={"query": "{ a }", "variables": "x"}).status_code == 400


def test_other_methods_and_places_are_refused(api: Served) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        answer = api.http.request(method, "/graphql", json=OK)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert api.http.get("/nothing").status_code == 404
    assert api.http.get("/web/../app.py").status_code == 404
    assert api.http.get("/web/%2e%2e/app.py").status_code == 404


def test_an_answer_in_a_type_that_is_not_ours_is_refused(api: Served) -> None:
    assert post(api, OK, "image/png").status_code == 406


def test_a_subscription_over_plain_http_says_where_to_go(api: Served) -> None:
    answer = post(api, {"query": 'subscription { recommendations(user: "u0") { modelVersion } }'})
    assert answer.status_code == 400
    assert "text/event-stream" in answer.json()["errors"][0]["message"]


def test_a_body_over_the_limit_is_refused_declared_or_not(api: Served) -> None:
    huge = json.dumps({"query": "{ __typename }", "variables": {"x": "y" * 1_100_000}}).encode()
    declared = post(api, huge)
    assert (declared.status_code, code(declared)) == (413, "BODY_TOO_LARGE")

    def pieces() -> Any:
        for start in range(0, len(huge), 65_536):
            yield huge[start : start + 65_536]

    streamed = api.http.post("/graphql", content=pieces(), headers={"content-type": "application/json"})
    assert (streamed.status_code, code(streamed)) == (413, "BODY_TOO_LARGE")
    assert post(api, OK).status_code == 200


def test_answers_carry_headers_that_keep_browsers_safe(api: Served) -> None:
    for path in ("/", "/graphql?query={__typename}", "/healthz", "/nothing"):
        headers = api.http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert len(headers["x-request-id"]) == 32
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_the_page_has_no_inline_script_and_asks_nobody_else(api: Served) -> None:
    linked = re.findall(r'(?:src|href)="(/web/[^"]+)"', api.http.get("/").text)
    assert {Path(path).suffix for path in linked} == {".js", ".css", ".svg"}
    for path in ("/", *linked):
        answer = api.http.get(path)
        assert answer.status_code == 200
        assert "https://" not in answer.text
        assert "<script>" not in answer.text
        assert "onclick=" not in answer.text


def test_health_and_metrics_tell_the_truth(api: Served) -> None:
    assert api.http.get("/healthz").text == "alive\n"
    assert api.http.get("/readyz").json() == {"ready": True, "reasons": []}
    text = api.http.get("/metrics").text
    assert 'attune_http_requests_total{path="/readyz",status="200"}' in text
    assert 'attune_graphql_errors_total{code="GRAPHQL_PARSE_FAILED"}' in text
    assert "attune_phase_seconds_bucket" in text
    assert "attune_model_age_seconds" in text


def test_graphiql_is_for_browsers_and_says_how_to_get_its_files(api: Served) -> None:
    answer = api.http.get("/graphql", headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 200
    assert "make setup" in answer.text


def test_production_hides_the_schema(neo4j: Settings, models: Any) -> None:
    with served.serving(served.settings(neo4j, models, development=False)) as api:
        errors = post(api, {"query": "{ __schema { queryType { name } } }"}).json()["errors"]
        assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}
        assert "Did you mean" not in api.refused("{ itemz { edges { cursor } } }")["message"]
        assert api.http.get("/graphql", headers={"accept": "text/html"}).status_code != 200
        assert api.ask('{ item(id: "i0") { __typename } }')["item"] == {"__typename": "Item"}


def test_a_request_that_takes_too_long_is_ended(neo4j: Settings, models: Any) -> None:
    with served.serving(served.settings(neo4j, models, limits=Limits(request_timeout_s=0.0001))) as api:
        answer = post(api, {"query": '{ user(id: "u0") { recommendations { edges { node { rank } } } } }'})
        assert (answer.status_code, code(answer)) == (503, "REQUEST_TIMEOUT")
        assert api.http.get("/healthz").status_code == 200


def test_introspection_works_in_development(api: Served) -> None:
    from graphql import IntrospectionQuery, build_client_schema, get_introspection_query

    assert build_client_schema(cast("IntrospectionQuery", api.ask(get_introspection_query()))).query_type


def test_without_a_model_lists_say_so_and_come_when_one_is_promoted(
    neo4j: Settings, models: Any, tmp_path: Any
) -> None:
    from gnn.artefact import load, save
    from gnn.registry import Registry

    with served.serving(served.settings(neo4j, tmp_path)) as api:
        ready = api.http.get("/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["model: no model has been trained yet"])
        query = '{ user(id: "u0") { purchasePower { known } recommendations { modelVersion } } }'
        assert api.refused(query)["extensions"]["code"] == "MODEL_UNAVAILABLE"
        assert api.ask("{ model { version } }") == {"model": None}
        current = Registry(models).current()
        assert current is not None
        Registry(tmp_path).promote(save(load(current), tmp_path).name)
        served.until(lambda: api.http.get("/readyz").status_code == 200)
        assert api.ask(query)["user"]["recommendations"]["modelVersion"] == current.name


def test_a_damaged_model_is_not_taken_and_the_old_one_stays(neo4j: Settings, models: Any, tmp_path: Any) -> None:
    from dataclasses import replace

    from gnn.artefact import load, save
    from gnn.registry import Registry

    current = Registry(models).current()
    assert current is not None
    good = load(current)
    Registry(tmp_path).promote(save(good, tmp_path).name)
    with served.serving(served.settings(neo4j, tmp_path)) as api:
        newer = replace(good, manifest=replace(good.manifest, version="20990101T000000-damaged"))
        folder = save(newer, tmp_path)
        Registry(tmp_path).promote(folder.name)
        (folder / "weights.safetensors").write_bytes(b"damaged")
        served.until(lambda: _ready(api) and "refused" in api.app.recommender.models.problem)
        assert api.ask("{ model { version } }")["model"]["version"] == good.version
        assert api.http.get("/readyz").status_code == 200


def _ready(api: Served) -> bool:
    return api.http.get("/readyz").status_code == 200


def test_an_address_that_is_none_is_told_before_serving(tmp_path: Any) -> None:
    from graph.errors import Unavailable

    with pytest.raises(Unavailable, match="is not an address"):
        create_app(served.settings(Settings("nowhere:7687", "neo4j", "x"), tmp_path))
