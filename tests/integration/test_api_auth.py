"""Who is let in, and what a refused call leaves behind: nothing."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from api.auth import AuthSettings
from api.identity import Scope
from api.keys import KeyFile
from api.limits import Limits
from api.tokens import TokenSettings
from graph.client import Client, Settings
from tests import credentials, served
from tests.credentials import AUDIENCE, ISSUER, Login
from tests.integration.test_api_stream import FOLLOW, receive, socket_of, subscribe
from tests.served import Served

pytestmark = pytest.mark.integration

OWN = '{ user(id: "u0") { externalId recommendations(first: 2) { nodes { rank explanation { sentence } } } } }'
ERASE = 'mutation { eraseUser(id: "u1") { erasedEvents } }'


def record(user: str) -> str:
    event = f'{{user: "{user}", item: "i0", type: "view", eventId: "auth-{user}"}}'
    return f"mutation {{ recordEvents(input: {{events: [{event}]}}) {{ recorded }} }}"


@dataclass(frozen=True)
class Guarded:
    """An API that asks for keys and tokens."""

    api: Served
    login: Login
    keys: dict[Scope, str]
    file: KeyFile

    def ask(self, query: str, credentials: str | None, **headers: str) -> httpx.Response:
        sent = {"accept": "application/graphql-response+json"} | headers
        if credentials is not None:
            sent["authorization"] = f"Bearer {credentials}"
        return self.api.http.post("/graphql", json={"query": query}, headers=sent)


@pytest.fixture(scope="module")
def guarded(neo4j: Settings, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    file = KeyFile(tmp_path_factory.mktemp("keys") / "keys.json")
    keys = {
        scope: file.create(frozenset({scope}), user="u0" if scope is Scope.CUSTOMER else None)[1] for scope in Scope
    }
    with credentials.login("RS256", "ES256", "EdDSA") as login:
        tokens = TokenSettings(login.url, issuer=ISSUER, audience=AUDIENCE, retry_s=0.0)
        settings = served.settings(neo4j, models, auth=AuthSettings(file.path, tokens), development=False)
        with served.serving(settings) as api:
            yield Guarded(api, login, keys, file)


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    extensions = answer.json()["errors"][0]["extensions"]
    assert "data" not in answer.json()
    return answer.status_code, extensions["code"], extensions.get("reason")


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


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_each_kind_opens_its_own_user(guarded: Guarded, algorithm: str) -> None:
    answer = guarded.ask(OWN, credentials.token(algorithm))
    assert answer.status_code == 200
    assert len(answer.json()["data"]["user"]["recommendations"]["nodes"]) == 2


def test_a_key_opens_by_either_header(guarded: Guarded) -> None:
    key = guarded.keys[Scope.SERVICE]
    assert guarded.ask(OWN, key).status_code == 200
    assert guarded.ask(OWN, None, **{"x-api-key": key}).status_code == 200
    assert guarded.api.http.get("/metrics", headers={"x-api-key": key}).status_code == 200
    customer = {"x-api-key": guarded.keys[Scope.CUSTOMER]}
    assert guarded.api.http.get("/metrics", headers=customer).status_code == 403


def without_kid() -> str:
    return credentials.token(kid=None)


def hmac_with_the_public_key() -> str:
    public = json.dumps(credentials.key_set("EdDSA")["keys"][0]) * 2
    return jwt.encode({"sub": "u0", "exp": time.time() + 60}, public, algorithm="HS256", headers={"kid": "eddsa"})


def unsigned() -> str:
    return jwt.encode({"sub": "u0", "exp": time.time() + 60}, "", algorithm="none")


def signed_by_a_stranger() -> str:
    return credentials.token("RS256", key=rsa.generate_private_key(65_537, 2_048))


def of_another_kind_than_its_key() -> str:
    return credentials.token("RS256", kid="eddsa")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: "x", "TOKEN_MALFORMED"),
        (lambda: "a.b.c", "TOKEN_MALFORMED"),
        (lambda: "x" * 20_000, "TOKEN_MALFORMED"),
        (lambda: credentials.token()[:-8] + "AAAAAAAA", "TOKEN_REFUSED"),
        (lambda: credentials.token(exp=int(time.time()) - 60), "TOKEN_EXPIRED"),
        (lambda: credentials.token(exp=None), "TOKEN_REFUSED"),
        (lambda: credentials.token(exp="soon"), "TOKEN_MALFORMED"),
        (lambda: credentials.token(nbf=int(time.time()) + 600), "TOKEN_REFUSED"),
        (lambda: credentials.token(aud="another"), "TOKEN_REFUSED"),
        (lambda: credentials.token(aud=None), "TOKEN_REFUSED"),
        (lambda: credentials.token(iss="https://evil.example"), "TOKEN_REFUSED"),
        (lambda: credentials.token(sub=None), "TOKEN_REFUSED"),
        (lambda: credentials.token(sub=7), "TOKEN_REFUSED"),
        (lambda: credentials.token(sub="\ud800"), "TOKEN_REFUSED"),
        (lambda: credentials.token(exp=10**400), "TOKEN_REFUSED"),
        (lambda: credentials.token(kid="unknown"), "UNKNOWN_KEY"),
        (without_kid, "UNKNOWN_KEY"),
        (hmac_with_the_public_key, "TOKEN_REFUSED"),
        (unsigned, "TOKEN_REFUSED"),
        (signed_by_a_stranger, "TOKEN_REFUSED"),
        (of_another_kind_than_its_key, "TOKEN_REFUSED"),
        (lambda: "attune_0123456789ab_nonsense", "KEY_REFUSED"),
        (lambda: "attune_", "KEY_REFUSED"),
    ],
)
def test_what_is_not_a_valid_token_is_401_with_its_reason(
    guarded: Guarded, make: Callable[[], str], reason: str
) -> None:
    answer = guarded.ask(OWN, make())
    assert refusal(answer) == (401, "UNAUTHENTICATED", reason)
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: credentials.token(exp=None), "`exp`"),
        (lambda: credentials.token(nbf=int(time.time()) + 600), "`nbf`"),
        (lambda: credentials.token(iss="https://evil.example"), "`iss`"),
        (lambda: credentials.token(aud="another"), "`aud`"),
        (lambda: credentials.token(aud=None), "`aud`"),
        (lambda: credentials.token(sub=None), "`sub`"),
        (lambda: credentials.token(sub=7), "`sub`"),
        (unsigned, "RS256"),
        (signed_by_a_stranger, "signature"),
    ],
)
def test_the_message_names_what_is_wrong_with_a_token(guarded: Guarded, make: Callable[[], str], names: str) -> None:
    assert names in guarded.ask(OWN, make()).json()["errors"][0]["message"]


def test_a_scope_may_stand_in_scp_beside_a_scope_that_is_null(guarded: Guarded) -> None:
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u0", "exp": int(time.time()) + 60}
    said |= {"scope": None, "scp": ["attune:customer"]}
    null = jwt.encode(said, credentials.KEYS["EdDSA"], algorithm="EdDSA", headers={"kid": "eddsa"})
    assert guarded.ask(OWN, null).status_code == 200


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


def test_a_token_of_another_application_may_do_nothing(guarded: Guarded) -> None:
    answer = guarded.ask("{ model { version } }", credentials.token(scope="admin openid"))
    assert refusal(answer) == (403, "FORBIDDEN", None)
    assert "`attune:...`" in answer.json()["errors"][0]["message"]  # not only that it needs the scope admin


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


def test_a_key_set_is_read_again_for_a_new_key_and_trusted_while_it_cannot_be(guarded: Guarded) -> None:
    known = guarded.login.keys
    try:
        guarded.login.keys = credentials.key_set("ES256")
        answer = guarded.ask(OWN, credentials.token(kid="rotated"))
        assert refusal(answer) == (401, "UNAUTHENTICATED", "UNKNOWN_KEY")
        assert refusal(guarded.ask(OWN, credentials.token("RS256")))[2] == "UNKNOWN_KEY"  # taken out of the set
        guarded.login.keys = None
        assert guarded.ask(OWN, credentials.token("ES256")).status_code == 200
    finally:
        guarded.login.keys = known
    assert guarded.ask(OWN, credentials.token("RS256")).status_code == 200


def test_a_key_set_that_cannot_be_read_for_too_long_is_not_trusted_any_more(neo4j: Settings, models: Path) -> None:
    with credentials.login("EdDSA") as login:
        tokens = TokenSettings(login.url, issuer=ISSUER, audience=AUDIENCE, refresh_s=0.1, max_age_s=0.5, retry_s=0.1)
        with served.serving(served.settings(neo4j, models, auth=AuthSettings(None, tokens))) as api:
            headers = {"authorization": f"Bearer {credentials.token()}"}
            body = {"query": "{ __typename }"}
            assert api.http.post("/graphql", json=body, headers=headers).status_code == 200
            login.keys = None
            served.until(lambda: api.http.post("/graphql", json=body, headers=headers).status_code == 401)
            assert refusal(api.http.post("/graphql", json=body, headers=headers))[2] == "KEY_SET_EXPIRED"
            login.keys = credentials.key_set("EdDSA")
            served.until(lambda: api.http.post("/graphql", json=body, headers=headers).status_code == 200)


def test_made_up_key_ids_do_not_make_us_ask_the_login_each_time(neo4j: Settings, models: Path) -> None:
    with credentials.login("EdDSA") as login:
        tokens = TokenSettings(login.url, issuer=ISSUER, audience=AUDIENCE)
        with served.serving(served.settings(neo4j, models, auth=AuthSettings(None, tokens))) as api:
            for n in range(30):
                headers = {"authorization": f"Bearer {credentials.token(kid=str(n))}"}
                assert api.http.post("/graphql", json={"query": OWN}, headers=headers).status_code == 401
        assert login.reads == 1


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


def test_a_stream_ends_with_its_token_though_nothing_happens(guarded: Guarded) -> None:
    with connect(
        guarded.api.url.replace("http", "ws") + "/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]
    ) as ws:
        # Clocks may differ by half a minute: so long a token is taken after its end.
        token = credentials.token(exp=int(time.time()) - 27)
        ws.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
        assert receive(ws)["type"] == "connection_ack"
        subscribe(ws, "1", FOLLOW, user="u0", first=1)
        assert "errors" not in receive(ws)["payload"]
        ended = receive(ws, 30)
        assert ended["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert receive(ws) == {"id": "1", "type": "complete"}


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


def test_one_odd_key_does_not_spoil_a_key_set(guarded: Guarded) -> None:
    known = guarded.login.keys
    assert known
    try:
        odd = known["keys"][1] | {"kid": ["odd"]}
        guarded.login.keys = {"keys": [odd, known["keys"][0] | {"kid": "renamed"}]}
        assert guarded.ask(OWN, credentials.token("RS256", kid="renamed")).status_code == 200
    finally:
        guarded.login.keys = known
    assert guarded.ask(OWN, credentials.token("RS256")).status_code == 200


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
