"""The short way gives what GraphQL's own long way gives."""

import asyncio
import math
from collections.abc import Callable
from enum import Enum
from typing import Any, cast

import pytest
import strawberry
from graphql import GraphQLError
from strawberry.types import ExecutionResult, Info

from api.execution import Execution


@strawberry.enum
class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@strawberry.type
class Thing:
    name: str
    size: Size
    weight: float
    note: str | None = None

    @strawberry.field
    def label(self, info: Info, size: Size = Size.SMALL, times: int = 1) -> str:
        return f"{self.name} {size.name} {info.context['who']} {info.path.key}" * times

    @strawberry.field
    def maybe(self, times: int = 0) -> str | None:
        return self.name * times or None

    @strawberry.field
    def broken(self) -> int:
        raise GraphQLError("it broke", extensions={"code": "BROKEN"})

    @strawberry.field
    async def later(self) -> str:
        return "later"


def things() -> list[Thing | None]:
    wrong: Any = None
    return [
        Thing(name="a", size=Size.SMALL, weight=1.5),
        Thing(name="b", size=Size.LARGE, weight=2.0, note="noted"),
        Thing(name="c", size=Size.SMALL, weight=math.nan),
        Thing(name=wrong, size=Size.LARGE, weight=1.0),
    ]


@strawberry.type
class Query:
    things: list[Thing | None] = strawberry.field(resolver=things)


@pytest.mark.parametrize(
    "query",
    [
        "{ things { name } }",
        "{ things { weight size note } }",
        "{ things { note other: note name size } }",
        "{ things { label one: label(size: LARGE) two: label(times: $n) maybe three: maybe(times: 2) } }",
        "{ things { later note maybe label later2: later size } }",
        "{ things { note broken size } }",
        "{ things { ...Two size @skip(if: true) note @include(if: true) } } fragment Two on Thing { size label name }",
        "{ things { __typename note } __typename }",
    ],
)
def test_short_and_long_way_agree(query: str):
    if "$n" in query:
        query = "query Q($n: Int! = 3) " + query
    found = [_executed(kind, query) for kind in (None, Execution)]
    assert found[0].data
    assert found[0].data == found[1].data
    assert _order(found[0].data) == _order(found[1].data)
    assert [error.formatted for error in found[0].errors or ()] == [error.formatted for error in found[1].errors or ()]


def _executed(kind: type[Execution] | None, query: str) -> ExecutionResult:
    schema = strawberry.Schema(Query, execution_context_class=kind)
    return asyncio.run(schema.execute(query, context_value={"who": "me"}))


def _order(data: object) -> object:
    if isinstance(data, dict):
        return [(name, _order(value)) for name, value in cast("dict[str, object]", data).items()]
    return [_order(value) for value in cast("list[object]", data)] if isinstance(data, list) else None


def test_plain_fields_go_the_short_way(monkeypatch: pytest.MonkeyPatch):
    went: list[str] = []
    long: Callable[..., Any] = Execution.execute_field

    def execute_field(self: Execution, *given: Any) -> object:
        went.append(str(given[3].key))
        return long(self, *given)

    monkeypatch.setattr(Execution, "execute_field", execute_field)
    assert not _executed(Execution, "{ things { size label note } }").errors
    assert set(went) == {"things"}
