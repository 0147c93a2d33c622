"""How long an answer may be kept, and by whom: hints per field, the least over what is asked, as `@cacheControl` does.

What a field without a hint of its own holds may be kept as long as what it hangs on.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

NO_STORE = "no-store"
"""For mutations, errors, and answers that stand in for better ones."""
# Whoever sends other credentials, or takes another media type, gets an answer of its own from every cache.
_VARY = "Accept, Authorization, X-API-Key"


@dataclass(frozen=True, slots=True)
class Hint:
    """How long a field's value may be kept without asking again (seconds), and whether by all (or by its caller)."""

    max_age_s: int
    shared: bool = False

    def __and__(self, other: "Hint") -> "Hint":
        return Hint(min(self.max_age_s, other.max_age_s), self.shared and other.shared)

    def __str__(self) -> str:
        """Write `Cache-Control`. At an age of 0 it is kept and asked for each time: `ETag` then saves sending it."""
        scope = "public" if self.shared else "private"
        return f"{scope}, max-age={self.max_age_s}" if self.max_age_s else f"{scope}, no-cache"


OWN = Hint(0)
"""Of one caller, and other after the next event."""
_SHELF = Hint(60, shared=True)
_CATALOGUE = Hint(300, shared=True)
_STOCK = Hint(30, shared=True)

HINTS: Mapping[str, Hint] = MappingProxyType(
    {
        "Query.item": _CATALOGUE,
        "Query.category": _CATALOGUE,
        "Query.items": _SHELF,
        "Query.popular": _SHELF,
        "Query.trending": _SHELF,
        "Query.model": Hint(10, shared=True),
        "Query.user": OWN,
        "Query.users": OWN,
        "Query.node": OWN,
        "Query.nodes": OWN,
        "Query.session": OWN,
        "Query.basket": OWN,
        "Query.rerank": OWN,
        "Item.price": _STOCK,
        "Item.available": _STOCK,
        "Item.similar": _SHELF,
        "Item.boughtTogether": _SHELF,
        "Item.audience": OWN,
        "Category.audience": OWN,
    }
)
"""By coordinate. Each field of `Query` has one."""


def policy(coordinates: Iterable[str]) -> str:
    """Return `Cache-Control` for an answer that holds these fields."""
    least: Hint | None = None
    for coordinate in coordinates:
        if coordinate.startswith(("Mutation.", "Subscription.")):
            return NO_STORE
        if hint := HINTS.get(coordinate):
            least = hint if least is None else least & hint
    return str(least or OWN)


def finished(request: Request, response: Response) -> Response:
    """Return an answer of `/graphql` with its headers for caches; 304 where who asks by GET has the same one."""
    kept = response.headers.setdefault("cache-control", NO_STORE)
    response.headers.add_vary_header(_VARY)
    body = bytes(getattr(response, "body", b""))  # a stream and a file have none
    if request.method != "GET" or response.status_code != 200 or NO_STORE in kept or not body:
        return response
    # Weak: the same JSON, however it is compressed on the way.
    tag = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    response.headers["etag"] = tag
    if not _has(request.headers.get("if-none-match", ""), tag):
        return response
    same = Response(status_code=304)
    for name in ("cache-control", "etag", "vary"):
        same.headers[name] = response.headers[name]
    return same


def _has(given: str, tag: str) -> bool:
    opaque = tag.removeprefix("W/")
    return any(one.strip() == "*" or one.strip().removeprefix("W/") == opaque for one in given.split(","))
