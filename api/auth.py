"""From the credentials of a request to an identity: API keys of a file, tokens of the shop's own login."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from api.identity import NOBODY, Identity
from api.keys import PREFIX, KeyFile, Stamp
from api.refusals import Reason, Unauthenticated
from api.tokens import Tokens, TokenSettings

log = logging.getLogger("attune.api")

CREDENTIALS = ("authorization", "x-api-key")
"""The headers that are looked at."""


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Which credentials are taken."""

    keys: Path | None = None
    """The file of API keys (`attune key`); it need not exist yet."""
    tokens: TokenSettings | None = None
    open_until_key: bool = False
    """Whether everyone is let in until the file holds a key, or cannot be read: it may hold one."""
    stamp: Stamp | None = None
    """Of that file when the service was started: a worker that begins later sees by it that there has been a key."""


class Authenticator:
    """Identifies callers; without settings everyone is let in and may do everything."""

    def __init__(self, settings: AuthSettings | None) -> None:
        self._required = settings is not None and not settings.open_until_key
        # Whoever was let in without a key, and holds a stream, is out once there is one.
        may_close = settings is not None and settings.open_until_key
        self._nobody = replace(NOBODY, revoked=lambda: self.required) if may_close else NOBODY
        self._stamp = settings.stamp if settings else None
        self._keys = KeyFile(settings.keys) if settings and settings.keys else None
        self._tokens = Tokens(settings.tokens) if settings and settings.tokens else None

    @property
    def required(self) -> bool:
        """Whether callers must say who they are; once there was a key it stays so, whatever becomes of the file."""
        if not self._required and self._keys and self._keys.used(self._stamp):
            self._required = True
            log.warning("callers need a key from now on", extra={"file": str(self._keys.path)})
        return self._required

    async def identify(self, headers: Mapping[str, str]) -> Identity:
        """Return whom the headers `authorization` or `x-api-key` name; raises `Unauthenticated`.

        No cookie is ever read: another site has no credentials that a browser would add by itself.
        """
        if not self.required:
            return self._nobody
        kind, _, credentials = headers.get("authorization", "").strip().partition(" ")
        if not kind:
            credentials = headers.get("x-api-key", "")
        elif kind.lower() != "bearer":
            raise Unauthenticated(Reason.TOKEN_MALFORMED)
        credentials = credentials.strip()
        if not credentials:
            raise Unauthenticated(Reason.NO_CREDENTIALS)
        if credentials.startswith(PREFIX):
            return self._by_key(credentials)
        if self._tokens is None:
            raise Unauthenticated(
                Reason.TOKEN_REFUSED, "Tokens are not taken here, only API keys (`attune key create`)."
            )
        return await self._tokens.identify(credentials)

    def _by_key(self, text: str) -> Identity:
        key = self._keys.find(text) if self._keys else None
        if self._keys is None or key is None:
            raise Unauthenticated(Reason.KEY_REFUSED)
        if key.expires is not None and time.time() > key.expires:
            raise Unauthenticated(Reason.KEY_EXPIRED)
        return self._keys.identity(key)
