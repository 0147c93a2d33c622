"""API keys in a file: only hashes are kept, a key itself is shown once, when it is made."""

import fcntl
import hashlib
import hmac
import json
import logging
import os
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.faults import BadKeys
from api.identity import Identity, Scope

log = logging.getLogger("attune.api")

PREFIX = "attune_"
"""How every key begins, so that scanners of leaked secrets can find it."""

# Looking whether the file has changed costs one stat; a revoked key works for at most this long.
_LOOK_EVERY_S = 1.0

Stamp = tuple[int, int]
"""When a file was written last, and its inode."""


class Key(BaseModel):
    """One key as the file holds it; times are seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str = ""
    scopes: frozenset[Scope]
    user: str | None = None
    sha256: str
    created: float
    expires: float | None = None
    rate_per_s: Annotated[float, Field(gt=0)] | None = None


_FILE = TypeAdapter(list[Key])


class KeyFile:
    """The keys of one file; changes by other processes are seen within a second."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys: dict[str, Key] = {}
        self._stamp: Stamp | None = None
        self._unread = False
        self._looked_at = float("-inf")

    def all(self) -> list[Key]:
        """Return every key. Raises `BadKeys` for a file that is none of ours."""
        try:
            return _FILE.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unreadable(error) from error
        except ValidationError as error:
            raise BadKeys(
                f"{self.path} is not a file of keys. "
                "Restore it, or delete it and make new keys with `attune key create`."
            ) from error

    def create(
        self,
        scopes: frozenset[Scope],
        *,
        name: str = "",
        user: str | None = None,
        days: float | None = None,
        rate_per_s: float | None = None,
    ) -> tuple[Key, str]:
        """Make a key and return it with its text, which is kept nowhere.

        Raises `ValueError` for a customer without a user, or a user without the scope of a customer, and `BadKeys`
        where the file cannot be read or written.
        """
        if (Scope.CUSTOMER in scopes) != (user is not None) or user == "":
            raise ValueError("a customer's key needs the user that it speaks for, and no other key has one")
        # 256 random bits: nobody can guess them, so a fast hash is enough.
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        now = time.time()
        key = Key(
            id=key_id,
            name=name,
            scopes=scopes,
            user=user,
            sha256=_digest(secret),
            created=now,
            expires=None if days is None else now + days * 86_400,
            rate_per_s=rate_per_s,
        )
        with self._alone():
            self._write([*self.all(), key])
        return key, f"{PREFIX}{key_id}_{secret}"

    def revoke(self, key_id: str) -> bool:
        """Remove a key; False when there is none of this id. Raises `BadKeys` as `create` does."""
        with self._alone():
            before = self.all()
            after = [key for key in before if key.id != key_id]
            if len(after) < len(before):
                self._write(after)
            return len(after) < len(before)

    def find(self, text: str) -> Key | None:
        """Return the key of this text, expired or not; None when there is none."""
        self._look()
        key_id, _, secret = text.removeprefix(PREFIX).partition("_")
        found = self._keys.get(key_id)
        return found if found and hmac.compare_digest(found.sha256, _digest(secret)) else None

    def used(self, since: Stamp | None) -> bool:
        """Whether there is a key, expired or not, or has been one: the file is not what it was at `since`.

        A file that cannot be read may hold one.
        """
        self._look()
        return bool(self._keys) or self._unread or self._stamp != since

    def stamp(self) -> Stamp | None:
        """Return what tells the file from one that is written later; None where there is none. Raises `BadKeys`."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error) from error
        return status.st_mtime_ns, status.st_ino

    def identity(self, key: Key) -> Identity:
        """Return whom a key names."""

        def revoked() -> bool:
            self._look()
            return key.id not in self._keys

        return Identity(f"key:{key.id}", key.scopes, key.user, key.expires, key.rate_per_s, revoked)

    def _look(self) -> None:
        if time.monotonic() - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = time.monotonic()
        try:
            stamp = self.stamp()
            if stamp != self._stamp:
                self._keys, self._stamp = {key.id: key for key in self.all()}, stamp
            self._unread = False
        except BadKeys as error:
            # Nobody is let in by a damaged file, and no key is locked out by one that is half copied.
            if not self._unread:
                force = "the keys read before stay in force" if self._keys else "no key is taken until it is put right"
                log.error(f"file of keys is unreadable; {force}", extra={"why": str(error)})
            self._unread = True

    def _unreadable(self, error: OSError) -> BadKeys:
        return BadKeys(f"{self.path} cannot be read ({error.strerror}). Let ATTUNE_KEYS name a file that can.")

    @contextmanager
    def _alone(self) -> Generator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise BadKeys(
                f"{self.path} cannot be written ({error.strerror}). Let ATTUNE_KEYS name a file that can."
            ) from error

    def _write(self, keys: list[Key]) -> None:
        fresh = self.path.with_suffix(".new")
        rows: list[dict[str, Any]] = _FILE.dump_python(keys, mode="json")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(rows, out, indent=1)
        fresh.replace(self.path)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
