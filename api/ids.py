"""Relay's opaque strings: global ids of objects, and cursors that know which list they belong to."""

import binascii
import hashlib
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

import strawberry

from api.errors import Code, Refused

# Whoever makes up a cursor must not reach the ends of an int64.
_MOST = 1 << 60


def global_id(type_name: str, external_id: str) -> strawberry.ID:
    """Return base64 of `Type:externalId`."""
    return strawberry.ID(b64encode(f"{type_name}:{external_id}".encode()).decode())


def parse_global_id(text: str) -> tuple[str, str] | None:
    """Return (type name, external id); None when the text is not a global id."""
    try:
        type_name, separator, external_id = b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (type_name, external_id) if separator and type_name and external_id else None


def list_name(*parts: object) -> str:
    """Return a short name for a list: the same arguments give the same name."""
    return hashlib.blake2b("\x1f".join(map(repr, parts)).encode(), digest_size=9).hexdigest()


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in one list: `source` is the list's name, `position` what the list counts by (rank or key)."""

    source: str
    position: int
    version: str = ""
    """The model that made the list; empty when none did."""
    anchor: tuple[int, ...] = ()
    """What the list was made from, for lists that would change from page to page otherwise."""

    def __str__(self) -> str:
        anchor = ".".join(map(str, self.anchor))
        text = f"{self.source}/{self.position}/{self.version}/{anchor}"
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @staticmethod
    def parse(text: str, *, source: str, version: str = "", anchors: int = 0) -> "Cursor":
        """Read a cursor of the list `source`, as the model `version` made it, with so many anchors.

        Raises `Refused` with `INVALID_CURSOR` when it is no cursor, or one of another list or model.
        """
        try:
            parts = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("/")
            found, position, made_by, anchor = parts
            cursor = Cursor(found, int(position), made_by, tuple(map(int, anchor.split("."))) if anchor else ())
            if not all(0 <= n < _MOST for n in (cursor.position, *cursor.anchor)):
                raise ValueError
        except (binascii.Error, ValueError):
            raise Refused(Code.INVALID_CURSOR, "`after` is not a cursor of this API.", argument="after") from None
        if cursor.source != source or len(cursor.anchor) != anchors:
            raise Refused(
                Code.INVALID_CURSOR,
                "`after` belongs to another list: a cursor goes with the same user and the same arguments.",
                argument="after",
            )
        if cursor.version != version:
            raise Refused(
                Code.INVALID_CURSOR,
                "`after` was made by another model than the one that is served now. Start from the first page again.",
                argument="after",
                modelVersion=version,
            )
        return cursor
