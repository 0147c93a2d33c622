"""Why `@defer` and `@stream` are not offered: what the installed libraries make of them. Fails once they can be."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import strawberry
from graphql import build_schema
from strawberry.asgi import GraphQL
from strawberry.extensions import MaskErrors, SchemaExtension
from strawberry.schema.config import StrawberryConfig

from api import schema

SECRET = "bolt://10.0.0.7 refused the password"


@strawberry.type
class _Query:
    @strawberry.field
    def now(self) -> int:
        return 1

    @strawberry.field
    async def later(self) -> int | None:
        await asyncio.sleep(0)
        raise ValueError(SECRET)


def _ask(query: str) -> tuple[str, list[str]]:
    ended: list[str] = []

    class Watch(SchemaExtension):
        def on_operation(self) -> Iterator[None]:
            yield
            ended.append(type(self.execution_context.result).__name__)

    config = StrawberryConfig(enable_experimental_incremental_execution=True)
    app: GraphQL[Any, Any] = GraphQL(strawberry.Schema(_Query, extensions=[Watch, MaskErrors], config=config))

    async def answer() -> str:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            return (await client.post("/", json={"query": query}, headers={"accept": "multipart/mixed"})).text

    return asyncio.run(answer()), ended


def test_errors_of_a_deferred_part_pass_every_extension_by() -> None:
    whole, _ = _ask("{ now later }")
    assert SECRET not in json.dumps(json.loads(whole))
    parts, ended = _ask("{ now ... @defer { later } }")
    assert SECRET in parts, "deferred errors are masked now: look again whether `@defer` can be offered"
    # The operation is over, for metrics, logs and time limits, before the deferred part has begun.
    assert ended == ["ExperimentalIncrementalExecutionResults"]


def test_the_schema_does_not_promise_them() -> None:
    served = build_schema(schema.SDL.read_text(encoding="utf-8"))
    assert {"defer", "stream"} & {directive.name for directive in served.directives} == set()
