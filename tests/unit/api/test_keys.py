"""API keys in their file."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from api import keys as room
from api.auth import Authenticator, AuthSettings
from api.identity import Identity, Scope
from api.keys import PREFIX, BadKeys, KeyFile
from api.rate import Buckets
from api.refusals import Unauthenticated

SERVICE = frozenset({Scope.SERVICE})


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_LOOK_EVERY_S", -1.0)


def identify(authenticator: Authenticator, headers: dict[str, str]) -> Identity:
    return asyncio.run(authenticator.identify(headers))


def test_the_file_holds_no_key_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    key, text = file.create(SERVICE, name="till")
    assert text.startswith(PREFIX)
    secret = text.removeprefix(PREFIX).partition("_")[2]
    assert len(secret) >= 43
    assert secret not in file.path.read_text()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.find(text) == key


def test_another_secret_or_a_piece_of_one_opens_nothing(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    key, text = file.create(SERVICE)
    _, other = file.create(SERVICE)
    assert file.find(other) is not None
    for wrong in (
        text[:-1],
        text + "x",
        f"{PREFIX}{key.id}_",
        f"{PREFIX}_",
        PREFIX,
        f"{PREFIX}{key.id}_{other[-43:]}",
        "\ud800",
    ):
        assert file.find(wrong) is None


def test_a_revoked_key_is_refused_by_a_process_that_knew_it(tmp_path: Path) -> None:
    serving = KeyFile(tmp_path / "keys.json")
    key, text = KeyFile(tmp_path / "keys.json").create(SERVICE)
    found = serving.find(text)
    assert found is not None
    identity = serving.identity(found)
    identity.renew()
    assert KeyFile(tmp_path / "keys.json").revoke(key.id)
    assert not KeyFile(tmp_path / "keys.json").revoke(key.id)
    assert serving.find(text) is None
    with pytest.raises(Exception, match="do not hold"):
        identity.renew()


@pytest.mark.parametrize("text", ["", "{", "{}", '[{"id": "x"}]', "[1]"])
def test_a_damaged_file_stops_the_command_and_locks_nobody_out(tmp_path: Path, text: str) -> None:
    serving = KeyFile(tmp_path / "keys.json")
    _, known = serving.create(SERVICE)
    assert serving.find(known)
    serving.path.write_text(text)
    with pytest.raises(BadKeys, match=r"keys\.json"):
        serving.all()
    assert serving.find(known)


@pytest.mark.parametrize("text", ["", "{", '[{"id": "x"}]'])
def test_a_file_that_is_damaged_when_it_appears_closes_a_service_that_was_open_and_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    path = tmp_path / "keys.json"
    open_until_key = Authenticator(AuthSettings(path, open_until_key=True))
    streaming = identify(open_until_key, {})
    assert not streaming.over()
    path.write_text(text)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            identify(open_until_key, {})
        with pytest.raises(Unauthenticated):
            identify(open_until_key, {"x-api-key": f"{PREFIX}0_0"})
    assert streaming.over()
    (unread,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert "no key is taken" in unread.getMessage()
    assert str(path) in str(vars(unread)["why"])
    assert "attune key create" in str(vars(unread)["why"])
    path.unlink()
    with pytest.raises(Unauthenticated):
        identify(open_until_key, {})
    _, made = KeyFile(path).create(SERVICE)
    assert identify(open_until_key, {"x-api-key": made}).scopes == SERVICE


def test_a_file_of_which_nothing_can_be_known_closes_it_too(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    open_until_key = Authenticator(AuthSettings(folder / "keys.json", open_until_key=True))
    assert identify(open_until_key, {}).name == ""
    folder.touch()  # a file where the folder should be: no look at the keys succeeds
    with pytest.raises(BadKeys, match="cannot be read"):
        KeyFile(folder / "keys.json").stamp()
    with pytest.raises(Unauthenticated):
        identify(open_until_key, {})


def test_only_a_customers_key_names_a_user(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    with pytest.raises(ValueError, match="customer"):
        file.create(frozenset({Scope.CUSTOMER}))
    with pytest.raises(ValueError, match="customer"):
        file.create(SERVICE, user="u0")
    file.create(frozenset({Scope.CUSTOMER}), user="u0", days=1, rate_per_s=5)
    row = json.loads(file.path.read_text())[0]
    assert (row["user"], row["scopes"], row["rate_per_s"]) == ("u0", ["customer"], 5)


def test_a_bucket_empties_and_fills_again_and_knows_its_callers_apart() -> None:
    now = 0.0
    buckets = Buckets(2.0, 3, clock=lambda: now)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == pytest.approx(0.5)
    assert buckets.take("b") == 0
    now = 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    now = 1_000.0
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    assert [buckets.take("slow", 0.1) for _ in range(2)] == [0, pytest.approx(10)]
