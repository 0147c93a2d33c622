"""`attune train`: the graph as a snapshot, a model from it, its output back into the graph."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from attune import console
from attune.home import home, models

if TYPE_CHECKING:
    from gnn.artefact import Artefact
    from gnn.checkpoint import Checkpoints
    from gnn.config import Config
    from gnn.processes import Group
    from gnn.promotion import Comparison
    from graph.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Made:
    """What a training run left behind."""

    artefact: "Artefact"
    already: bool
    """The current artefact was made from the same snapshot with the same settings; nothing was trained."""
    trained: bool
    """False when the shop has too little data to learn from; the untrained network is served then."""
    promoted: bool
    """Whether it is served now."""
    comparison: "Comparison | None" = None
    """How it ranks beside the model that was served, where the two can be compared."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to go about a training."""

    device: str = "auto"
    until: int | None = None
    """Microseconds UTC; events before it are used."""
    resume: bool = False
    """Go on with the training that was interrupted; its own settings hold."""
    warm: bool = False
    """Start from the model being served, where it fits."""
    even_if_worse: bool = False
    """Serve the new model whatever the comparison says."""
    wandb: str | None = None
    """Project of Weights & Biases that is told as well."""


def train(settings: Sequence[str], file: Path | None, way: Way, *, json: bool) -> None:
    """Train, promote what is not worse, write back; print what was made. A file's settings come before `settings`."""
    from gnn.config import Config, from_file, from_settings
    from gnn.processes import is_first

    if not is_first():
        console.silence()
    with console.interruptible(_left):
        made = run(from_settings(settings, from_file(file) if file else Config()), way)
    if not is_first():
        return
    manifest = made.artefact.manifest
    if json:
        found = made.comparison
        console.emit(
            {
                "version": made.artefact.version,
                "promoted": made.promoted,
                "trained": made.trained,
                "already": made.already,
                "snapshot": manifest.snapshot,
                "metrics": manifest.metrics,
                "against": None
                if found is None
                else {"version": found.served, "all": asdict(found.all), "novel": asdict(found.novel)},
                "path": str(models() / made.artefact.version),
            }
        )
        return
    if made.promoted:
        console.OUT.print(f"Model {made.artefact.version} is being served.")
    else:
        why = (
            "it ranks worse than the one being served" if made.trained else "it learned nothing, and the one served did"
        )
        console.OUT.print(
            f"Model {made.artefact.version} is saved and not served: {why}. "
            f"To serve it all the same: attune promote {made.artefact.version}"
        )
    if made.comparison:
        both = (("everything", made.comparison.all), ("what was new to the user", made.comparison.novel))
        console.table(
            [f"NDCG@20 against {made.comparison.served}", "difference", "95% interval"],
            [[on, f"{part.difference:+.4f}", f"{part.low:+.4f} to {part.high:+.4f}"] for on, part in both],
            right=(1, 2),
        )
    rows = [
        [model, metric, f"{value:.4f}"]
        for model, figures in manifest.metrics.items()
        for metric, value in figures.items()
    ]
    if rows:
        console.table(["model", "metric on the validation period", "value"], rows, right=(2,))


def _interrupted(checkpoints: "Checkpoints", served: "Artefact") -> bool:
    """Return whether the training that can be resumed is the one that made this model."""
    from gnn.errors import NoCheckpoint

    try:
        about = checkpoints.about()
    except NoCheckpoint:
        return False
    return (about.snapshot, about.config) == (served.manifest.snapshot, served.manifest.config)


def _left() -> str:
    """Return what an interruption leaves behind that comes before, or after, the passes over the data."""
    from gnn.checkpoint import Checkpoints
    from gnn.errors import NoCheckpoint

    try:
        Checkpoints(home() / "checkpoint").about()
    except NoCheckpoint:
        return "No other model is served. To begin anew, run the same command again."
    return "No other model is served. To go on: attune train --resume"


def run(config: "Config", way: Way | None = None) -> Made:
    """Read the graph, train on it unless the current artefact is of the same snapshot, promote and write back.

    Under torchrun every process reads and trains; the first one alone writes. Raises the errors of `gnn.errors` and
    `graph.errors`.
    """
    from gnn import untrained
    from gnn.artefact import load, save
    from gnn.checkpoint import About, Checkpoints
    from gnn.errors import NoCheckpoint
    from gnn.processes import is_first, joined, local_device
    from gnn.registry import Registry
    from gnn.train import choose_device

    way = way or Way()
    config = untrained.as_built(config)
    checkpoints = Checkpoints(home() / "checkpoint")
    about = checkpoints.about() if way.resume else None
    snapshot = read(about.snapshot_at if about else way.until)
    _check(snapshot, config, way)
    registry = Registry(models())
    served = registry.load() if registry.current() else None
    if about is None:
        if served and served.manifest.snapshot == snapshot.id and served.manifest.config == config.as_dict():
            with console.step("The current model is of this very graph; making sure its output is in it"):
                write_back(served, snapshot)
            if _interrupted(checkpoints, served):
                console.say("Its training was interrupted: attune train --resume goes on from there")
            return Made(served, already=True, trained=served.manifest.trained, promoted=True)
        earlier = _warm_from(served, config, snapshot) if way.warm else None
        warm_from = earlier.version if earlier else None
        if is_first():
            checkpoints.begin(About(snapshot.id, snapshot.at, config.as_dict(), way.device, warm_from))
        device = way.device
    else:
        if about.snapshot != snapshot.id:
            raise NoCheckpoint(
                "the graph has changed in what lies before the interrupted training: its weights would not be the same",
                "Run attune train without --resume",
            )
        config, device = about.settings, about.device
        earlier = load(models() / about.warm_from) if about.warm_from else None
    with joined(local_device(choose_device(device))) as group:
        artefact, learned = _learn(config, snapshot, device, checkpoints, earlier, way.wandb, group)
    if not group.first:
        return Made(artefact, already=False, trained=learned, promoted=False)
    with console.step("Saving the artefact"):
        save(artefact, models())
    comparison = _compare(snapshot, artefact, served) if learned and served else None
    # What learned nothing never takes the place of what did: `--until` may have left too little to learn from.
    worse = (
        comparison.worse if comparison else bool(served and served.manifest.trained and not artefact.manifest.trained)
    )
    if worse and not way.even_if_worse:
        return Made(artefact, already=False, trained=learned, promoted=False, comparison=comparison)
    serve(artefact, snapshot)
    return Made(artefact, already=False, trained=learned, promoted=True, comparison=comparison)


def _check(snapshot: "Snapshot", config: "Config", way: Way) -> None:
    """Refuse what nothing in the graph answers to, before minutes are spent on it."""
    from gnn.errors import NotEnoughData
    from gnn.features import check_target

    if way.until is not None and not len(snapshot.events):
        moment = datetime.fromtimestamp(way.until / 1e6, UTC)
        raise NotEnoughData(f"the graph holds no event before {moment:%Y-%m-%d %H:%M} UTC", "Give a later --until")
    check_target(snapshot, config.target)


def promote(version: str | None, *, json: bool) -> None:
    """Serve this version, or the one served before when None, and write its output into the graph.

    Nothing changes where the graph cannot be read: a rollback that is tried again must not lead further back.
    """
    from gnn.registry import Registry

    registry = Registry(models())
    if version is not None and version not in registry.versions():
        there = ", ".join(registry.versions()) or "none yet"
        console.stop(f"there is no model {version!r}", f"There are: {there}.", code=console.WRONG_USE)
    artefact = registry.checked(registry.before().name if version is None else version)
    snapshot = read(artefact.manifest.snapshot_at)
    if version is None:
        registry.go_back(artefact)
    else:
        registry.serve(artefact)
    _write(artefact, snapshot)
    if json:
        console.emit({"version": artefact.version, "promoted": True})
    else:
        console.OUT.print(f"Model {artefact.version} is being served.")


def serve(artefact: "Artefact", snapshot: "Snapshot") -> None:
    """Make a saved artefact the current one and write its output into the graph."""
    from gnn.registry import Registry

    with console.step("Making it the current one"):
        Registry(models()).promote(artefact.version)
    _write(artefact, snapshot)


def _write(artefact: "Artefact", snapshot: "Snapshot") -> None:
    from graph.errors import GraphError

    served = f"model {artefact.version} is being served, but not all of its lists are in the graph"
    remedy = f"To write them: attune promote {artefact.version}"
    with (
        console.step("Writing lists, similar items and attention into the graph"),
        console.interruptible(lambda: f"{served[0].upper()}{served[1:]}. {remedy}"),
    ):
        try:
            write_back(artefact, snapshot)
        except GraphError as error:
            raise GraphError(f"{served}: {error}", remedy) from error


def _learn(
    config: "Config",
    snapshot: "Snapshot",
    device: str,
    checkpoints: "Checkpoints",
    earlier: "Artefact | None",
    wandb: str | None,
    group: "Group",
) -> "tuple[Artefact, bool]":
    """Return a trained model, or the untrained one and False where there is nothing to learn from."""
    from attune.bars import TrainingBars
    from attune.curves import Curves
    from gnn import untrained
    from gnn.errors import NotEnoughData
    from gnn.train import train as train_model

    try:
        with ExitStack() as told:
            curves = None
            if group.first:
                bars = told.enter_context(TrainingBars(console.ERR))
                curves = told.enter_context(Curves(bars, home() / "runs", config, wandb))
                console.say(f"Curves: {curves.command}")
            result = train_model(
                snapshot,
                config,
                device=device,
                progress=curves,
                checkpoints=checkpoints,
                warm_from=earlier,
                group=group,
            )
    except NotEnoughData as error:
        if group.first:
            checkpoints.clear()
        console.say(f"Nothing to learn from yet ({error.message}): an untrained network is made")
        return untrained.build(snapshot, config), False
    if result.interrupted:
        console.say("Interrupted: the best weights so far are kept; attune train --resume goes on from here")
    return result.artefact, True


def _warm_from(served: "Artefact | None", config: "Config", snapshot: "Snapshot") -> "Artefact | None":
    """Return the model to start from, or None, having said why there is none."""
    from gnn import history, warm
    from gnn.errors import CannotCarryOver

    if served is None or not served.manifest.trained:
        console.say("There is no trained model to start from: training anew")
        return None
    try:
        warm.check_settings(served, config)
        warm.scheme_for(served, history.scheme_of(snapshot, config))
        warm.check_tree(served, snapshot, config)
    except CannotCarryOver as error:
        console.say(f"Training anew: {error.message}")
        return None
    return served


def _compare(snapshot: "Snapshot", new: "Artefact", served: "Artefact") -> "Comparison | None":
    from gnn.errors import CannotCarryOver
    from gnn.promotion import compare

    if not new.manifest.servable:
        return None
    try:
        with console.step(f"Ranking the latest period beside {served.version}"):
            return compare(snapshot, new, served)
    except CannotCarryOver as error:
        console.say(f"Not compared with the model being served: {error.message}")
        return None


def read(until: int | None = None) -> "Snapshot":
    """Read the graph's snapshot, saying so."""
    from graph import snapshot
    from graph.client import Client, settings

    with console.step("Reading the graph"), Client(settings(home())) as client:
        return snapshot.read(client, at=until, report=lambda text: console.say(f"  {text}"))


def write_back(artefact: "Artefact", snapshot: "Snapshot") -> None:
    """Write RECOMMENDED, SIMILAR, ATTENDS and Model, purchase power and price levels into the graph."""
    from attune import disputes
    from attune.derive import write_derived
    from gnn import output
    from graph.client import Client, settings
    from graph.output import model_output
    from loaders.progress import Bars, counted

    metrics = {
        f"{model.replace('+', '_')}_{metric}": value  # a name that Cypher takes without quotes
        for model, figures in artefact.manifest.metrics.items()
        for metric, value in figures.items()
    }
    facts = {"trained_at": artefact.manifest.created, "snapshot": artefact.manifest.snapshot}
    users, items = len(snapshot.user_ids), len(artefact.state.candidates)
    with Client(settings(home())) as client, Bars(console.ERR) as bars:
        disputed = disputes.everybody(client)
        lists = output.recommended(artefact, snapshot, disputes=disputed, progress=bars)
        attends = output.attends(artefact, snapshot, disputes=disputed)
        model_output(
            client,
            artefact.version,
            metrics | facts,
            counted(lists, "Writing lists", output.LISTED * users, bars),
            counted(output.similar(artefact), "Writing similar items", output.SIMILAR * items, bars),
            counted(attends, "Writing attention", output.LISTED * users, bars),
            phase=bars.phase,
        )
        write_derived(client, snapshot, bars)
