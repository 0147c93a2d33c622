"""Who asks: the scopes that a key or a token carries, and the user that it speaks for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from api.errors import Code, Refused


class Scope(StrEnum):
    """What a caller may do; a key or a token may carry several."""

    CUSTOMER = "customer"
    """One user of the shop: its own lists, explanations, events, and the catalogue."""
    SERVICE = "service"
    """A back end of the shop: reads everything, records events for everyone."""
    ANALYST = "analyst"
    """A person who looks: reads everything, writes nothing."""
    ADMIN = "admin"
    """Everything, erasure included."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the credentials of a request name."""

    name: str
    """Key of its rate and of its log lines: a key's id, or a digest for a token. Never a user's id."""
    scopes: frozenset[Scope]
    user: str | None = None
    """External id of the user that a customer is."""
    expires: float | None = None
    """Seconds since 1970 after which its streams end; None: they do not."""
    rate_per_s: float | None = None
    """Requests a second of its own; None: what everyone has."""
    revoked: Callable[[], bool] | None = field(default=None, compare=False, repr=False)
    """Whether the key has been revoked since; None: it cannot be."""

    @property
    def restricted(self) -> bool:
        """Whether permissions must be looked at: an administrator passes everywhere."""
        return Scope.ADMIN not in self.scopes

    @property
    def lasting(self) -> bool:
        """Whether nothing can end the credentials."""
        return self.expires is None and self.revoked is None

    def over(self) -> bool:
        """Whether the credentials do not hold any more."""
        return (self.expires is not None and time.time() > self.expires) or bool(self.revoked and self.revoked())

    def renew(self) -> None:
        """Raise `Refused` once the credentials do not hold any more: streams outlive the moment of their check."""
        if self.over():
            raise Refused(Code.UNAUTHENTICATED, "The credentials do not hold any more. Connect again with fresh ones.")


NOBODY = Identity("", frozenset(Scope))
"""Every caller of a service without authentication."""
