"""A shop's login as tests need it: signing keys of every kind, a key set served over HTTP, and tokens."""

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://login.shop.example", "attune"

KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65_537, 2_048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
_KINDS: dict[str, Any] = {
    "RS256": RSAAlgorithm,
    "ES256": ECAlgorithm,
    "EdDSA": OKPAlgorithm,
}


def key_set(*algorithms: str) -> dict[str, Any]:
    """Return the public keys of these algorithms; the key id is the algorithm's name in lower case."""
    return {
        "keys": [
            json.loads(_KINDS[name].to_jwk(KEYS[name].public_key())) | {"kid": name.lower(), "use": "sig"}
            for name in algorithms
        ]
    }


def token(algorithm: str = "EdDSA", *, kid: str | None = "", key: Any = None, **claims: Any) -> str:
    """Sign a token; claims given as None are left out."""
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u0",
        "exp": int(time.time()) + 600,
        "scope": "openid attune:customer",
    } | claims
    headers = {} if kid is None else {"kid": kid or algorithm.lower()}
    return jwt.encode(
        {name: value for name, value in said.items() if value is not None},
        key or KEYS[algorithm],
        algorithm=algorithm,
        headers=headers,
    )


class Login(ThreadingHTTPServer):
    """Serves a key set that a test may change or take away (None)."""

    daemon_threads = True

    def __init__(self, keys: dict[str, Any] | None) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.keys = keys
        self.reads = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/jwks.json"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Login)
        self.server.reads += 1
        body = json.dumps(self.server.keys).encode()
        self.send_response(503 if self.server.keys is None else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def login(*algorithms: str) -> Generator[Login]:
    """Serve a key set on this machine."""
    with Login(key_set(*algorithms)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)
