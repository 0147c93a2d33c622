"""A list as it was: the same answer again from the model and the events of then."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gnn.registry import Registry
from graph.client import Client
from tests import served
from tests.served import Served

pytestmark = pytest.mark.integration

LIST = """query ($first: Int = 5, $after: String, $asOf: AsOfInput) { user(id: "u0") {
  recommendations(first: $first, after: $after, mode: DISCOVER, asOf: $asOf) {
    modelVersion asOf pageInfo { endCursor hasNextPage }
    nodes { rank score item { externalId } explanation { sentence contributions { kind value sentence } } } } } }"""
BUY = """mutation ($items: [EventInput!]!) { recordEvents(input: { events: $items }) { recorded } }"""


def shown(api: Served, **variables: Any) -> dict[str, Any]:
    return api.ask(LIST, **variables)["user"]["recommendations"]


def when(answer: dict[str, Any], **later: float) -> dict[str, str]:
    at = datetime.fromisoformat(answer["asOf"]) + timedelta(**later)
    return {"model": answer["modelVersion"], "at": at.isoformat()}


def refused(api: Served, as_of: dict[str, str]) -> tuple[str, str]:
    error = api.refused(LIST, asOf=as_of)
    assert error["extensions"]["code"] == "NOT_REPLAYABLE"
    return error["extensions"]["argument"], error["message"]


def buy(api: Served, *items: str) -> None:
    events = [{"user": "u0", "item": item, "type": "purchase", "eventId": f"replay-{item}"} for item in items]
    assert api.ask(BUY, items=events)["recordEvents"]["recorded"] == len(items)


def test_a_list_comes_back_as_it_was_after_events_and_under_a_new_model(
    api: Served, models: Path, session_client: Client
) -> None:
    then = shown(api)
    bought = [node["item"]["externalId"] for node in then["nodes"][:2]]
    buy(api, *bought)
    now = shown(api)
    assert not set(bought) & {node["item"]["externalId"] for node in now["nodes"]}
    again = shown(api, asOf=when(then))
    assert again["nodes"] == then["nodes"]
    assert (again["modelVersion"], again["asOf"]) == (then["modelVersion"], then["asOf"])

    newer = served.first_model(session_client, models)
    served.until(lambda: shown(api)["modelVersion"] == newer)
    assert shown(api, asOf=when(then))["nodes"] == then["nodes"]
    assert shown(api, asOf=when(now))["nodes"] == now["nodes"]
    # Whole pages come back too, under cursors of their own.
    long = shown(api, asOf=when(then), first=8)
    page = shown(api, asOf=when(then), first=3, after=again["pageInfo"]["endCursor"])
    assert again["nodes"] + page["nodes"] == long["nodes"]
    assert api.refused(LIST, after=again["pageInfo"]["endCursor"])["extensions"]["code"] == "INVALID_CURSOR"


def test_what_cannot_be_replayed_is_said(api: Served, models: Path, session_client: Client) -> None:
    answer = shown(api)
    argument, message = refused(api, when(answer, days=1))
    assert (argument, "still to come" in message) == ("asOf.at", True)
    argument, message = refused(api, when(answer, days=-3650))
    assert (argument, "not there yet" in message) == ("asOf.at", True)
    for unknown in ("20200101T000000-0000000000", "", "..", "../" + models.name, "current", "\u0000", "x" * 5_000):
        argument, message = refused(api, {"model": unknown, "at": answer["asOf"]})
        assert (argument, "not kept" in message) == ("asOf.model", True)

    gone = served.first_model(session_client, models)
    served.until(lambda: shown(api)["modelVersion"] == gone)
    before = shown(api)
    Registry(models).promote(answer["modelVersion"])
    served.until(lambda: shown(api)["modelVersion"] == answer["modelVersion"])
    damaged = models / gone / "weights.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert refused(api, when(before)) == ("asOf.model", "That model is damaged or of another format.")
    shutil.rmtree(models / gone)
    assert refused(api, when(before))[0] == "asOf.model"
    assert shown(api)["nodes"]  # the model that is served is none the worse


def test_a_user_with_more_events_than_are_read_is_not_replayed(api: Served) -> None:
    then = shown(api)
    now = datetime.now(UTC)
    for batch in range(5):
        events = [
            {
                "user": "u0",
                "item": f"i{n % 40}",
                "type": "view",
                "eventId": f"many-{batch}-{n}",
                "at": (now - timedelta(seconds=n)).isoformat(),
            }
            for n in range(1_000)
        ]
        api.ask(BUY, items=events)
    argument, message = refused(api, when(then))
    assert (argument, "5000 events" in message) == ("asOf.at", True)
