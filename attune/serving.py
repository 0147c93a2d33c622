"""`attune serve`: the API and the page over the current artefact and graph."""

import os
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attune import access, console
from attune.home import home, models

if TYPE_CHECKING:
    from api.app import ApiSettings
    from api.words import Words


def serve(
    host: str,
    port: int,
    *,
    auth: bool | None = None,
    development: bool | None = None,
    origins: tuple[str, ...] = (),
    rate: float | None = None,
    documents: Path | None = None,
    trusted_only: bool = False,
    log_requests: bool | None = None,
    fewest: int = 5,
    workers: int = 1,
    known_for: float = 0.0,
) -> None:
    """Serve until Ctrl-C; ends with exit code 1 when the port is taken, and with 2 when nobody would be kept out.

    `auth` as in `access.decide`; `development` None: only for this machine alone. `rate`: requests a second of a key.
    `log_requests` None: outside development. `fewest`: shoppers that anything is said of. `workers`: processes.
    `known_for`: seconds for which what was read is taken for true (`api.knowledge`).
    """
    # The arrays of one request are small: a second thread of the linear algebra would double the processor time for
    # the same wait, and spin for a core that another request needs. Only before numpy is imported is this heard.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # Ctrl-C is how a service is ended: it is told when all is closed.
    with _shared_counts() if workers > 1 else nullcontext(), suppress(KeyboardInterrupt):
        _serve(
            host,
            port,
            auth=auth,
            development=development,
            origins=origins,
            rate=rate,
            documents=documents,
            trusted_only=trusted_only,
            log_requests=log_requests,
            fewest=fewest,
            workers=workers,
            known_for=known_for,
        )


@contextmanager
def _shared_counts() -> Generator[None]:
    """Let workers add up their metrics."""
    with TemporaryDirectory(prefix="attune-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


def _serve(
    host: str,
    port: int,
    *,
    auth: bool | None,
    development: bool | None,
    origins: tuple[str, ...],
    rate: float | None,
    documents: Path | None,
    trusted_only: bool,
    log_requests: bool | None,
    fewest: int,
    workers: int,
    known_for: float,
) -> None:
    from api.limits import Limits
    from api.serve import serve as serve_api

    if trusted_only and documents is None:
        console.stop("--trusted-only needs --documents", "Name the manifest of your apps.", code=console.WRONG_USE)
    admitted = access.decide(host, auth)
    for origin in origins:
        _check_origin(origin)
    limits = Limits() if rate is None else Limits(rate_per_s=rate, burst=max(1, round(2 * rate)))
    settings = replace(
        api_settings(),
        auth=admitted.auth,
        hosts=admitted.hosts,
        development=admitted.hosts is not None if development is None else development,
        origins=origins,
        limits=limits,
        documents=documents,
        trusted_only=trusted_only,
        fewest=fewest,
        known_for_s=known_for,
    )

    def ready(host: str, port: int) -> None:
        address = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
        console.say(f"Page      {address}")
        if settings.development:
            console.say(f"GraphiQL  {address}graphql")
        console.say(f"Access    {admitted.said}")

    logged = not settings.development if log_requests is None else log_requests
    serve_api(settings, host, port, ready=ready, log_requests=logged, workers=workers)


def _check_origin(origin: str) -> None:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
        console.stop(f"{origin!r} is not an origin", "Name one as https://shop.example.", code=console.WRONG_USE)


def api_settings() -> "ApiSettings":
    """Return the API's settings for this home."""
    from api.app import ApiSettings
    from graph import client, jars, server
    from graph.errors import GraphError

    try:
        assets = jars.graphiql_assets(home(), console.say)
    except GraphError as error:
        # An API image has no jars and needs none: everything but GraphiQL works.
        console.say(f"GraphiQL is left out: {error}")
        assets = None
    return ApiSettings(
        neo4j=client.settings(home()),
        models=models(),
        graphiql_assets=assets,
        words=own_words(),
        neo4j_browser=None if os.environ.get("NEO4J_URI") else server.status(home()).browser,
    )


def own_words() -> Path | None:
    """Return the file of the shop's own words for sentences, if it has one."""
    return Path(named) if (named := os.environ.get("ATTUNE_SENTENCES")) else None


def spoken(locale: str) -> "Words":
    """Return the words of a language, `en` or `zh`, with the shop's own in their place. Raises `BadWords`."""
    from api.words import Locale, read

    return read(own_words())[Locale(locale)]
