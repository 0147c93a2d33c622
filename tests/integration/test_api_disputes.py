"""This reason is wrong: it is left out of what that user is shown from the next request on, and of nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.ids import global_id
from graph import disputes
from graph.client import Client
from tests.integration.test_api_events import ERASE, event, record
from tests.served import Served

pytestmark = pytest.mark.integration

DISPUTE = """mutation ($input: DisputeInput!) { disputeReason(input: $input) {
  disputed changed userErrors { field code } } }"""
WITHDRAW = """mutation ($input: DisputeInput!) { withdrawDispute(input: $input) {
  disputed changed userErrors { field code } } }"""
SHOWN = """query ($user: String!) { user(id: $user) {
  disputes { kind path { id } }
  recommendations(first: 40) { nodes { score item { externalId } explanation { score
    contributions { kind value path { __typename id } } } } } } }"""
AT = "2023-07-01T10:00:00Z"


@pytest.fixture
def reader(api: Served) -> Iterator[str]:
    """A user of this test alone, who likes food."""
    record(api, *(event("doubter", f"i{n}", eventId=f"doubter-{n}", at=AT) for n in (0, 4, 9)))
    yield "doubter"
    api.ask(ERASE, id="doubter")


def shown(api: Served, user: str) -> dict[str, dict[str, Any]]:
    nodes = api.ask(SHOWN, user=user)["user"]["recommendations"]["nodes"]
    for node in nodes:
        parts = node["explanation"]["contributions"]
        assert sum(part["value"] for part in parts) == pytest.approx(node["score"], abs=1e-6)
    return {node["item"]["externalId"]: node for node in nodes}


def reasons(found: dict[str, dict[str, Any]], kind: str) -> set[tuple[str, ...]]:
    """Return the nodes that the reasons of a kind lead through."""
    parts = [part for node in found.values() for part in node["explanation"]["contributions"] if part["kind"] == kind]
    return {tuple(step["id"] for step in part["path"][1:-1]) for part in parts}


def first_of(found: dict[str, dict[str, Any]], kind: str) -> dict[str, Any]:
    parts = (part for node in found.values() for part in node["explanation"]["contributions"] if part["kind"] == kind)
    return next(parts)


def test_a_disputed_reason_leaves_until_it_is_taken_back(api: Served, reader: str) -> None:
    before, others = shown(api, reader), shown(api, "u0")
    reason = first_of(before, "ITEM")
    given = {"user": reader, "kind": "ITEM", "path": [step["id"] for step in reason["path"]]}
    through = tuple(step["id"] for step in reason["path"][1:-1])
    assert through in reasons(before, "ITEM")
    done = {"disputed": True, "changed": True, "userErrors": []}
    assert api.ask(DISPUTE, input=given)["disputeReason"] == done
    assert api.ask(DISPUTE, input=given)["disputeReason"] == {**done, "changed": False}
    after = shown(api, reader)
    assert through not in reasons(after, "ITEM")
    assert {name: node["score"] for name, node in after.items()} != {
        name: node["score"] for name, node in before.items()
    }
    assert shown(api, "u0") == others
    (told,) = api.ask(SHOWN, user=reader)["user"]["disputes"]
    assert told == {"kind": "ITEM", "path": [{"id": through[0]}]}
    # What is listed can be handed back as it is.
    undo = {"user": reader, "kind": "ITEM", "path": [node["id"] for node in told["path"]]}
    assert api.ask(WITHDRAW, input=undo)["withdrawDispute"] == {"disputed": False, "changed": True, "userErrors": []}
    assert api.ask(WITHDRAW, input=undo)["withdrawDispute"]["changed"] is False
    again = shown(api, reader)
    assert {name: node["score"] for name, node in again.items()} == pytest.approx(
        {name: node["score"] for name, node in before.items()}, abs=1e-9
    )


@pytest.mark.parametrize("kind", ["OWN_HISTORY", "CATEGORY", "POPULARITY"])
def test_every_kind_of_way_can_be_disputed(api: Served, reader: str, kind: str) -> None:
    before = shown(api, reader)
    item, node = next(
        (name, node)
        for name, node in before.items()
        if kind in {part["kind"] for part in node["explanation"]["contributions"]}
    )
    part = next(part for part in node["explanation"]["contributions"] if part["kind"] == kind)
    given = {"user": reader, "kind": kind, "path": [step["id"] for step in part["path"]]}
    assert api.ask(DISPUTE, input=given)["disputeReason"]["disputed"]
    after = shown(api, reader)[item]
    assert after["score"] == pytest.approx(node["score"] - part["value"], abs=1e-6)
    assert part["path"] not in [one["path"] for one in after["explanation"]["contributions"] if one["kind"] == kind]
    assert api.ask(WITHDRAW, input=given)["withdrawDispute"]["changed"]


def test_erasing_a_user_erases_what_it_disputed(api: Served, reader: str, session_client: Client) -> None:
    given = {"user": reader, "kind": "POPULARITY", "path": [global_id("Item", "i4")]}
    api.ask(DISPUTE, input=given)
    assert [row.id for row in disputes.everybody(session_client)[reader]] == ["i4"]
    api.ask(ERASE, id=reader)
    assert reader not in disputes.everybody(session_client)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"user": "moon"}, "user", "UNKNOWN_USER"),
        ({"user": ""}, "user", "UNKNOWN_USER"),
        ({"kind": "OTHER"}, "kind", "REFUSED"),
        ({"kind": "BOOST"}, "kind", "REFUSED"),
        ({"path": []}, "path", "REFUSED"),
        ({"path": ["x"]}, "path", "REFUSED"),
        ({"path": [global_id("Category", "Food")]}, "path", "REFUSED"),
        ({"path": [global_id("Item", "moon")]}, "path", "REFUSED"),
        ({"path": [global_id("User", "u1"), global_id("Item", "i4")]}, "path", "REFUSED"),
    ],
)
def test_what_cannot_be_disputed_is_said(
    api: Served, reader: str, change: dict[str, Any], field: str, code: str
) -> None:
    given = {"user": reader, "kind": "ITEM", "path": [global_id("Item", "i4")], **change}
    found = api.ask(DISPUTE, input=given)["disputeReason"]
    assert found == {"disputed": False, "changed": False, "userErrors": [{"field": ["input", field], "code": code}]}


def test_disputes_are_counted_beside_the_reasons_that_were_told(api: Served, reader: str) -> None:
    shown(api, reader)
    api.ask(DISPUTE, input={"user": reader, "kind": "PROMOTION", "path": [global_id("Item", "i4")]})
    text = api.http.get("/metrics").text
    assert 'attune_reasons_disputed_total{kind="promotion"} 1.0' in text
    (told,) = (line for line in text.splitlines() if line.startswith("attune_reasons_told_total"))
    assert float(told.split()[1]) > 40
