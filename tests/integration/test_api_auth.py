"""Who is let in, and what a refused call leaves behind: nothing."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from api.auth import AuthSettings
from api.identity import Scope
from api.keys import KeyFile
from api.limits import Limits
from graph.client import Client, Settings
from tests import credentials, served
from tests.guarded import OWN, Guarded, refusal
from tests.integration.test_api_stream import FOLLOW, receive, socket_of, subscribe

pytestmark = pytest.mark.integration

ERASE = 'mutation { eraseUser(id: "u1") { erasedEvents } }'


def record(user: str) -> str:
    event = f'{{user: "{user}", item: "i0", type: "view", eventId: "auth-{user}"}}'
    return f"mutation {{ recordEvents(input: {{events: [{event}]}}) {{ recorded }} }}"


def contents(client: Client) -> list[dict[str, Any]]:
    """Return what the graph holds, as far as a mutation could change it."""
    return [
        *client.read("MATCH (n) RETURN count(n) AS nodes, sum(size(keys(n))) AS properties"),
        *client.read("MATCH ()-[r]->() RETURN count(r) AS relationships, sum(size(keys(r))) AS properties"),
    ]


def test_nobody_without_credentials_is_let_in(guarded: Guarded) -> None:
    answer = guarded.ask("{ __typename }", None)
    assert refusal(answer) == (401, "UNAUTHENTICATED", "NO_CREDENTIALS")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert guarded.api.http.get("/graphql", params={"query": "{ __typename }"}).status_code == 401
    assert guarded.api.http.get("/metrics").status_code == 401
    assert guarded.api.http.get("/healthz").status_code == 200
    assert guarded.api.http.get("/readyz").status_code == 200


def test_a_key_opens_by_either_header(guarded: Guarded) -> None:
    key = guarded.keys[Scope.SERVICE]
    assert guarded.ask(OWN, key).status_code == 200
    assert guarded.ask(OWN, None, **{"x-api-key": key}).status_code == 200
    assert guarded.api.http.get("/metrics", headers={"x-api-key": key}).status_code == 200
    customer = {"x-api-key": guarded.keys[Scope.CUSTOMER]}
    assert guarded.api.http.get("/metrics", headers=customer).status_code == 403


def test_other_ways_to_say_who_one_is_are_refused(guarded: Guarded) -> None:
    basic = guarded.ask(OWN, None, authorization="Basic dTA6cGFzcw==")
    assert refusal(basic) == (401, "UNAUTHENTICATED", "TOKEN_MALFORMED")
    cookie = guarded.ask(OWN, None, cookie=f"token={guarded.keys[Scope.ADMIN]}")
    assert refusal(cookie) == (401, "UNAUTHENTICATED", "NO_CREDENTIALS")


def test_an_expired_key_says_so(guarded: Guarded) -> None:
    _, text = guarded.file.create(frozenset({Scope.SERVICE}), days=0.0)
    served.until(lambda: refusal(guarded.ask(OWN, text))[2] == "KEY_EXPIRED")


def test_a_revoked_key_is_refused_within_seconds(guarded: Guarded) -> None:
    key, text = guarded.file.create(frozenset({Scope.SERVICE}))
    served.until(lambda: guarded.ask(OWN, text).status_code == 200)
    guarded.file.revoke(key.id)
    served.until(lambda: guarded.ask(OWN, text).status_code == 401)


def test_a_service_that_is_open_asks_for_a_key_once_there_is_one(neo4j: Settings, models: Path, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    settings = served.settings(neo4j, models, auth=AuthSettings(file.path, open_until_key=True))
    with served.serving(settings) as api, socket_of(api) as ws:

        def answered(credentials: str | None = None) -> int:
            sent = {"authorization": f"Bearer {credentials}"} if credentials else {}
            return api.http.post("/graphql", json={"query": OWN}, headers=sent).status_code

        assert answered() == 200
        subscribe(ws, "1", user="u0", first=2)
        assert receive(ws)["type"] == "next"
        key, text = file.create(frozenset({Scope.SERVICE}))
        served.until(lambda: answered() == 401)
        assert answered(text) == 200
        assert api.http.get("/metrics").status_code == 401
        assert "do not hold any more" in str(receive(ws, 10))
        file.revoke(key.id)
        served.until(lambda: answered(text) == 401)
        assert answered() == 401
    # So does a worker that begins only now, and has never seen the key.
    with served.serving(settings) as api:
        assert api.http.post("/graphql", json={"query": OWN}).status_code == 401


@pytest.mark.parametrize(
    ("scope", "query"),
    [
        (Scope.CUSTOMER, record("u1")),
        (Scope.CUSTOMER, ERASE),
        (Scope.CUSTOMER, 'mutation { eraseUser(id: "u0") { erasedEvents } }'),
        (Scope.ANALYST, record("u1")),
        (Scope.ANALYST, ERASE),
        (Scope.SERVICE, ERASE),
        # One field too many, and nothing of the operation is done.
        (Scope.SERVICE, record("u2")[:-1] + ' eraseUser(id: "u1") { erasedEvents } }'),
        (Scope.CUSTOMER, '{ user(id: "u1") { externalId } }'),
        (Scope.CUSTOMER, '{ node(id: "VXNlcjp1MQ==") { id } }'),
        (Scope.CUSTOMER, "{ users { nodes { externalId } } }"),
    ],
)
def test_a_denied_call_is_403_and_changes_nothing(
    guarded: Guarded, session_client: Client, scope: Scope, query: str
) -> None:
    before = contents(session_client)
    answer = guarded.ask(query, guarded.keys[scope])
    assert refusal(answer) == (403, "FORBIDDEN", None)
    assert contents(session_client) == before


@pytest.mark.parametrize(("name", "value", "secret"), [("shoes", "1", "income"), ("income", "vast", "low")])
def test_a_refusal_tells_no_customer_what_the_shop_knows_of_customers(
    guarded: Guarded, name: str, value: str, secret: str
) -> None:
    change = f'{{attributes: [{{name: "{name}", value: "{value}"}}]}}'
    query = f'{{ user(id: "u0") {{ whatIf(change: {change}, first: 1) {{ after {{ rank }} }} }} }}'
    for scope, told in ((Scope.CUSTOMER, False), (Scope.SERVICE, True)):
        error = guarded.ask(query, guarded.keys[scope]).json()["errors"][0]
        assert error["extensions"]["argument"] == "change.attributes[0]"
        assert (secret in error["message"]) is told


def test_what_is_allowed_is_done(guarded: Guarded, session_client: Client) -> None:
    before = contents(session_client)
    assert guarded.ask(record("u0"), guarded.keys[Scope.CUSTOMER]).json()["data"]["recordEvents"]["recorded"] == 1
    assert (
        guarded.ask(record("auth-guest"), guarded.keys[Scope.SERVICE]).json()["data"]["recordEvents"]["recorded"] == 1
    )
    assert contents(session_client) != before
    erase = 'mutation { eraseUser(id: "auth-guest") { erasedEvents } }'
    assert guarded.ask(erase, guarded.keys[Scope.ADMIN]).json()["data"]["eraseUser"]["erasedEvents"] == 1


def test_a_socket_begins_with_credentials_and_ends_with_them(guarded: Guarded) -> None:
    url = guarded.api.url.replace("http", "ws") + "/graphql"
    protocol = [Subprotocol("graphql-transport-ws")]
    with connect(url, subprotocols=protocol) as ws:
        ws.send(json.dumps({"type": "connection_init"}))
        with pytest.raises(ConnectionClosed, match="4403"):
            receive(ws)
    with connect(url, subprotocols=protocol) as ws:
        ws.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {credentials.token()}"}}))
        assert receive(ws)["type"] == "connection_ack"
        subscribe(ws, "1", FOLLOW, user="u0", first=1)
        assert receive(ws)["type"] == "next"
        subscribe(ws, "2", FOLLOW, user="u1", first=1)
        refused = receive(ws)
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")
    key, text = guarded.file.create(frozenset({Scope.CUSTOMER}), user="u0")
    served.until(lambda: guarded.ask(OWN, text).status_code == 200)
    with connect(url, subprotocols=protocol, additional_headers={"x-api-key": text}) as ws:
        ws.send(json.dumps({"type": "connection_init"}))
        assert receive(ws)["type"] == "connection_ack"
        guarded.file.revoke(key.id)
        served.until(lambda: guarded.ask(OWN, text).status_code == 401)
        subscribe(ws, "1", FOLLOW, user="u0", first=1)
        assert receive(ws)["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_stream_ends_with_its_key_though_nothing_happens(guarded: Guarded) -> None:
    key, text = guarded.file.create(frozenset({Scope.CUSTOMER}), user="u0")
    served.until(lambda: guarded.ask(OWN, text).status_code == 200)
    with connect(
        guarded.api.url.replace("http", "ws") + "/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]
    ) as ws:
        ws.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {text}"}}))
        assert receive(ws)["type"] == "connection_ack"
        subscribe(ws, "1", FOLLOW, user="u0", first=1)
        assert "errors" not in receive(ws)["payload"]
        guarded.file.revoke(key.id)
        assert receive(ws, 30)["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_who_sends_too_much_is_told_when_to_come_again(neo4j: Settings, models: Path, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    texts = [file.create(frozenset({Scope.SERVICE}))[1] for _ in range(2)]
    settings = served.settings(neo4j, models, auth=AuthSettings(file.path), limits=Limits(rate_per_s=0.5, burst=3))
    with served.serving(settings) as api:

        def ask(text: str) -> httpx.Response:
            return api.http.post("/graphql", json={"query": "{ __typename }"}, headers={"x-api-key": text})

        assert [ask(texts[0]).status_code for _ in range(4)] == [200, 200, 200, 429]
        limited = ask(texts[0])
        assert refusal(limited)[:2] == (429, "RATE_LIMITED")
        assert 1 <= int(limited.headers["retry-after"]) <= 2
        assert limited.json()["errors"][0]["extensions"]["retryAfter"] == int(limited.headers["retry-after"])
        assert ask(texts[1]).status_code == 200


def test_introspection_and_suggestions_are_off_in_production(guarded: Guarded) -> None:
    key = guarded.keys[Scope.ADMIN]
    assert guarded.ask("{ __schema { types { name } } }", key).status_code == 400
    message = guarded.ask("{ modelz { version } }", key).json()["errors"][0]["message"]
    assert "Did you mean" not in message
    assert "model" not in message.replace("modelz", "")
    assert guarded.api.http.get("/graphql", headers={"accept": "text/html"}).status_code == 401
