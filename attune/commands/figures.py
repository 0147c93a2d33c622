"""The commands that measure."""

from pathlib import Path
from typing import Annotated

import typer

from attune.commands.options import Device, Json, Set, data_name, moment_us, numbers, split_names


def evaluate(
    models: Annotated[str | None, typer.Option(help="Comma-separated; all when left out.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the JSON table and the report.")] = None,
    cut: Annotated[
        list[str] | None, typer.Option(help="Hold out what was bought from this date on (ISO 8601); repeatable.")
    ] = None,
    origins: Annotated[int, typer.Option(min=1, help="Without --cut: hold out the last so many periods in turn.")] = 1,
    days: Annotated[float | None, typer.Option(min=0.01, help="Length of a held-out period.")] = None,
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
        typer.Option(
            help="Measure variants of the network in place of baselines: ablation, or grid; those of --models alone.",
            metavar="KIND",
        ),
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
        others = {
            "--models": models,
            "--cut": cut,
            "--origins": origins > 1,
            "--days": days,
            "--until": until,
            "--truth": truth,
            "--apart": apart,
            "--tuned": tuned,
            "--keep": keep,
            "--variants": variants,
            "--set": settings,
            "--device": device != "auto",
        }
        if said := [name for name, given in others.items() if given]:
            raise typer.BadParameter(
                f"it measures the served model as it is; leave {', '.join(said)} out", param_hint="--explanations"
            )
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


def tune(
    name: Annotated[str, typer.Argument(help="What to call the data set in the file.", callback=data_name)],
    out: Annotated[Path, typer.Option(help="TOML file; what it holds of other baselines stays.")],
    models: Annotated[str | None, typer.Option(help="Baselines, comma-separated; all when left out.")] = None,
    cut: Annotated[str | None, typer.Option(help="Start of the validation period (ISO 8601).")] = None,
    days: Annotated[float | None, typer.Option(min=0.01, help="Length of the validation period.")] = None,
    until: Annotated[str | None, typer.Option(help="Use nothing from this date on.")] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials for each baseline.")] = 10,
    seconds: Annotated[float, typer.Option(min=1.0, help="No trial of a baseline starts after so long.")] = 600.0,
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


def bubble(
    users: Annotated[
        int | None, typer.Option(min=2, help="So many users drawn at random; everybody by default.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=2, max=100, help="How much of a list is looked at.")] = 20,
    dial: Annotated[
        bool, typer.Option("--dial/--no-dial", help="Train before the validation period, and price the diversity dial.")
    ] = True,
    cut: Annotated[str | None, typer.Option(help="Start of the period that the dial is priced on (ISO 8601).")] = None,
    days: Annotated[float | None, typer.Option(min=0.01, help="Its length.")] = None,
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
