"""Schemathesis makes up operations from the schema: none may end in a failure of the service."""

import time
from collections import Counter
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from api.errors import Code
from tests.served import Served

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

# Per root field of the schema.
EXAMPLES = 25
SECONDS = 45
# Answers to a client that asks for something that cannot be had; everything else would be ours to repair.
ALLOWED = {
    Code.BAD_USER_INPUT, Code.INVALID_CURSOR, Code.NOT_FOUND, Code.QUERY_TOO_COSTLY, Code.QUERY_TOO_DEEP,
    Code.QUERY_TOO_LONG, Code.TOO_MANY_ALIASES, Code.VALIDATION_FAILED, Code.PARSE_FAILED, Code.BAD_REQUEST,
}  # fmt: skip


def test_no_made_up_operation_ends_in_a_failure_of_the_service(api: Served) -> None:
    schema: Any = schemathesis.graphql.from_url(f"{api.url}/graphql")
    begun, codes, statuses = time.monotonic(), Counter[str](), Counter[int]()
    fields: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.definition.root_type.name == "SUBSCRIPTION":
            continue
        fields.append(operation.label)

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        )
        @given(case=operation.as_strategy())
        def fuzz(case: Any) -> None:
            if time.monotonic() - begun > SECONDS:
                return
            answer = api.http.post("/graphql", json={"query": case.body})
            statuses[answer.status_code] += 1
            assert answer.status_code < 500, (case.body, answer.text)
            for error in answer.json().get("errors", ()):
                code = error["extensions"]["code"]
                codes[code] += 1
                assert code in ALLOWED, (case.body, error)

        fuzz()
    print(f"\nschemathesis: {statuses.total()} operations on {len(fields)} fields, {dict(statuses)}, {dict(codes)}")
    assert statuses.total() >= 5 * len(fields)
    assert httpx.get(f"{api.url}/healthz").status_code == 200
