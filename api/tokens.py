"""JSON Web Tokens of the shop's own login: checked against its key set (JWKS), asymmetric signatures only."""

import asyncio
import hashlib
import json
import logging
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.exceptions import InvalidSubjectError

from api.identity import Identity, Scope
from api.refusals import Reason, Unauthenticated

log = logging.getLogger("attune.api")

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""Signatures that are taken. No secret is shared with the issuer, so `HS256` and `none` cannot be smuggled in."""

_PREFIX = "attune:"
# An RSA key below this is too weak to trust (RFC 7518, section 3.3).
_RSA_BITS = 2048
_LONGEST = 8_192
_FETCH_S = 5.0
_LARGEST_SET = 262_144
# Clocks of two machines differ.
_LEEWAY_S = 30


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """Whose tokens are taken."""

    jwks: str
    """Path or https address of the key set."""
    issuer: str | None = None
    """What `iss` must be; None: not looked at."""
    audience: str | None = None
    """What `aud` must hold; None: not looked at."""
    user_claim: str = "sub"
    """The claim with the user's external id."""
    refresh_s: float = 300.0
    """Age at which the key set is read again."""
    max_age_s: float = 3_600.0
    """Age at which a key set that cannot be read again is no longer trusted."""
    retry_s: float = 10.0
    """Least time between two readings: tokens with made-up key ids must not make us hammer the issuer."""


class Tokens:
    """Turns tokens into identities. Raises `ValueError` for an address that is neither a file nor https."""

    def __init__(self, settings: TokenSettings) -> None:
        address = urlsplit(settings.jwks)
        local = address.hostname in ("localhost", "127.0.0.1", "::1")
        if address.scheme and address.scheme != "https" and not (address.scheme == "http" and local):
            raise ValueError(f"the key set {settings.jwks!r} must be a file or an https address")
        self._settings = settings
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def identify(self, token: str) -> Identity:
        """Return whom a token names; raises `Unauthenticated` with the reason."""
        if len(token) > _LONGEST:
            raise Unauthenticated(Reason.TOKEN_MALFORMED)
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise Unauthenticated(Reason.TOKEN_MALFORMED) from None
        if header.get("alg") not in ALGORITHMS:
            raise _refused(f"The token must be signed with {', '.join(ALGORITHMS)}.")
        return self._identity(self._claims(token, await self._key(header.get("kid"))), token)

    async def _key(self, key_id: str | None) -> jwt.PyJWK:
        now = time.monotonic()
        if now - self._read_at > self._settings.refresh_s or self._find(key_id) is None:
            async with self._lock:
                now = time.monotonic()
                if now - self._tried_at > self._settings.retry_s:
                    self._tried_at = now
                    await self._read()
        if time.monotonic() - self._read_at > self._settings.max_age_s:
            raise Unauthenticated(Reason.KEY_SET_EXPIRED)
        found = self._find(key_id)
        if found is None:
            raise Unauthenticated(Reason.UNKNOWN_KEY)
        return found

    def _find(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def _read(self) -> None:
        try:
            text = await asyncio.to_thread(_fetch, self._settings.jwks)
            self._keys = usable(json.loads(text))
        except (OSError, ValueError) as error:
            log.error("key set cannot be read", extra={"cause": type(error).__name__})
            return
        self._read_at = time.monotonic()

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        settings = self._settings
        try:
            return jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=settings.issuer,
                audience=settings.audience,
                leeway=_LEEWAY_S,
                options={"require": ["exp"], "verify_aud": settings.audience is not None},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(Reason.TOKEN_EXPIRED) from None
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
            raise _refused("The token's signature is not that of the key that it names.") from None
        except jwt.DecodeError:
            raise Unauthenticated(Reason.TOKEN_MALFORMED) from None
        # The signature is good from here on: to say what is wrong helps nobody but its owner.
        except jwt.MissingRequiredClaimError as error:
            raise _refused(f"The token has no `{error.claim}`, which is needed.") from None
        except jwt.ImmatureSignatureError:
            raise _refused("The token is not valid yet: see its `nbf` and `iat`, and the clocks.") from None
        except jwt.InvalidIssuerError:
            raise _refused("The token's `iss` is not the issuer whose tokens are taken (ATTUNE_JWT_ISSUER).") from None
        except jwt.InvalidAudienceError:
            raise _refused("The token's `aud` does not hold what it must (ATTUNE_JWT_AUDIENCE).") from None
        except InvalidSubjectError:
            raise _refused("The token's `sub` must be a string.") from None
        except jwt.PyJWTError:
            raise Unauthenticated(Reason.TOKEN_REFUSED) from None

    def _identity(self, claims: dict[str, Any], token: str) -> Identity:
        said: object = next((claims[name] for name in ("scope", "scp") if claims.get(name) is not None), "")
        words = said.split() if isinstance(said, str) else cast("list[object]", said) if isinstance(said, list) else ()
        # The prefix keeps another application's `admin` of the same login from being ours.
        scopes = frozenset(scope for scope in Scope if f"{_PREFIX}{scope}" in words)
        user = claims.get(self._settings.user_claim)
        if Scope.CUSTOMER in scopes and not (isinstance(user, str) and user and _is_text(user)):
            raise _refused(f"A customer's token must have the user's own id as text in `{self._settings.user_claim}`.")
        try:
            expires = float(claims["exp"]) + _LEEWAY_S
        except OverflowError:
            raise _refused("The token's `exp` is no time that there is.") from None
        # One rate for all tokens of one subject; the digest keeps its id out of logs.
        subject = json.dumps([claims.get("iss"), claims.get("sub"), user], default=str) if claims.get("sub") else token
        name = hashlib.blake2b(subject.encode(), digest_size=8).hexdigest()
        return Identity(f"token:{name}", scopes, user if Scope.CUSTOMER in scopes else None, expires)


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(Reason.TOKEN_REFUSED, why)


def _is_text(user: str) -> bool:
    # JSON can hold halves of a character; no id is made of them.
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in user)


def usable(key_set: object) -> dict[str | None, jwt.PyJWK]:
    """Return the keys of a JWKS that may sign tokens, by key id; others are passed over.

    Raises `ValueError` when it is no key set.
    """
    rows = cast("dict[str, object]", key_set).get("keys") if isinstance(key_set, dict) else None
    if not isinstance(rows, list):
        raise ValueError("a key set is an object with a list of keys")
    found: dict[str | None, jwt.PyJWK] = {}
    for row in cast("list[object]", rows):
        if not isinstance(row, dict):
            continue
        row = cast("dict[str, Any]", row)
        if row.get("use", "sig") != "sig" or row.get("kty") == "oct" or not isinstance(row.get("kid"), str | None):
            continue
        try:
            key = jwt.PyJWK(row)
        except jwt.PyJWTError:
            continue  # a kind of key that we do not take
        weak = isinstance(key.key, RSAPublicKey) and key.key.key_size < _RSA_BITS
        if key.algorithm_name in ALGORITHMS and not weak:
            found[key.key_id] = key
    return found


def _fetch(source: str) -> bytes:
    if not urlsplit(source).scheme:
        return Path(source).read_bytes()
    request = urllib.request.Request(source, headers={"accept": "application/json", "user-agent": "attune"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_FETCH_S) as answer:  # noqa: S310 - https or our own machine
        text: bytes = answer.read(_LARGEST_SET + 1)
    if len(text) > _LARGEST_SET:
        raise ValueError("the key set is too large")
    return text
