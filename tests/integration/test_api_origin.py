"""Pages of other sites: who may call from a browser, and under which name the service answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from graph.client import Settings
from tests import served
from tests.integration.test_api_stream import socket_of
from tests.served import Served

pytestmark = pytest.mark.integration

SHOP = "https://shop.example"
EVIL = "https://evil.example"
BODY = {"query": "{ __typename }"}


@pytest.fixture(scope="module")
def api(neo4j: Settings, models: Path) -> Iterator[Served]:
    """The API as loopback serves it, with one origin allowed."""
    with served.serving(served.settings(neo4j, models, hosts=("127.0.0.1",), origins=(SHOP,))) as running:
        yield running


def test_a_page_of_an_allowed_origin_may_call_and_read(api: Served) -> None:
    asked = {"origin": SHOP, "access-control-request-method": "POST",
             "access-control-request-headers": "authorization,content-type,traceparent,tracestate"}  # fmt: skip
    before = api.http.options("/graphql", headers=asked)
    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-credentials" not in before.headers
    for body in (BODY, {"query": "{"}):
        answer = api.http.post("/graphql", json=body, headers={"origin": SHOP})
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert "Origin" in answer.headers["vary"]
    refused = api.http.put("/graphql", json=BODY, headers={"origin": SHOP})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (405, SHOP)


def test_a_page_of_another_origin_may_not(api: Served) -> None:
    before = api.http.options("/graphql", headers={"origin": EVIL, "access-control-request-method": "POST"})
    assert before.status_code == 400
    answer = api.http.post("/graphql", json=BODY, headers={"origin": EVIL})
    assert "access-control-allow-origin" not in answer.headers


def test_sockets_follow_the_same_origins(api: Served) -> None:
    with socket_of(api, origin=Origin(SHOP)):
        pass
    with pytest.raises(InvalidStatus), socket_of(api, origin=Origin(EVIL)):
        pass


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "[::1]:8000", "", "127.0.0.1.evil.example"])
def test_another_name_for_this_machine_is_not_answered(api: Served, host: str) -> None:
    for path in ("/graphql?query={__typename}", "/", "/metrics"):
        answer = api.http.get(path, headers={"host": host})
        assert answer.status_code == 421
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNKNOWN_HOST"
    with pytest.raises(InvalidStatus), socket_of(api, additional_headers={"host": host}):
        pass


def test_its_own_name_is_answered_with_and_without_a_port(api: Served) -> None:
    for host in ("127.0.0.1", "127.0.0.1:8000"):
        assert api.http.post("/graphql", json=BODY, headers={"host": host}).status_code == 200
