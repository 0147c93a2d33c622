"""The ASGI application: GraphQL, the page, health and metrics over one graph and one folder of models."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette_compress import CompressMiddleware

from api import graphiql, words
from api import page as explorer
from api.auth import Authenticator, AuthSettings
from api.client import SteadyClient
from api.guard import Guard
from api.http import GraphQLView
from api.identity import Scope
from api.limits import Limits
from api.metrics import CONTENT_TYPE, Metrics
from api.models import CurrentModel
from api.private import K
from api.recommender import Recommender
from api.refusals import Unauthenticated, failure
from api.schema import build
from api.trusted import TrustedDocuments
from api.trusted import read as read_manifest
from api.watch import watch
from api.writes import Writes
from gnn.newcomers import MOST
from graph.client import Settings
from graph.errors import GraphError


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Everything the API needs to know; nothing is read from the environment."""

    neo4j: Settings
    models: Path
    """The folder of artefacts; the current one is served, and exchanged when another is promoted."""
    development: bool = True
    """Whether GraphiQL, introspection and suggestions for misspelt fields are offered."""
    graphiql_assets: Path | None = None
    """Folder with GraphiQL's and React's files (`api.graphiql.FILES`); None: a page that says how to get them."""
    neo4j_browser: str | None = None
    """Address of Neo4j Browser, which the page links to."""
    limits: Limits = field(default_factory=Limits)
    auth: AuthSettings | None = None
    """Which keys and tokens are taken; None: everyone may do everything."""
    hosts: tuple[str, ...] | None = None
    """Names that the service answers to (`Host`); None: any."""
    origins: tuple[str, ...] = ()
    """Origins of other sites whose pages may call the API."""
    documents: Path | None = None
    """Manifest of trusted documents."""
    trusted_only: bool = False
    """Whether nothing but trusted documents is run."""
    fewest: int = K
    """Shoppers that anything is said of (`api.private`), 2 or more."""
    words: Path | None = None
    """The shop's own words for sentences (`api.words`)."""
    known_for_s: float = 0.0
    """How long what was read of the graph is taken for true while this host writes nothing (`api.knowledge`)."""


class App(Starlette):
    """A Starlette app that knows its service."""

    recommender: Recommender
    limits: Limits


def create_app(settings: ApiSettings, writes: Writes | None = None) -> App:
    """Return the application. `writes`: those of the workers that share an address; None: it is alone on this host.

    Raises `graph.errors.Unavailable` for an address that is none, and `api.faults.Fault` for bad documents or words.

    Neither a database nor a model must be there: `/readyz` says what is missing, and it is used once it comes.
    """
    metrics = Metrics()
    authenticator = Authenticator(settings.auth)
    trusted = TrustedDocuments(
        read_manifest(settings.documents) if settings.documents else None, only=settings.trusted_only
    )
    schema = build(settings.limits, development=settings.development, trusted=trusted)
    models = CurrentModel(settings.models)
    # Before the client: a file of words may be refused, and then nobody would close it.
    spoken = words.read(settings.words)
    writes = writes or Writes()
    client = SteadyClient(settings.neo4j, writes)
    recommender = Recommender(
        client,
        models,
        metrics,
        fewest=settings.fewest,
        words=spoken,
        writes=writes,
        known_for_s=settings.known_for_s,
    )
    _watch(metrics, recommender)
    has_graphiql = graphiql.complete(settings.graphiql_assets)
    view = GraphQLView(
        schema,
        recommender,
        settings.limits,
        authenticator=authenticator,
        development=settings.development,
        graphiql_available=has_graphiql,
        origins=settings.origins,
        trusted=trusted,
    )

    async def page(_: Request) -> Response:
        return explorer.page()

    async def config(_: Request) -> Response:
        return JSONResponse({"graphiql": settings.development, "neo4jBrowser": settings.neo4j_browser})

    async def alive(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def ready(_: Request) -> Response:
        reasons = await _missing(recommender)
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def counted(request: Request) -> Response:
        try:
            identity = await authenticator.identify(request.headers)
        except Unauthenticated as refused:
            return refused.response()
        if identity.scopes <= {Scope.CUSTOMER}:
            return failure(403, "Metrics need the scope service, analyst or admin.")
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        await models.look()
        watching = asyncio.create_task(watch(recommender.client, recommender.pulse, recommender.broadcast))
        try:
            yield
        finally:
            watching.cancel()
            recommender.broadcast.close()
            await recommender.client.close()

    routes = [
        Route("/", page),
        Route("/config.json", config),
        Route("/healthz", alive),
        Route("/readyz", ready),
        Route("/metrics", counted),
        Route("/graphql", view, methods=None),
        WebSocketRoute("/graphql", view),
        Mount("/web", explorer.Files(directory=explorer.WEB)),
    ]
    if has_graphiql:
        routes.append(Mount("/graphiql", StaticFiles(directory=settings.graphiql_assets)))
    app = App(
        routes=routes,
        middleware=[
            # Outermost: a page of another origin must be able to read refusals too.
            *([_cors(settings.origins)] if settings.origins else []),
            Middleware(Guard, metrics=metrics, limits=settings.limits, hosts=settings.hosts),
            # Fast levels: an answer of 10 kB takes well under a millisecond.
            Middleware(CompressMiddleware, minimum_size=1_000),
        ],
        exception_handlers={404: _not_found},
        lifespan=lifespan,
    )
    app.recommender, app.limits = recommender, settings.limits
    return app


def _cors(origins: Sequence[str]) -> Middleware:
    """Let pages of these origins call with credentials that they hold themselves; cookies are not used."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=("GET", "POST"),
        # The last two: the trace of a page that has one of its own (`api.tracing`).
        allow_headers=("authorization", "content-type", "x-api-key", "traceparent", "tracestate"),
        expose_headers=("retry-after", "x-request-id"),
        max_age=600,
    )


async def _not_found(_: Request, __: Exception) -> Response:
    return failure(404, "There is nothing here. GraphQL is at /graphql.")


async def _missing(recommender: Recommender) -> list[str]:
    """Return why the service cannot answer; nothing when it can."""
    reasons: list[str] = []
    await recommender.models.look()
    if recommender.models.artefact is None:
        reasons.append(f"model: {recommender.models.problem}")
    try:
        await recommender.client.ping(timeout_s=_PING_S)
    except GraphError as error:
        # The message may name the address of the database, which is nobody's business here.
        reasons.append(f"database: {type(error).__name__}")
    return reasons


_PING_S = 2.0


def _watch(metrics: Metrics, recommender: Recommender) -> None:
    def model_age() -> float:
        artefact = recommender.models.artefact
        if artefact is None:
            return float("nan")
        return time.time() - datetime.fromisoformat(artefact.manifest.created).timestamp()

    watched: Mapping[str, tuple[str, Any]] = {
        "attune_model_age_seconds": ("Age of the model being served", model_age),
        "attune_newcomers": (
            f"Items newer than the model that lists hold all the same, the newest {MOST}",
            lambda: float(recommender.newcomers.count(recommender.models.artefact)[0]),
        ),
        "attune_newcomers_left_out": (
            "Further ones, at least, that no list holds before the next training",
            lambda: float(recommender.newcomers.count(recommender.models.artefact)[1]),
        ),
        "attune_subscriptions": ("Open subscriptions", lambda: float(len(recommender.broadcast))),
        "attune_cypher_statements": ("Statements sent to the database", lambda: float(recommender.client.queries)),
    }
    for name, (text, read) in watched.items():
        metrics.watch(name, text, read)
