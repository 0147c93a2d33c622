"""The plainest Strawberry app that returns the same JSON: constants behind fields, nothing computed.

`python -m tests.bench.plain_app PORT FILE` serves the recommendations in FILE (the `data` of Attune's own answer).
"""

import json
import sys
from pathlib import Path

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL


@strawberry.type
class Item:
    external_id: str
    title: str
    price: float | None


@strawberry.type
class Explanation:
    sentence: str


@strawberry.type
class Recommendation:
    rank: int
    score: float
    item: Item
    explanation: Explanation


@strawberry.type
class Edge:
    node: Recommendation


@strawberry.type
class Connection:
    edges: list[Edge]


@strawberry.type
class User:
    external_id: str
    connection: strawberry.Private[Connection]

    @strawberry.field
    def recommendations(self, first: int = 20) -> Connection:
        return self.connection


@strawberry.type
class Query:
    @strawberry.field
    def user(self, id: str) -> User | None:  # noqa: A002
        return USERS["any"]


USERS: dict[str, User] = {}


def main() -> None:
    data = json.loads(Path(sys.argv[2]).read_text())
    edges = [
        Edge(
            node=Recommendation(
                rank=node["rank"],
                score=node["score"],
                item=Item(
                    external_id=node["item"]["externalId"], title=node["item"]["title"], price=node["item"]["price"]
                ),
                explanation=Explanation(sentence=node["explanation"]["sentence"]),
            )
        )
        for node in (edge["node"] for edge in data["user"]["recommendations"]["edges"])
    ]
    USERS["any"] = User(external_id=data["user"]["externalId"], connection=Connection(edges=edges))
    app = Starlette(routes=[Route("/graphql", GraphQL(strawberry.Schema(query=Query)), methods=None)])
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", loop="uvloop", http="httptools")


if __name__ == "__main__":
    main()
