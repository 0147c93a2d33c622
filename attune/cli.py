"""The `attune` command: what can be typed, and how a run ends (0 done, 1 failed, 2 wrong use or bad input).

Rooms are imported inside the commands: `attune serve` must start without torch and polars, and `--help` at once.
"""

import logging
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from attune import console

app = typer.Typer(
    help="Attune: graph recommendations that fuse attention with purchase power, and say why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
load_app = typer.Typer(help="Load a shop's data into the graph.", no_args_is_help=True)
app.add_typer(load_app, name="load")
key_app = typer.Typer(help="API keys: who may call the service.", no_args_is_help=True)
app.add_typer(key_app, name="key")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for machines.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")]
Online = Annotated[
    bool | None,
    typer.Option("--online/--bulk", help="Write through the running database, or import offline into an empty one."),
]


def known_device(name: str) -> str:
    """Return a device's name; a misspelt one is wrong use, before anything is read."""
    if name.partition(":")[0] not in ("auto", "cpu", "cuda", "mps"):
        raise typer.BadParameter(f"{name!r} is none of auto, cpu, cuda, mps")
    return name


Auth = Annotated[
    bool | None,
    typer.Option("--auth/--no-auth", help="Ask callers for a key or a token; on by itself once there is one."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", callback=known_device)]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override one setting; repeatable.")]

Settings = Annotated[
    Path | None, typer.Option("--config", exists=True, dir_okay=False, help="TOML file of settings; --set comes after.")
]


def moment_us(text: str | None, option: str = "--until") -> int | None:
    """Return an ISO 8601 date or time as int64 microseconds, UTC when it names no zone."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not an ISO 8601 date, such as 2017-10-31"
        raise typer.BadParameter(message, param_hint=option) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000)


def known_locale(name: str) -> str:
    """Return the name of a language that sentences are told in."""
    if name not in ("en", "zh"):
        raise typer.BadParameter(f"{name!r} is none of en, zh")
    return name


def numbers(text: str) -> str:
    """Return comma-separated whole numbers as they came; anything else is wrong use."""
    if not all(part.strip().isdigit() for part in text.split(",")):
        raise typer.BadParameter(f"{text!r} is not a list of whole numbers, such as 0,1,2")
    return text


def split_names(text: str | None) -> list[str] | None:
    """Return comma-separated names, or None when nothing was given."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else None


@app.command()
def up(heap_mb: Annotated[int, typer.Option(min=256, help="Java heap in MiB.")] = 1024, json: Json = False) -> None:
    """Start the local Neo4j (fetched on first use) and print its addresses."""
    from attune import local

    local.up(heap_mb=heap_mb, json=json)


@app.command()
def down(json: Json = False) -> None:
    """Stop the local Neo4j; the graph stays on disk."""
    from attune import local

    local.down(json=json)


@app.command()
def status(json: Json = False) -> None:
    """Say what runs, what is loaded and what is served."""
    from attune import local

    local.status(json=json)


@load_app.command("complete-journey")
def load_complete_journey(
    households: Annotated[int | None, typer.Option(min=1, help="Only the first N households.")] = None,
    strict: Strict = False,
    online: Online = None,
    json: Json = False,
) -> None:
    """Load the Complete Journey data set (one year of a grocer, inside a Python package)."""
    from attune import data

    data.load_complete_journey(households=households, strict=strict, online=online, json=json)


@load_app.command("files")
def load_files(
    folder: Annotated[Path, typer.Argument(help="Folder with events.*, items.*, users.*, source.toml.")],
    strict: Strict = False,
    online: Online = None,
    json: Json = False,
) -> None:
    """Load a shop's own files (docs/files.md)."""
    from attune import data

    data.load_files(folder, strict=strict, online=online, json=json)


@load_app.command("taobao")
def load_taobao(
    folder: Annotated[Path, typer.Argument(help="Folder with train.parquet.")],
    strict: Strict = False,
    online: Online = None,
    json: Json = False,
) -> None:
    """Load the Taobao view/cart/buy data set."""
    from attune import data

    data.load_taobao(folder, strict=strict, online=online, json=json)


@app.command()
def train(
    settings: Set = None,
    config: Settings = None,
    device: Device = "auto",
    until: Annotated[str | None, typer.Option(help="Use events before this date only (ISO 8601).")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the training that was interrupted, with its settings.")
    ] = False,
    warm: Annotated[
        bool, typer.Option("--warm", help="Start from the model being served: a fraction of the time.")
    ] = False,
    even_if_worse: Annotated[
        bool, typer.Option("--even-if-worse", help="Serve it even where it ranks worse than the one being served.")
    ] = False,
    wandb: Annotated[str | None, typer.Option(help="Tell this project of Weights & Biases as well.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Serve a baseline in the network's place: ease, frequency+ease, itemknn, ...")
    ] = None,
    json: Json = False,
) -> None:
    """Train on the loaded graph, serve the model unless it is worse, and write its output into the graph."""
    from attune import training

    settings = [*(settings or []), *([f"model={model}"] if model else [])]
    if resume and (settings or config or until or warm):
        raise typer.BadParameter("--resume goes on with the settings of the interrupted training; give no others")
    way = training.Way(device, moment_us(until), resume, warm, even_if_worse, wandb)
    training.train(settings, config, way, json=json)


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="Version of a model, the name of its folder under models.")],
    json: Json = False,
) -> None:
    """Serve this model from now on; a running service takes it up by itself."""
    from attune import training

    training.promote(version, json=json)


@app.command()
def rollback(json: Json = False) -> None:
    """Serve the model again that was served before."""
    from attune import training

    training.promote(None, json=json)


@app.command()
def compress(
    version: Annotated[str | None, typer.Argument(help="Version of a model; the one being served by default.")] = None,
    share: Annotated[
        float | None, typer.Option(min=0.0, max=0.5, help="Share of the squared item-item weights to drop; 0.08.")
    ] = None,
    even_if_worse: Annotated[
        bool, typer.Option("--even-if-worse", help="Serve it even where it loses 0.5% of NDCG or more.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a smaller model of a trained one; measure both, and serve it in the other's place unless it loses."""
    from attune import compressing

    compressing.compress(version, share, even_if_worse=even_if_worse, json=json)


@app.command()
def evaluate(
    models: Annotated[str | None, typer.Option(help="Comma-separated; all when left out.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the JSON table and the report.")] = None,
    cut: Annotated[
        list[str] | None, typer.Option(help="Hold out what was bought from this date on (ISO 8601); repeatable.")
    ] = None,
    origins: Annotated[int, typer.Option(min=1, help="Without --cut: hold out the last so many periods in turn.")] = 1,
    days: Annotated[float | None, typer.Option(min=0.0, help="Length of a held-out period.")] = None,
    until: Annotated[str | None, typer.Option(help="End of the held-out period; the last event by default.")] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="Foretell the pairs of this file (user_id, item_id), not a period."),
    ] = None,
    apart: Annotated[
        bool, typer.Option("--apart", help="With --truth: take out of the past whatever happened between those pairs.")
    ] = False,
    seeds: Annotated[str, typer.Option(help="Comma-separated; what draws is run with each.", callback=numbers)] = "0",
    tuned: Annotated[
        str | None, typer.Option(help="Settings of the baselines: a data set's name, or NAME:FILE of attune tune.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Folder of measurements; baselines that are already there are not fitted again.")
    ] = None,
    variants: Annotated[
        str | None,
        typer.Option(help="Measure variants of the network in place of baselines: ablation, or grid.", metavar="KIND"),
    ] = None,
    explanations: Annotated[
        bool, typer.Option("--explanations", help="Measure the served model's explanations, not its lists.")
    ] = False,
    users: Annotated[int, typer.Option(min=2, help="With --explanations: users drawn.")] = 100,
    items: Annotated[int, typer.Option(min=1, help="With --explanations: items explained of each list.")] = 5,
    settings: Set = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Measure the model beside the baselines, or its explanations beside others (docs/evaluation.md)."""
    from attune import measuring

    if explanations:
        measuring.explanations(users, items, seed=int(seeds.split(",")[0]), out=out, json=json)
        return
    if truth is not None and (cut or days or until or origins > 1):
        raise typer.BadParameter(
            "it says what is held out; leave --cut, --days, --until and --origins out", param_hint="--truth"
        )
    if truth is not None and not truth.is_file():
        raise typer.BadParameter(f"there is no file {truth}", param_hint="--truth")
    if apart and truth is None:
        raise typer.BadParameter("it needs --truth", param_hint="--apart")
    if variants and models:
        raise typer.BadParameter(
            "it measures variants of the network alone; leave --models out", param_hint="--variants"
        )
    measuring.evaluate(
        split_names(models),
        measuring.Periods(
            cuts=tuple(moment for text in cut or () if (moment := moment_us(text, "--cut")) is not None),
            origins=origins,
            days=days,
            until=moment_us(until, "--until"),
            truth=truth,
            apart=apart,
        ),
        variants=variants,
        seeds=[int(seed) for seed in seeds.split(",")],
        tuned=tuned,
        keep=keep,
        out=out,
        settings=settings or [],
        device=device,
        json=json,
    )


@app.command()
def tune(
    name: Annotated[str, typer.Argument(help="What to call the data set in the file.")],
    out: Annotated[Path, typer.Option(help="TOML file; what it holds of other baselines stays.")],
    models: Annotated[str | None, typer.Option(help="Baselines, comma-separated; all when left out.")] = None,
    cut: Annotated[str | None, typer.Option(help="Start of the validation period (ISO 8601).")] = None,
    days: Annotated[float | None, typer.Option(min=0.0, help="Length of the validation period.")] = None,
    until: Annotated[str | None, typer.Option(help="Use nothing from this date on.")] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials for each baseline.")] = 10,
    seconds: Annotated[float, typer.Option(min=0.0, help="No trial of a baseline starts after so long.")] = 600.0,
    seed: Annotated[int, typer.Option(help="Of the search.")] = 0,
    settings: Set = None,
    json: Json = False,
) -> None:
    """Search the baselines' settings on the period before the one that is evaluated (docs/evaluation.md)."""
    from attune import measuring

    measuring.tune(
        name,
        split_names(models),
        measuring.Periods(
            cuts=() if cut is None else (moment_us(cut, "--cut") or 0,), days=days, until=moment_us(until, "--until")
        ),
        trials=trials,
        seconds=seconds,
        seed=seed,
        out=out,
        settings=settings or [],
        json=json,
    )


@app.command()
def bubble(
    users: Annotated[
        int | None, typer.Option(min=2, help="So many users drawn at random; everybody by default.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=2, max=100, help="How much of a list is looked at.")] = 20,
    dial: Annotated[
        bool, typer.Option("--dial/--no-dial", help="Train before the validation period, and price the diversity dial.")
    ] = True,
    cut: Annotated[str | None, typer.Option(help="Start of the period that the dial is priced on (ISO 8601).")] = None,
    days: Annotated[float | None, typer.Option(min=0.0, help="Its length.")] = None,
    until: Annotated[str | None, typer.Option(help="Use nothing from this date on for the dial.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for bubble.json and bubble.html.")] = None,
    seed: Annotated[int, typer.Option(help="Of drawing users and resamples.")] = 0,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Report how narrow the served lists are, for whom, and what diversity costs (docs/evaluation.md)."""
    from attune import measuring

    measuring.bubble(
        users,
        measuring.Periods(
            cuts=() if cut is None else (moment_us(cut, "--cut") or 0,), days=days, until=moment_us(until, "--until")
        ),
        dial=dial,
        k=k,
        seed=seed,
        device=device,
        out=out,
        json=json,
    )


@app.command()
def recommend(
    user: Annotated[str | None, typer.Argument(help="The shop's own id of the user.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every user, into a file.")] = False,
    k: Annotated[int, typer.Option("-k", help="How many items.")] = 20,
    mode: Annotated[str, typer.Option(help="all, discover (never bought) or rebuy.")] = "all",
    budget: Annotated[float | None, typer.Option(min=0.0, help="No item above this price.")] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file for --all: user_id, item_id, rank, score.")] = None,
    json: Json = False,
) -> None:
    """Recommend items to one user, or to every user."""
    from attune import lists

    if everyone == (user is not None):
        raise typer.BadParameter("name one USER, or give --all")
    if user is not None:
        lists.recommend(user, k=k, mode=mode, budget=budget, json=json)
    elif out is None:
        raise typer.BadParameter("--all needs --out FILE.parquet")
    else:
        lists.recommend_all(k=k, mode=mode, budget=budget, out=out, json=json)


@app.command()
def explain(
    user: Annotated[str, typer.Argument(help="The shop's own id of the user.")],
    item: Annotated[str, typer.Argument(help="The shop's own id of the item.")],
    html: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Also write one self-contained page, to attach to a ticket.")
    ] = None,
    locale: Annotated[str, typer.Option(help="Language of the sentences: en or zh.", callback=known_locale)] = "en",
    json: Json = False,
) -> None:
    """Say through which paths an item gets its score for a user."""
    from attune import explaining

    explaining.explain(user, item, html=html, json=json, locale=locale)


@app.command()
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
    rate: Annotated[float | None, typer.Option(min=0.01, help="Requests a second of one key; 100 by default.")] = None,
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
    )


@key_app.command("create")
def key_create(
    scope: Annotated[list[str], typer.Option(help="customer, service, analyst or admin; repeatable.")],
    user: Annotated[str | None, typer.Option(help="The user that a customer's key speaks for.")] = None,
    name: Annotated[str, typer.Option(help="What the key is for, so that you know it again.")] = "",
    days: Annotated[float | None, typer.Option(min=0.0, help="Days until it expires; never when left out.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="Requests a second; else the service's.")] = None,
    json: Json = False,
) -> None:
    """Make an API key and print it, this once."""
    from attune import access

    access.create(scope, user=user, name=name, days=days, rate=rate, json=json)


@key_app.command("list")
def key_list(json: Json = False) -> None:
    """List the keys, without what would let anyone in."""
    from attune import access

    access.list_keys(json=json)


@key_app.command("revoke")
def key_revoke(key: Annotated[str, typer.Argument(help="Id of the key.")], json: Json = False) -> None:
    """Revoke a key; a running service refuses it within a second."""
    from attune import access

    access.revoke(key, json=json)


@app.command()
def demo(
    households: Annotated[int | None, typer.Option(min=1, help="Only the first N households.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; the next free one when taken.")] = 8000,
    browse: Annotated[bool, typer.Option("--open/--no-open", help="Open the page where there is a display.")] = True,
    auth: Auth = None,
) -> None:
    """Start Neo4j, load Complete Journey, train, serve; open the page."""
    from attune import demonstration

    demonstration.run(households=households, host=host, port=port, browse=browse, auth=auth)


def main() -> None:
    """Run the command line; every known failure ends in one line and a remedy."""
    from api.faults import Fault
    from gnn.errors import BadConfig, ModelError, NoCheckpoint, NotEnoughData
    from graph.errors import GraphError

    # The driver announces its retries; what came of them is said once, at the end.
    logging.getLogger("neo4j").setLevel(logging.ERROR)
    # torch warns of its own use of torch.jit when PyTorch Geometric is imported; nobody here can act on it.
    warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
    try:
        app()
    except KeyboardInterrupt:
        console.stop("interrupted; nothing is lost", "Run the same command again to go on where it stopped.")
    except (BadConfig, Fault, NoCheckpoint, NotEnoughData) as error:
        console.stop(str(error), code=console.WRONG_USE)
    except (GraphError, ModelError) as error:
        console.stop(str(error))
