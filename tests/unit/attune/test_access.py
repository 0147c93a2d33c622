"""Keys on the command line, and who is let in where."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.auth import AuthSettings
from api.faults import BadKeys
from api.identity import Scope
from api.keys import KeyFile
from attune import access
from attune.cli import app
from tests.credentials import key_set


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ATTUNE_KEYS", "ATTUNE_JWKS", "ATTUNE_JWT_ISSUER", "ATTUNE_JWT_AUDIENCE", "ATTUNE_JWT_USER_CLAIM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    return tmp_path


def attune(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done


def test_a_key_is_made_listed_without_its_secret_and_revoked(home: Path) -> None:
    made = json.loads(attune("key", "create", "--scope", "service", "--name", "till", "--json").stdout)
    assert KeyFile(home / "keys.json").find(made["key"])
    listed = attune("key", "list", "--json").stdout
    assert json.loads(listed)["keys"][0]["name"] == "till"
    assert made["key"].rpartition("_")[2] not in listed
    assert "sha256" not in listed
    assert made["id"] in attune("key", "list").stdout
    attune("key", "revoke", made["id"])
    assert json.loads(attune("key", "list", "--json").stdout) == {"keys": []}
    attune("key", "revoke", made["id"], code=2)


def test_a_key_alone_is_printed_on_stdout() -> None:
    done = attune("key", "create", "--scope", "customer", "--user", "u0", "--days", "30")
    assert done.stdout.strip().startswith("attune_")
    assert len(done.stdout.split()) == 1
    assert "expired" not in attune("key", "list").stdout


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "--scope king",
        "--scope customer",
        "--scope customer --user=",
        "--scope admin --user u0",
        "--scope service --days 9999999",
        "--scope service --rate inf",
    ],
)
def test_a_key_that_makes_no_sense_is_wrong_use(wrong: str) -> None:
    attune("key", "create", *wrong.split(), code=2)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "shop.example"])
def test_others_are_not_served_without_keys(host: str) -> None:
    done = attune("serve", "--host", host, code=2)
    assert "attune key create" in done.stderr
    assert "--no-auth" in done.stderr


def test_this_machine_is_served_without_keys_under_its_own_names_alone() -> None:
    for host in ("127.0.0.1", "localhost", "::1", "127.0.0.2"):
        found = access.decide(host, None)
        assert found.auth is not None
        assert found.auth.open_until_key
        assert found.hosts is not None
        assert host in found.hosts


def test_a_key_or_a_key_set_turns_authentication_on(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    attune("serve", "--auth", code=2)  # nobody could come in
    attune("key", "create", "--scope", "service")
    for host in ("127.0.0.1", "0.0.0.0"):
        found = access.decide(host, None)
        assert found.auth is not None
        assert found.auth == AuthSettings(home / "keys.json")
        assert access.decide(host, False).auth is None
    monkeypatch.setenv("ATTUNE_KEYS", str(home / "elsewhere.json"))
    (home / "jwks.json").write_text(json.dumps(key_set("EdDSA")))
    monkeypatch.setenv("ATTUNE_JWKS", str(home / "jwks.json"))
    monkeypatch.setenv("ATTUNE_JWT_AUDIENCE", "attune")
    monkeypatch.setenv("ATTUNE_JWT_USER_CLAIM", "customer_number")
    found = access.decide("0.0.0.0", None)
    assert found.auth is not None
    assert found.auth.tokens is not None
    assert (found.auth.tokens.audience, found.auth.tokens.user_claim) == ("attune", "customer_number")


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), ("{}", "no key set"), ('{"keys": []}', "no key that may sign")]
)
def test_a_file_that_no_token_can_be_checked_by_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, home: Path, content: str | None, said: str
) -> None:
    file = home / "jwks.json"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("ATTUNE_JWKS", str(file))
    told = attune("serve", code=2).stderr
    assert str(file) in told.replace("\n", "")
    assert said in told


def test_a_file_of_keys_that_cannot_be_read_or_written_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    (home / "taken").touch()
    for keys in (home / "taken" / "keys.json", Path("/proc/nowhere/keys.json")):
        monkeypatch.setenv("ATTUNE_KEYS", str(keys))
        with pytest.raises(BadKeys, match="cannot be"):
            CliRunner().invoke(app, ["key", "create", "--scope", "service"], catch_exceptions=False)
    monkeypatch.setenv("ATTUNE_KEYS", str(home / "keys.json"))
    for content in ("", "{}", '[{"id": 1}]'):
        (home / "keys.json").write_text(content)
        for command in (["key", "list"], ["key", "create", "--scope", "service"], ["serve"]):
            with pytest.raises(BadKeys, match=r"keys\.json is not a file of keys"):
                CliRunner().invoke(app, command, catch_exceptions=False)
        assert (home / "keys.json").read_text() == content


def test_keys_that_have_all_expired_let_nobody_in_and_say_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = KeyFile(home / "keys.json")
    file.create(frozenset({Scope.SERVICE}), days=-1.0)
    found = access.decide("0.0.0.0", None)
    assert found.auth is not None
    assert "0 API keys" in found.said
    assert "every key has expired" in capsys.readouterr().err
    file.create(frozenset({Scope.SERVICE}))
    assert "(1 API key)" in access.decide("0.0.0.0", None).said
    assert "expired" not in capsys.readouterr().err


def test_a_key_of_before_that_expires_after_all_calendars_is_listed(home: Path) -> None:
    KeyFile(home / "keys.json").create(frozenset({Scope.SERVICE}), days=9_999_999.0)
    assert "never" in attune("key", "list").stdout


def test_a_key_set_must_come_safely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_JWKS", "http://login.example/jwks.json")
    with pytest.raises(SystemExit) as ended:
        access.decide("127.0.0.1", None)
    assert ended.value.code == 2


@pytest.mark.parametrize("origin", ["*", "shop.example", "https://shop.example/", "https://shop.example/a", "ftp://x"])
def test_an_origin_must_be_one(origin: str) -> None:
    attune("serve", "--cors-origin", origin, code=2)
