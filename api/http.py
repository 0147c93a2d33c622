"""GraphQL over HTTP: media types, status codes, and which requests are refused before any GraphQL is read."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import strawberry
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.parse_content_type import parse_content_type
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET, UnsetType

from api import answers, caching, graphiql, operations
from api.answers import Answer, Basis
from api.auth import CREDENTIALS, Authenticator
from api.context import Context
from api.errors import NO_MUTATION, Code, Refused, no_operation
from api.identity import Identity
from api.last_known import OUTAGES, Kept
from api.limits import Limits
from api.rate import Buckets
from api.reads import NOTED, Reads
from api.recommender import Recommender
from api.refusals import RateLimited, Unauthenticated, failure, refusal
from api.schema import publish
from api.sockets import SocketHandler
from api.trusted import NO_QUERY, TrustedDocuments
from graph.errors import GraphError

REQUEST_ID = "attune.request_id"
"""Where the request's id lies in its ASGI scope."""
IDENTITY = "attune.identity"
"""Where its caller's identity lies."""
RAN = "attune.ran"
"""Where the name of a query lies that was answered without an error."""

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"

INIT_S = 10
"""Seconds within which a WebSocket must begin."""


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


class GraphQLView(GraphQL[Context, None]):
    """`/graphql` over HTTP POST and GET, server-sent events and graphql-transport-ws."""

    request_adapter_class = _Request
    graphql_transport_ws_handler_class = SocketHandler

    def __init__(
        self,
        schema: strawberry.Schema,
        recommender: Recommender,
        limits: Limits,
        *,
        authenticator: Authenticator,
        development: bool,
        graphiql_available: bool,
        origins: Sequence[str] = (),
        trusted: TrustedDocuments | None = None,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if development else None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            max_subscriptions_per_connection=limits.subscriptions,
            connection_init_wait_timeout=timedelta(seconds=INIT_S),
            allowed_origins=origins,
        )
        self.trusted = trusted or TrustedDocuments()
        self._authenticator = authenticator
        self._buckets = Buckets(limits.rate_per_s, limits.burst)
        self._recommender = recommender
        self._limits = limits
        self._graphiql = graphiql_available

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or one WebSocket connection."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            # Before the body is read. GraphiQL's page itself tells nothing, and a browser sends no credentials for it.
            if not self.should_render_graphql_ide(request):
                identity = scope[IDENTITY] = await self._authenticator.identify(request.headers)
                if wait := self.wait_s(identity):
                    raise RateLimited(wait)
                response = await self._answer(request, identity)
            else:
                response = await self.run(request)
        except Unauthenticated as refused:
            response = refused.response()
        except RateLimited as limited:
            response = limited.response()
        except Refused as refused:
            response = refusal(self.count(refused))
        except HTTPException as refused:
            allow = {"allow": "POST" if request.method == "GET" else "GET, POST"}
            headers = allow if refused.status_code == 405 else None
            response = failure(refused.status_code, refused.reason, headers=headers)
        await caching.finished(request, response)(scope, receive, send)

    async def _answer(self, request: Request, identity: Identity) -> Response:
        """Give the answer of before where nothing has changed, else a new one."""
        self._recommender.forget_erased()
        if request.method not in ("GET", "POST") or self._recommender.last_known.troubled:
            return await self.run(request)
        asked = answers.key(identity, request, await request.body())
        noted = Reads()
        if (kept := self._recommender.answers.get(asked)) and (again := await self._again(request, asked, kept, noted)):
            return again
        async with self._recommender.answers.turn(asked) as waited:
            # Who waited for somebody else's answer gets it too, if nothing was written since.
            kept = self._recommender.answers.get(asked) if waited else None
            if kept and (again := await self._again(request, asked, kept, noted)):
                return again
            return await self._new(request, asked, noted)

    async def _new(self, request: Request, asked: bytes, noted: Reads) -> Response:
        noted.look = noted.at_hand[1] if noted.at_hand else self._recommender.knowledge.look()
        model = self._recommender.model
        token = NOTED.set(noted)
        try:
            response = await self.run(request)
        finally:
            NOTED.reset(token)
        ran: tuple[str, str | None] | None = request.scope.get(RAN)
        look = noted.look
        if ran and look and response.status_code == 200 and model == self._recommender.model:
            basis = Basis(look.state, model)
            headers = {name: value for name, value in response.headers.items() if name != "content-length"}
            found = Answer(basis, bytes(response.body), headers, *ran, time.monotonic(), noted.kept(), look)
            self._recommender.answers.keep(asked, found)
        return response

    async def _again(self, request: Request, asked: bytes, kept: Answer, noted: Reads) -> Response | None:
        begun = time.perf_counter()
        try:
            now = await self._recommender.still(kept, noted)
        except GraphError:
            # The way through the fields knows what to say then.
            self._recommender.last_known.failed()
            return None
        if now is None:
            return None
        if now is not kept:
            self._recommender.answers.move(asked, kept, now)
        response = Response(kept.body, headers=dict(kept.headers))
        context = await self.get_context(request, response)
        context.ran = kept.operation, kept.name
        operations.tell(context, [], begun, repeated=True)
        return response

    def wait_s(self, identity: Identity) -> float:
        """Count one operation of a caller; return how long it must wait, 0 when it may go on."""
        return self._buckets.take(identity.name, identity.rate_per_s) if self._authenticator.required else 0.0

    def count(self, refused: Refused) -> Refused:
        """Count a refusal that no operation was begun for, and return it."""
        self._recommender.metrics.error(str((refused.extensions or {})["code"]))
        return refused

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Return the context of a request or a connection."""
        identity = request.scope.get(IDENTITY, Identity("", frozenset()))
        handshake = request.headers if isinstance(request, WebSocket) else {}
        return Context(self._recommender, str(request.scope.get(REQUEST_ID, "")), identity, handshake)

    async def on_ws_connect(self, context: Context) -> dict[str, object] | UnsetType | None:
        """Take the credentials of `connection_init`: a browser cannot send headers with a WebSocket."""
        given = {name.lower(): value for name, value in (context.connection_params or {}).items()}
        headers = {name: value for name in CREDENTIALS if isinstance(value := given.get(name), str)}
        try:
            context.identity = await self._authenticator.identify(headers or context.handshake)
        except Unauthenticated as refused:
            raise ConnectionRejectionError from refused
        return UNSET

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

    async def render_graphql_ide(self, request: Request) -> Response:
        """Return GraphiQL's page."""
        return graphiql.page(available=self._graphiql)

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

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        """Execute within the time that a request may take."""
        allowed = {OperationType.QUERY}
        if request_adapter.method == "POST":
            allowed.add(OperationType.MUTATION)
        self._recommender.forget_erased()
        last = self._recommender.last_known
        key = last.key(context.identity, request_data.query, request_data.variables, request_data.operation_name)
        kept, era = last.get(key), last.era
        if kept and last.away():
            return self._degraded(kept)
        try:
            async with asyncio.timeout(self._limits.request_timeout_s):
                result = await self.schema.execute(
                    request_data.query,
                    variable_values=request_data.variables,
                    context_value=context,
                    operation_name=request_data.operation_name,
                    allowed_operation_types=allowed,
                )
        except MissingQueryError:
            raise HTTPException(400, NO_QUERY) from None
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, no_operation(error.operation_name)) from None
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.SUBSCRIPTION:
                raise HTTPException(400, f"Follow subscriptions over WebSocket, or with `Accept: {EVENTS}`.") from None
            raise HTTPException(405, NO_MUTATION) from None
        except TimeoutError:
            if kept and self._same(era):
                return self._degraded(kept)
            raise HTTPException(503, "The request took too long. Ask for less, or try again.") from None
        codes = {str((error.extensions or {}).get("code")) for error in result.errors or ()}
        if codes & OUTAGES:
            last.failed()
            return self._degraded(kept) if kept and self._same(era) else result
        if not codes:
            sub_response.headers["cache-control"] = context.cache_control
            if context.reads:
                # It may hold somebody who is gone since.
                last.keep(key if self._same(era) else None, result.data, result.extensions)
                request.scope[RAN] = context.ran
        return result

    def _same(self, era: int) -> bool:
        """Whether nobody was erased since."""
        self._recommender.forget_erased()
        return self._recommender.last_known.era == era

    def _degraded(self, kept: Kept) -> ExecutionResult:
        self._recommender.metrics.degraded()
        return ExecutionResult(data=kept.data, errors=None, extensions=kept.note())

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Return the answer; `data` is left out when nothing was executed."""
        context = await self.get_context(request, Response())
        errors = [publish(error, context) for error in result.errors or ()]
        answer: GraphQLHTTPResponse = {}
        if errors:
            answer["errors"] = [error.formatted for error in errors]
        if result.data is not None or not _before_execution(errors):
            answer["data"] = result.data
        if result.extensions:
            answer["extensions"] = result.extensions
        return answer

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


def _before_execution(errors: list[GraphQLError]) -> bool:
    return bool(errors) and all(error.path is None for error in errors)
