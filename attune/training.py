"""`attune train`: the graph as a snapshot, a model from it, its output back into the graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attune import console
from attune.home import home, models

if TYPE_CHECKING:
    from gnn.artefact import Artefact
    from gnn.config import Config
    from graph.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Made:
    """What a training run left behind."""

    artefact: "Artefact"
    already: bool
    """The current artefact was made from the same snapshot with the same settings; nothing was trained."""
    trained: bool
    """False when the shop has too little data to learn from; the untrained network is served then."""


def train(settings: Sequence[str], *, device: str, until: int | None, json: bool) -> None:
    """Train, promote, write back; print what was made."""
    from gnn.config import from_settings

    made = run(from_settings(settings), device=device, until=until)
    manifest = made.artefact.manifest
    if json:
        console.emit(
            {
                "version": made.artefact.version,
                "promoted": True,
                "trained": made.trained,
                "already": made.already,
                "snapshot": manifest.snapshot,
                "metrics": manifest.metrics,
                "path": str(models() / made.artefact.version),
            }
        )
        return
    console.OUT.print(f"Model {made.artefact.version} is being served.")
    rows = [
        [model, metric, f"{value:.4f}"]
        for model, figures in manifest.metrics.items()
        for metric, value in figures.items()
    ]
    if rows:
        console.table(["model", "metric on the validation period", "value"], rows, right=(2,))


def run(config: "Config", *, device: str = "auto", until: int | None = None) -> Made:
    """Read the graph, train on it unless the current artefact is of the same snapshot, promote and write back.

    Raises the errors of `gnn.errors` and `graph.errors`.
    """
    from attune.bars import TrainingBars
    from gnn import untrained
    from gnn.artefact import Registry, save
    from gnn.errors import NotEnoughData
    from gnn.train import train as train_model

    snapshot = read(until)
    registry = Registry(models())
    current = registry.current()
    if current is not None:
        served = registry.load()
        if served.manifest.snapshot == snapshot.id and served.manifest.config == config.as_dict():
            with console.step("The current model is of this very graph; making sure its output is in it"):
                write_back(served, snapshot)
            return Made(served, already=True, trained=served.manifest.trained)
    learned = True
    try:
        with TrainingBars(console.ERR) as progress:
            result = train_model(snapshot, config, device=device, progress=progress)
        artefact = result.artefact
        if result.interrupted:
            console.say("Interrupted: the best weights so far are kept")
    except NotEnoughData as error:
        console.say(f"Nothing to learn from yet ({error.message}); the untrained network is served until there is")
        artefact, learned = untrained.build(snapshot, config), False
    with console.step("Saving the artefact and making it the current one"):
        save(artefact, models())
        registry.promote(artefact.version)
    with console.step("Writing lists, similar items and attention into the graph"):
        write_back(artefact, snapshot)
    return Made(artefact, already=False, trained=learned)


def read(until: int | None = None) -> "Snapshot":
    """Read the graph's snapshot, saying so."""
    from graph import snapshot
    from graph.client import Client, settings

    with console.step("Reading the graph"), Client(settings(home())) as client:
        return snapshot.read(client, at=until, report=lambda text: console.say(f"  {text}"))


def write_back(artefact: "Artefact", snapshot: "Snapshot") -> None:
    """Write RECOMMENDED, SIMILAR, ATTENDS and Model, purchase power and price levels into the graph."""
    from attune.derive import write_derived
    from gnn import output
    from graph.client import Client, settings
    from graph.output import model_output

    metrics = {
        f"{model}_{metric}": value
        for model, figures in artefact.manifest.metrics.items()
        for metric, value in figures.items()
    }
    facts = {"trained_at": artefact.manifest.created, "snapshot": artefact.manifest.snapshot}
    with Client(settings(home())) as client:
        model_output(
            client,
            artefact.version,
            metrics | facts,
            output.recommended(artefact, snapshot),
            output.similar(artefact),
            output.attends(artefact, snapshot),
        )
        write_derived(client, snapshot)
