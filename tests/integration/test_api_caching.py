"""What caches are told over real HTTP, and which model an answer is of."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gnn import artefact
from gnn.registry import Registry
from graph.client import Settings
from tests import served
from tests.integration.test_api_stream import receive, socket_of, subscribe
from tests.served import Served

pytestmark = pytest.mark.integration

ITEM = '{ item(id: "i0") { title category { name } } }'
LIST = '{ user(id: "u0") { recommendations(first: 3) { nodes { rank item { title } } } } }'
VIEW = """mutation {
  recordEvents(input: { events: [{ user: "caching", item: "i5", type: "view", eventId: "caching-1" }] }) { recorded }
}"""


def get(api: Served, query: str, **headers: str) -> httpx.Response:
    return api.http.get("/graphql", params={"query": query}, headers=headers)


def test_a_catalogue_answer_may_be_kept_by_all_and_is_not_sent_twice(api: Served) -> None:
    first = get(api, ITEM)
    assert first.headers["cache-control"] == "public, max-age=300"
    assert {"accept", "authorization", "x-api-key"} <= {
        name.strip().lower() for name in first.headers["vary"].split(",")
    }
    tag = first.headers["etag"]
    for given in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        same = get(api, ITEM, **{"if-none-match": given})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert same.headers["cache-control"] == first.headers["cache-control"]
    assert get(api, ITEM, **{"if-none-match": 'W/"other"'}).json() == first.json()


def test_the_tag_is_that_of_the_answer_however_it_is_compressed(api: Served) -> None:
    long = "{ items(first: 50) { nodes { title description } } }"
    plain, packed = (get(api, long, **{"accept-encoding": how}) for how in ("identity", "gzip"))
    assert "content-encoding" in packed.headers
    assert plain.headers["etag"] == packed.headers["etag"]


def test_a_list_is_its_callers_own_and_another_after_an_event(api: Served) -> None:
    api.ask(VIEW)
    mine = LIST.replace("u0", "caching")
    first = get(api, mine)
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    assert get(api, mine, **{"if-none-match": tag}).status_code == 304
    api.ask(VIEW.replace("caching-1", "caching-2").replace("i5", "i0"))
    changed = get(api, mine, **{"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.json()["data"] != first.json()["data"]


def test_mutations_errors_and_refusals_are_kept_by_nobody(api: Served) -> None:
    answers = [
        api.http.post("/graphql", json={"query": VIEW}),
        get(api, '{ user(id: "u0") { recommendations(first: 999) { nodes { rank } } } }'),
        get(api, "{ nothing }"),
        get(api, 'mutation { eraseUser(id: "u0") { erasedEvents } }'),
        api.http.get("/graphql"),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


@pytest.fixture
def another(models: Path) -> Iterator[str]:
    """The same model under another name, not promoted; the first one is current again in the end."""
    registry = Registry(models)
    first = registry.load()
    made = replace(first, manifest=replace(first.manifest, version="29990101T000000-0000000000"))
    yield artefact.save(made, models).name
    registry.promote(first.version)


def _version(answer: dict[str, Any]) -> str:
    return answer["extensions"]["model"]["version"]


def test_every_answer_says_which_model_was_served(api: Served) -> None:
    version = api.ask("{ model { version } }")["model"]["version"]
    for query in (LIST, ITEM, VIEW):
        assert _version(api.http.post("/graphql", json={"query": query}).json()) == version
    with socket_of(api) as ws:
        subscribe(ws, "1", 'subscription { recommendations(user: "u0", first: 1) { modelVersion } }')
        payload = receive(ws)["payload"]
        assert _version(payload) == payload["data"]["recommendations"]["modelVersion"] == version
        subscribe(ws, "2", "{ __typename }")
        assert _version(receive(ws)["payload"]) == version
    refused = api.http.post("/graphql", json={"query": "{ nothing }"}).json()
    assert "extensions" not in refused  # nothing was served


def test_one_answer_is_of_one_model_also_while_another_is_promoted(neo4j: Settings, models: Path, another: str) -> None:
    """Each of many lists of one request asks for the model; between two of them it is exchanged."""
    lists = " ".join(
        f'l{n}: rerank(items: ["i0", "i1"], first: 1) {{ modelVersion nodes {{ rank }} }}' for n in range(12)
    )
    body = {"query": f"{{ {lists} }}"}
    with served.serving(served.settings(neo4j, models)) as api:
        first = api.ask("{ model { version } }")["model"]["version"]
        current = api.app.recommender.models
        original, asked = current.get, []

        async def exchanged() -> artefact.Artefact:
            asked.append(1)
            if len(asked) == 1:
                return await original()
            Registry(models).promote(another)
            current._looked_at = float("-inf")  # pyright: ignore[reportPrivateUsage] - a second has passed
            return await original()

        current.get = exchanged  # pyright: ignore[reportAttributeAccessIssue]
        answer = api.http.post("/graphql", json=body).json()
        current.get = original  # pyright: ignore[reportAttributeAccessIssue]
        assert {row["modelVersion"] for row in answer["data"].values()} == {first} == {_version(answer)}
        Registry(models).promote(another)
        served.until(lambda: _version(api.http.post("/graphql", json=body).json()) == another)
        answer = api.http.post("/graphql", json=body).json()
        assert {row["modelVersion"] for row in answer["data"].values()} == {another}
        assert json.dumps(answer["data"]).count(another) == 12
