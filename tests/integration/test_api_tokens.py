"""Tokens of the shop's login: which are taken, why others are not, and the key set that tells."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from api.auth import AuthSettings
from api.tokens import TokenSettings
from graph.client import Settings
from tests import credentials, served
from tests.credentials import AUDIENCE, ISSUER
from tests.guarded import OWN, Guarded, refusal
from tests.integration.test_api_stream import FOLLOW, receive, subscribe

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_each_kind_opens_its_own_user(guarded: Guarded, algorithm: str) -> None:
    answer = guarded.ask(OWN, credentials.token(algorithm))
    assert answer.status_code == 200
    assert len(answer.json()["data"]["user"]["recommendations"]["nodes"]) == 2


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


def test_a_token_of_another_application_may_do_nothing(guarded: Guarded) -> None:
    answer = guarded.ask("{ model { version } }", credentials.token(scope="admin openid"))
    assert refusal(answer) == (403, "FORBIDDEN", None)
    assert "`attune:...`" in answer.json()["errors"][0]["message"]  # not only that it needs the scope admin


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
