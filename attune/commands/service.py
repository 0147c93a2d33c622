"""The commands that answer: lists, reasons, the API, and keys to it."""

from pathlib import Path
from typing import Annotated

import typer

from attune.commands.options import Auth, Json, known_locale


def recommend(
    user: Annotated[str | None, typer.Argument(help="The shop's own id of the user.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every user, into a file.")] = False,
    k: Annotated[int, typer.Option("-k", help="How many items.")] = 20,
    mode: Annotated[str, typer.Option(help="all, discover (never bought) or rebuy.")] = "all",
    budget: Annotated[float | None, typer.Option(min=0.0, help="No item above this price.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="File for --all, .parquet or .csv: user_id, item_id, rank, score.")
    ] = None,
    json: Json = False,
) -> None:
    """Recommend items to one user, or to every user."""
    from attune import lists

    if everyone == (user is not None):
        raise typer.BadParameter("name one USER, or give --all")
    if k < 1:
        raise typer.BadParameter(f"-k is {k}; ask for 1 item or more")
    if user is not None and out is not None:
        raise typer.BadParameter("--out is for --all; one user's list is printed, with --json for machines")
    if user is not None:
        lists.recommend(user, k=k, mode=mode, budget=budget, json=json)
    elif out is None:
        raise typer.BadParameter("--all needs --out FILE.parquet")
    else:
        lists.recommend_all(k=k, mode=mode, budget=budget, out=out, json=json)


def explain(
    user: Annotated[str, typer.Argument(help="The shop's own id of the user.")],
    item: Annotated[str, typer.Argument(help="The shop's own id of the item.")],
    html: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Also write one self-contained page, to attach to a ticket.")
    ] = None,
    locale: Annotated[str, typer.Option(help="Language of all that is told: en or zh.", callback=known_locale)] = "en",
    json: Json = False,
) -> None:
    """Say through which paths an item gets its score for a user."""
    from attune import explaining

    explaining.explain(user, item, html=html, json=json, locale=locale)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    auth: Auth = None,
    development: Annotated[
        bool | None,
        typer.Option(
            "--development/--production",
            help="Offer GraphiQL, introspection and suggestions; by default only to this machine without keys.",
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None, typer.Option(help="Origin whose pages may call, https://shop.example; repeatable.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, max=1e6, help="Requests a second of one key; 100 by default.")
    ] = None,
    documents: Annotated[
        Path | None, typer.Option(dir_okay=False, exists=True, help="Manifest of trusted documents, JSON.")
    ] = None,
    trusted_only: Annotated[bool, typer.Option("--trusted-only", help="Run nothing but trusted documents.")] = False,
    log_requests: Annotated[
        bool | None,
        typer.Option("--log-requests/--no-log-requests", help="One JSON line per operation; by default in production."),
    ] = None,
    fewest: Annotated[int, typer.Option(min=2, help="Fewest shoppers that anything is said of.")] = 5,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that answer; they share the model's memory.")
    ] = 1,
    known_for: Annotated[
        float,
        typer.Option(
            min=0.0, max=300.0, help="Seconds that what was read is taken for true; what others write may show so late."
        ),
    ] = 0.0,
) -> None:
    """Serve the GraphQL API and the page until Ctrl-C (docs/operating.md)."""
    from attune import serving

    serving.serve(
        host,
        port,
        auth=auth,
        development=development,
        origins=tuple(cors_origin or ()),
        rate=rate,
        documents=documents,
        trusted_only=trusted_only,
        log_requests=log_requests,
        fewest=fewest,
        workers=workers,
        known_for=known_for,
    )


def key_create(
    scope: Annotated[list[str], typer.Option(help="customer, service, analyst or admin; repeatable.")],
    user: Annotated[str | None, typer.Option(help="The user that a customer's key speaks for.")] = None,
    name: Annotated[str, typer.Option(help="What the key is for, so that you know it again.")] = "",
    days: Annotated[
        float | None, typer.Option(min=0.01, max=36_525.0, help="Days until it expires; never when left out.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, max=1e6, help="Requests a second; else the service's.")
    ] = None,
    json: Json = False,
) -> None:
    """Make an API key and print it, this once."""
    from attune import access

    access.create(scope, user=user, name=name, days=days, rate=rate, json=json)


def key_list(json: Json = False) -> None:
    """List the keys, without what would let anyone in."""
    from attune import access

    access.list_keys(json=json)


def key_revoke(key: Annotated[str, typer.Argument(help="Id of the key.")], json: Json = False) -> None:
    """Revoke a key; a running service refuses it within a second."""
    from attune import access

    access.revoke(key, json=json)


def demo(
    households: Annotated[int | None, typer.Option(min=1, help="Only the first N households.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; the next free one when taken.")] = 8000,
    browse: Annotated[bool, typer.Option("--open/--no-open", help="Open the page where there is a display.")] = True,
    auth: Auth = None,
    begun: Annotated[float | None, typer.Option(hidden=True)] = None,
) -> None:
    """Start Neo4j, load Complete Journey, train, serve; open the page."""
    from attune import demonstration

    if begun is not None:  # the demo's own second half
        demonstration.serve(host=host, port=port, browse=browse, auth=auth, begun=begun)
        return
    demonstration.run(households=households, host=host, port=port, browse=browse, auth=auth)
