"""The queries of docs/api.md run, and its tables say what the code does."""

import json
import re
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, parse

from api import http, limits
from api.errors import Code
from api.events import UserErrorCode
from api.refusals import Reason
from api.types import ContributionKind
from tests import answers
from tests.integration.test_api_stream import receive, socket_of, subscribe
from tests.served import Served

pytestmark = pytest.mark.integration

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```graphql\n(.*?)```", TEXT, re.DOTALL)


ANSWERS = [found for part in answers.answered(TEXT) for found in answers.RECIPE.findall(part)]


@pytest.fixture(scope="module", autouse=True)
def baskets(api: Served) -> None:
    answers.prepare(api)


def _name(query: str) -> str:
    operation = parse(query).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name
    return operation.name.value


@pytest.mark.parametrize("query", QUERIES, ids=_name)
def test_each_query_of_the_page_runs(api: Served, query: str) -> None:
    if query.startswith("subscription"):
        with socket_of(api) as ws:
            subscribe(ws, "1", query)
            assert len(receive(ws)["payload"]["data"]["recommendations"]["nodes"]) == 5
    else:
        data = api.ask(query)
        assert None not in data.values()


@pytest.mark.parametrize(("query", "told"), ANSWERS, ids=[_name(query) for query, _ in ANSWERS])
def test_the_answers_on_the_page_are_like_those_of_the_api(api: Served, query: str, told: str) -> None:
    assert answers.alike(json.loads(told), api.ask(query)), "run `python -m tests.answers` and review the diff"


def test_what_the_page_records_it_erases_again(api: Served) -> None:
    record, erase = (query for query in QUERIES if query.startswith(("mutation Record", "mutation Erase")))
    first = api.ask(record)["recordEvents"]
    assert (first["recorded"] + first["existing"], first["userErrors"]) == (2, [])
    assert api.ask(erase)["eraseUser"]["erasedEvents"] >= 2


def test_every_code_and_kind_is_on_the_page() -> None:
    for names in (Code, Reason, UserErrorCode, ContributionKind):
        for name in names:
            assert f"`{name.value}`" in TEXT


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    table = dict(re.findall(r"^\| (.+?) \| ([\d,]+)(?: MiB| s)? \|$", TEXT, re.MULTILINE))
    bounds = limits.Limits()
    assert {name: int(value.replace(",", "")) for name, value in table.items() if name != "`first`"} == {
        "levels of fields": bounds.depth,
        "aliases": bounds.aliases,
        "words and signs of the document": bounds.tokens,
        "cost": bounds.cost,
        "`first` of any list": limits.MAX_FIRST,
        "`ids` of `nodes`": limits.MAX_NODES,
        "events of one `recordEvents`": limits.MAX_EVENTS,
        "ids of `exclude`, and of `categories`": limits.MAX_EXCLUDE,
        "characters of `search`": limits.MAX_SEARCH,
        "body": bounds.body_bytes // 1_048_576,
        "time of a request": int(bounds.request_timeout_s),
        "time for the head of a request, and for its body": int(bounds.receive_timeout_s),
        "time for the `connection_init` of a WebSocket": int(http.INIT_S),
        "time in which a client takes nothing of its answer": int(bounds.send_timeout_s),
        "requests worked on at once": bounds.in_flight,
        "open WebSocket connections": bounds.sockets,
        "operations open on one connection": bounds.subscriptions,
        "requests a second of one key": int(bounds.rate_per_s),
        "requests of one key at once, after a pause": bounds.burst,
        "time of a statement to the database": 10,
    }
