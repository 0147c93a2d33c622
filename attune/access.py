"""Who may call the API: `attune key`, and what `attune serve` demands before it listens to more than this machine."""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from attune import console
from attune.home import home

if TYPE_CHECKING:
    from api.auth import AuthSettings
    from api.keys import KeyFile

# The end of what a calendar tells: keys of before had no bound.
_LAST_DAY_S = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in."""

    auth: "AuthSettings | None"
    """None: everyone."""
    hosts: tuple[str, ...] | None
    """Host names that are answered to; None: any."""
    said: str
    """The same in words, for the start of the service."""


def keys_path() -> Path:
    """Return the file of keys: `ATTUNE_KEYS`, else `keys.json` in the home."""
    named = os.environ.get("ATTUNE_KEYS")
    return Path(named).expanduser() if named else home() / "keys.json"


def decide(host: str, asked: bool | None) -> Access:
    """Return who is let in at this address; `asked` is `--auth`, `--no-auth`, or neither.

    Authentication is on once there is a key or a key set, also where a key is made while the service runs. Without
    either only this machine is served, unless `--no-auth` is said: ends with exit code 2 and the remedy.
    """
    from api.auth import AuthSettings
    from api.tokens import TokenSettings

    keys = _file()
    stamp = keys.stamp()  # of before: a key that is made from here on turns authentication on
    known = keys.all()
    key_set = os.environ.get("ATTUNE_JWKS")
    if asked is False:
        return Access(None, None, "nobody is asked for a key (--no-auth)")
    if known or key_set or asked:
        if not known and not key_set:
            console.stop("--auth needs a key or a key set", _REMEDY, code=console.WRONG_USE)
        tokens = None
        if key_set:
            if "://" in key_set and not key_set.startswith("https://"):
                console.stop("ATTUNE_JWKS must be a file or an https address", code=console.WRONG_USE)
            if "://" not in key_set and (why := unusable(Path(key_set))):
                console.stop(
                    f"ATTUNE_JWKS: {key_set} {why}", "Nobody's token could be checked by it.", code=console.WRONG_USE
                )
            tokens = TokenSettings(
                jwks=key_set,
                issuer=os.environ.get("ATTUNE_JWT_ISSUER"),
                audience=os.environ.get("ATTUNE_JWT_AUDIENCE"),
                user_claim=os.environ.get("ATTUNE_JWT_USER_CLAIM", "sub"),
            )
            if tokens.audience is None or tokens.issuer is None:
                console.say(
                    "warning: without ATTUNE_JWT_ISSUER and ATTUNE_JWT_AUDIENCE tokens for others are taken too"
                )
        living = [key for key in known if key.expires is None or key.expires > time.time()]
        if not living and not tokens:
            console.say("warning: every key has expired: nobody is let in until one is made by `attune key create`")
        counted = f"{len(living)} API key{'s' * (len(living) != 1)}"
        said = ", ".join([counted] * bool(known) + ["tokens"] * bool(tokens))
        return Access(AuthSettings(keys=keys.path, tokens=tokens), None, f"callers need a key or a token ({said})")
    if not is_loopback(host):
        console.stop(f"others can reach {host}, and nobody would need a key", _REMEDY, code=console.WRONG_USE)
    open_until_key = AuthSettings(keys=keys.path, open_until_key=True, stamp=stamp)
    return Access(open_until_key, (*_LOOPBACK, host.lower()), "this machine alone, without keys until one is made")


_REMEDY = (
    "Make a key with `attune key create --scope service`, or set ATTUNE_JWKS to the key set of your login; "
    "`--no-auth` serves everyone (behind a gateway that authenticates)."
)


def unusable(key_set: Path) -> str:
    """Return why no token could be checked by this file of a key set; empty when one could."""
    import json

    from api.tokens import usable

    try:
        found = usable(json.loads(key_set.read_bytes()))
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except ValueError:
        return "is no key set (JWKS)"
    return "" if found else "holds no key that may sign tokens"


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def create(
    scopes: list[str], *, user: str | None, name: str, days: float | None, rate: float | None, json: bool
) -> None:
    """Make a key and print it, this once."""
    from api.identity import Scope

    try:
        wanted = frozenset(Scope(scope) for scope in scopes)
        key, text = _file().create(wanted, name=name, user=user, days=days, rate_per_s=rate)
    except ValueError as error:
        console.stop(str(error), f"Scopes are {', '.join(Scope)}.", code=console.WRONG_USE)
    if json:
        console.emit(key.model_dump(mode="json", exclude={"sha256"}) | {"key": text})
    else:
        console.say(f"key {key.id} for {', '.join(sorted(key.scopes))}; it is shown this once:")
        console.OUT.print(text)


def list_keys(*, json: bool) -> None:
    """Print what is known of each key."""
    keys = _file().all()
    if json:
        console.emit({"keys": [key.model_dump(mode="json", exclude={"sha256"}) for key in keys]})
        return
    rows = [
        [key.id, key.name, ", ".join(sorted(key.scopes)), key.user or "", _day(key.created), _until(key.expires)]
        for key in keys
    ]
    console.table(["id", "name", "scopes", "user", "made", "expires"], rows)


def revoke(key_id: str, *, json: bool) -> None:
    """Remove a key; a running service refuses it within a second."""
    if not _file().revoke(key_id):
        console.stop(f"there is no key {key_id}", "`attune key list` shows their ids.", code=console.WRONG_USE)
    if json:
        console.emit({"revoked": key_id})
    else:
        console.say(f"key {key_id} is revoked")


def _file() -> "KeyFile":
    from api.keys import KeyFile

    return KeyFile(keys_path())


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _until(seconds: float | None) -> str:
    if seconds is None or seconds > _LAST_DAY_S:
        return "never"
    return _day(seconds) + (" (expired)" if seconds < time.time() else "")
