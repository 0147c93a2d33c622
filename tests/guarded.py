"""An API over the small shop that asks for keys and tokens: what the tests of who is let in stand on."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.auth import AuthSettings
from api.identity import Scope
from api.keys import KeyFile
from api.tokens import TokenSettings
from graph.client import Settings
from tests import credentials, served
from tests.credentials import AUDIENCE, ISSUER, Login
from tests.served import Served

OWN = '{ user(id: "u0") { externalId recommendations(first: 2) { nodes { rank explanation { sentence } } } } }'
"""What a customer may ask of itself."""


@dataclass(frozen=True)
class Guarded:
    """An API that asks for keys and tokens."""

    api: Served
    login: Login
    keys: dict[Scope, str]
    """One of each scope; the customer's is that of u0."""
    file: KeyFile

    def ask(self, query: str, credentials: str | None, **headers: str) -> httpx.Response:
        """Send a query with a key or a token as its bearer, or without."""
        sent = {"accept": "application/graphql-response+json"} | headers
        if credentials is not None:
            sent["authorization"] = f"Bearer {credentials}"
        return self.api.http.post("/graphql", json={"query": query}, headers=sent)


@contextmanager
def guarding(neo4j: Settings, models: Path, keys: Path) -> Generator[Guarded]:
    """Serve with this file of keys, and a login of its own."""
    file = KeyFile(keys)
    made = {
        scope: file.create(frozenset({scope}), user="u0" if scope is Scope.CUSTOMER else None)[1] for scope in Scope
    }
    with credentials.login("RS256", "ES256", "EdDSA") as login:
        tokens = TokenSettings(login.url, issuer=ISSUER, audience=AUDIENCE, retry_s=0.0)
        settings = served.settings(neo4j, models, auth=AuthSettings(file.path, tokens), development=False)
        with served.serving(settings) as api:
            yield Guarded(api, login, made, file)


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Return status, code and reason of an answer that must hold no data."""
    extensions = answer.json()["errors"][0]["extensions"]
    assert "data" not in answer.json()
    return answer.status_code, extensions["code"], extensions.get("reason")
