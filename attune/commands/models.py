"""The commands that make a model, and those that choose which one is served."""

from typing import Annotated

import typer

from attune.commands.options import Device, Json, Set, Settings, moment_us


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


def promote(
    version: Annotated[str, typer.Argument(help="Version of a model, the name of its folder under models.")],
    json: Json = False,
) -> None:
    """Serve this model from now on; a running service takes it up by itself."""
    from attune import training

    training.promote(version, json=json)


def rollback(json: Json = False) -> None:
    """Serve the model again that was served before this one; said again, the one before that."""
    from attune import training

    training.promote(None, json=json)


def compress(
    version: Annotated[str | None, typer.Argument(help="Version of a model; the one being served by default.")] = None,
    share: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Share of the squared item-item weights to drop; 0: none.")
    ] = 0.0,
    even_if_worse: Annotated[
        bool, typer.Option("--even-if-worse", help="Serve it even where it loses 0.5% of NDCG or more.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a smaller model of a trained one; measure both, and serve it in the other's place unless it loses."""
    from attune import compressing

    compressing.compress(version, share, even_if_worse=even_if_worse, json=json)
