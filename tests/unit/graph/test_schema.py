"""Names of the schema, and settings that come from the environment."""

from pathlib import Path

import pytest

from graph import schema
from graph.client import Client, settings
from graph.errors import Conflict, GraphError, SchemaTooNew, ServerFailed, Unavailable
from graph.write_events import KINDS, row_of


def test_every_type_of_event_has_a_relationship_type_and_a_constraint() -> None:
    assert {schema.relationship_type(name) for name in (*schema.EVENT_RELATIONSHIPS, "wish")} == set(KINDS)
    for kind in KINDS:
        assert any(f"[r:{kind}]" in statement for statement in schema.statements())


def test_the_shops_own_type_is_kept_on_the_event() -> None:
    base = {"event_id": "1", "user_id": "u", "item_id": "i", "at": 1}
    assert row_of({**base, "type": "wish"}) == ("INTERACTED", ["u", "i", "1", 1, None, None, None, None, None, "wish"])
    assert row_of({**base, "type": "view", "amount": 2.0})[1][-1] is None
    with pytest.raises(ValueError, match="at"):
        row_of({name: value for name, value in base.items() if name != "at"} | {"type": "view"})


def test_a_server_of_ones_own_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", "neo4j+s://db.example")
    monkeypatch.setenv("NEO4J_PASSWORD", "secret")
    monkeypatch.setenv("NEO4J_DATABASE", "shop")
    monkeypatch.delenv("NEO4J_USER", raising=False)
    found = settings(tmp_path)
    assert (found.uri, found.user, found.password, found.database) == (
        "neo4j+s://db.example",
        "neo4j",
        "secret",
        "shop",
    )
    assert "secret" not in repr(found)
    assert not list(tmp_path.iterdir())


def test_an_address_that_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", "http://localhost:7474")
    with pytest.raises(Unavailable, match="NEO4J_URI"):
        Client(settings(tmp_path))


def test_errors_say_what_to_do_and_carry_data(tmp_path: Path) -> None:
    assert str(GraphError("It broke.", "Mend it.")) == "It broke. Mend it."
    assert "Update Attune" in str(SchemaTooNew(3, 1))
    assert str(tmp_path) in str(ServerFailed("No.", log=tmp_path))
    conflict = Conflict(tuple(f"e{n}" for n in range(9)))
    assert len(conflict.event_ids) == 9
    assert "e4, ..." in str(conflict)
