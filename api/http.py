"""GraphQL over HTTP: who is let through, what is answered from before, and what an operation's outcome becomes."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

import strawberry
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET, UnsetType

from api import answers, caching, graphiql, operations
from api.answers import Answer, Basis
from api.auth import CREDENTIALS, Authenticator
from api.context import Context
from api.errors import NO_MUTATION, Refused, no_operation
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
from api.wire import EVENTS, Wire
from graph.errors import GraphError

REQUEST_ID = "attune.request_id"
"""Where the request's id lies in its ASGI scope."""
IDENTITY = "attune.identity"
"""Where its caller's identity lies."""
RAN = "attune.ran"
"""Where the name of a query lies that was answered without an error."""

INIT_S = 10
"""Seconds within which a WebSocket must begin."""


class GraphQLView(Wire):
    """`/graphql` over HTTP POST and GET, server-sent events and graphql-transport-ws."""

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

    async def render_graphql_ide(self, request: Request) -> Response:
        """Return GraphiQL's page."""
        return graphiql.page(available=self._graphiql)

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


def _before_execution(errors: list[GraphQLError]) -> bool:
    return bool(errors) and all(error.path is None for error in errors)
