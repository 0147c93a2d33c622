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


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Part(Named):
    thing: Thing
    things: list[Thing | None]
    rows: list[list[int]]
    lacking: Thing | None = None

    @strawberry.field
    def chosen(self, info: Info, place: int = 0) -> Thing:
        return self.things[place] or self.thing

    @strawberry.field
    def sometimes(self) -> Thing:
        async def waited() -> Thing:
            return self.thing

        return self.thing if self.name == "at once" else cast("Thing", waited())

    @strawberry.field
    def many(self) -> list[Thing]:
        return self.things  # pyright: ignore[reportReturnType] - a null where there may be none


@strawberry.type
class Other(Named):
    pass


def parts() -> list[Part]:
    one, two, *_ = made = things()
    assert one
    assert two
    wrong: Any = Other(name="no part")
    return [
        Part(name="at once", thing=one, things=[two, one], rows=[[1, 2], []]),
        Part(name="later", thing=two, things=[one, None], rows=[], lacking=one),
        Part(name="broken inside", thing=made[3] or one, things=list(made), rows=[[3]]),
        wrong,
    ]


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

    @strawberry.field
    def parts(self, last: int = 3) -> list[Part]:
        return parts()[:last]

    @strawberry.field
    def named(self) -> list[Named]:
        return [parts()[0], Other(name="other")]

    @strawberry.field
    def part(self) -> Part | None:
        return parts()[1]


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
        "{ part { name thing { name note } things { size } rows lacking { note } __typename } }",
        "{ part { chosen { label } other: chosen(place: 1) { label(times: $n) } } parts(last: 2) { thing { size } } }",
        "{ parts(last: 1) { name sometimes { name } } }",
        "{ parts(last: 2) { name sometimes { name label } rows } }",
        "{ parts { name things { note } lacking { name } } }",
        "{ parts { name thing { name } } }",
        "{ part { name many { name } } }",
        "{ part { thing { broken } lacking { broken name } } }",
        "{ part { thing { later } lacking { note } } }",
        "{ parts(last: 4) { name } }",
        "{ named { name __typename ... on Part { thing { name } } } }",
        "{ part { ...A thing { note } } } fragment A on Part { thing { name } ...B } fragment B on Named { name }",
        "{ part { chosen(place: 7) { name } name } }",
    ],
)
def test_short_and_long_way_agree(query: str):
    if "$n" in query:
        query = "query Q($n: Int! = 3) " + query
    found = [_executed(kind, query) for kind in (None, Execution)]
    assert found[0].data or found[0].errors
    assert found[0].data == found[1].data
    assert _order(found[0].data) == _order(found[1].data)
    assert [error.formatted for error in found[0].errors or ()] == [error.formatted for error in found[1].errors or ()]


def _executed(kind: type[Execution] | None, query: str) -> ExecutionResult:
    schema = strawberry.Schema(Query, types=[Other], execution_context_class=kind)
    return asyncio.run(schema.execute(query, context_value={"who": "me"}))


def _order(data: object) -> object:
    if isinstance(data, dict):
        return [(name, _order(value)) for name, value in cast("dict[str, object]", data).items()]
    return [_order(value) for value in cast("list[object]", data)] if isinstance(data, list) else None


@pytest.fixture
def long_way(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the fields that GraphQL's own executor is asked for, as they come."""
    went: list[str] = []
    long: Callable[..., Any] = Execution.execute_field

    def execute_field(self: Execution, *given: Any) -> object:
        went.append(str(given[3].key))
        return long(self, *given)

    monkeypatch.setattr(Execution, "execute_field", execute_field)
    return went


def test_plain_fields_go_the_short_way(long_way: list[str]):
    assert not _executed(Execution, "{ things { size label note } }").errors
    assert set(long_way) == {"things"}


def test_whatever_is_plain_below_a_plain_field_goes_the_short_way_with_it(long_way: list[str]):
    query = "{ part { name thing { label } things { size } rows sometimes { later } } }"
    assert not _executed(Execution, query).errors
    assert long_way == ["part", "sometimes", "later"]
