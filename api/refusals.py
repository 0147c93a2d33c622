"""Refusals before any GraphQL is read: their status, their stable code, and their form on the wire."""

import math
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import orjson
from starlette.responses import Response

from api.errors import Code, Refused

CODES: Mapping[int, Code] = MappingProxyType(
    {
        400: Code.BAD_REQUEST,
        401: Code.UNAUTHENTICATED,
        403: Code.FORBIDDEN,
        404: Code.NOT_FOUND,
        405: Code.METHOD_NOT_ALLOWED,
        406: Code.NOT_ACCEPTABLE,
        408: Code.REQUEST_TIMEOUT,
        413: Code.BODY_TOO_LARGE,
        415: Code.UNSUPPORTED_MEDIA_TYPE,
        421: Code.UNKNOWN_HOST,
        429: Code.RATE_LIMITED,
        503: Code.REQUEST_TIMEOUT,
    }
)


def failure(
    status: int,
    message: str,
    *,
    code: Code | None = None,
    headers: Mapping[str, str] | None = None,
    **data: str | float,
) -> Response:
    """Return a refusal in the form of a GraphQL answer without data; `data` goes into `extensions`."""
    extensions = {"code": str(code or CODES.get(status, Code.INTERNAL)), **data}
    body = {"errors": [{"message": message, "extensions": extensions}]}
    return Response(orjson.dumps(body), status, headers, media_type="application/json; charset=utf-8")


def refusal(refused: Refused) -> Response:
    """Return a refusal of the request as a whole, in the same form."""
    return Response(orjson.dumps({"errors": [refused.formatted]}), 400, media_type="application/json; charset=utf-8")


class Reason(StrEnum):
    """Stable values of `extensions.reason` beside `UNAUTHENTICATED`."""

    NO_CREDENTIALS = "NO_CREDENTIALS"
    KEY_REFUSED = "KEY_REFUSED"
    KEY_EXPIRED = "KEY_EXPIRED"
    TOKEN_MALFORMED = "TOKEN_MALFORMED"  # noqa: S105
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105
    TOKEN_REFUSED = "TOKEN_REFUSED"  # noqa: S105
    UNKNOWN_KEY = "UNKNOWN_KEY"
    KEY_SET_EXPIRED = "KEY_SET_EXPIRED"


_SENTENCES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.NO_CREDENTIALS: "Send `Authorization: Bearer` with an API key or a token.",
        Reason.KEY_REFUSED: "There is no such API key; it may have been revoked.",
        Reason.KEY_EXPIRED: "The API key has expired.",
        Reason.TOKEN_MALFORMED: "The credentials are neither an API key nor a well-formed token.",
        Reason.TOKEN_EXPIRED: "The token has expired.",
        Reason.TOKEN_REFUSED: "The token is not one that is taken here.",
        Reason.UNKNOWN_KEY: "The token is signed by a key that is not in the key set.",
        Reason.KEY_SET_EXPIRED: "The key set could not be read for too long; tokens cannot be checked.",
    }
)


class Unauthenticated(Exception):  # noqa: N818 - it reads as what happened
    """Credentials are missing or not taken."""

    def __init__(self, reason: Reason, why: str | None = None) -> None:
        """`why`: what is wrong, where that can be told more closely than the reason does."""
        super().__init__(why or _SENTENCES[reason])
        self.reason = reason

    def response(self) -> Response:
        """Return the answer to the request."""
        error = "" if self.reason is Reason.NO_CREDENTIALS else ' error="invalid_token"'
        headers = {"www-authenticate": f"Bearer{error}"}
        return failure(401, str(self), headers=headers, reason=str(self.reason))


class RateLimited(Exception):  # noqa: N818
    """A caller sends more than its share."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("Too many requests with these credentials. Come again after the time in `Retry-After`.")
        self.wait_s = max(1, math.ceil(wait_s))

    def response(self) -> Response:
        """Return the answer to the request."""
        return failure(429, str(self), headers={"retry-after": str(self.wait_s)}, retryAfter=self.wait_s)
