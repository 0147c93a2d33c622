"""GraphQL over HTTP as the wire has it: media types, JSON in and out, status codes, and what is no request at all.

Who asks, and what is answered, is `api.http`'s.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.parse_content_type import parse_content_type

from api.context import Context
from api.errors import Code
from api.trusted import NO_QUERY, TrustedDocuments

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"


def negotiated(accept: str | None) -> str | None:
    """Return the media type to answer with, as the `Accept` header prefers; None when it takes none of ours.

    Without a header, and for `*/*`, it is `application/json`.
    """
    best, best_quality = None, 0.0
    for part in (accept or "*/*").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        kind = JSON if name in ("*/*", "application/*") else name
        if kind in (JSON, GRAPHQL, EVENTS) and quality > best_quality:
            best, best_quality = kind, quality
    return best


class _Request(StarletteRequestAdapter):
    """A request whose media type may be written in capitals, as HTTP has it."""

    @property
    def content_type(self) -> str | None:
        """Return the header in small letters: nothing in it that is looked at tells them from capitals."""
        found = super().content_type
        return found and found.lower()


class Wire(GraphQL[Context, None]):
    """Reads requests and writes responses."""

    request_adapter_class = _Request

    trusted: TrustedDocuments
    """What a request may name in a query's place."""

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Return the answer's frame, with the negotiated media type."""
        frame = await super().get_sub_response(request)
        frame.media_type = negotiated(request.headers.get("accept"))
        return frame

    def should_render_graphql_ide(self, request: BaseRequestProtocol | Request) -> bool:
        """A browser that opens the address gets GraphiQL where there is one; a program never does."""
        return self.graphql_ide is not None and self._asks_for_page(request)

    def _asks_for_page(self, request: BaseRequestProtocol | Request) -> bool:
        given = request.query_params
        # A trusted document may be named by `extensions`.
        asked = any(given.get(name) is not None for name in ("query", "documentId", "extensions"))
        return request.method == "GET" and not asked and "text/html" in request.headers.get("accept", "")

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData | list[GraphQLRequestData]:
        """Read the request; only JSON is taken, which no form of another site can send."""
        wanted = negotiated(request.headers.get("accept"))
        if wanted is None:
            raise HTTPException(406, f"Answers are {JSON}, {GRAPHQL} or {EVENTS}.")
        if request.method == "POST":
            kind, parameters = parse_content_type(request.content_type or "")
            if kind != JSON:
                raise HTTPException(415, f"The body must be {JSON}.")
            if parameters.get("charset", "utf-8").strip('"').lower() not in ("utf-8", "utf8"):
                raise HTTPException(415, "The body must be UTF-8.")
        if request.method == "GET":
            for name in ("variables", "extensions"):
                _check_parameter(name, request.query_params.get(name))
        data = await super().parse_http_body(request)
        if not isinstance(data, GraphQLRequestData):
            raise HTTPException(400, "Send one operation at a time.")
        if not isinstance(data.operation_name, str | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise HTTPException(400, "`operationName` must be a string or null.")
        given = request.query_params if request.method == "GET" else await self._named(request, data)
        named = {"documentId": given.get("documentId"), "extensions": data.extensions}
        query = self.trusted.text({"query": data.query, **named})
        if not query:
            raise HTTPException(400, NO_QUERY)
        # Clients name event streams too, for subscriptions: Strawberry alone would take any mention for a wish.
        return replace(data, query=query, protocol="sse" if wanted == EVENTS else "http")

    async def _named(self, request: AsyncHTTPRequestAdapter, data: GraphQLRequestData) -> Mapping[str, object]:
        """Return the body where it may name a document; a batch of events is not read twice."""
        body = await request.get_body()
        # An escape may stand in a name as well.
        return self.parse_json(body) if not data.query or b"documentId" in body or b"\\u" in body else {}

    def parse_json(self, data: str | bytes) -> Any:  # noqa: ANN401 - what a client sent can be anything
        """Read JSON; what GraphQL needs is an object."""
        try:
            found = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise HTTPException(400, "The request is not valid JSON.") from None
        if not isinstance(found, dict):
            raise HTTPException(400, "The request must be a JSON object with a `query`.")
        return found

    def encode_json(self, data: object) -> str:
        """Write JSON as text: WebSocket clients expect text messages."""
        return orjson.dumps(data).decode()

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """Return the HTTP answer, with 400 for what was not executed if the client knows GraphQL's media type."""
        kind = sub_response.media_type or JSON
        status = 200
        if kind == GRAPHQL and "data" not in response_data and isinstance(response_data, dict):
            errors: list[Any] = response_data.get("errors") or []
            denied = any(error.get("extensions", {}).get("code") == Code.FORBIDDEN for error in errors)
            status = 403 if denied else 400
        answer = Response(orjson.dumps(response_data), status, media_type=f"{kind}; charset=utf-8")
        if kept := sub_response.headers.get("cache-control"):
            answer.headers["cache-control"] = kept
        return answer


def _check_parameter(name: str, text: str | None) -> None:
    """Raise for a parameter of the address that is not what it must be, by its name."""
    if not text:
        return
    try:
        found: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise HTTPException(400, f"The parameter `{name}` of the address is not valid JSON.") from None
    if not isinstance(found, dict):
        raise HTTPException(400, f"The parameter `{name}` of the address must be a JSON object; leave it out for none.")
