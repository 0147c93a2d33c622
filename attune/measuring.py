"""`attune evaluate` and `attune tune`: models and explanations measured beside others, settings of the baselines."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from attune import console, outputs
from attune.training import read

if TYPE_CHECKING:
    from gnn.config import Config
    from gnn.evaluation.faith_table import Faith
    from gnn.held_out import HeldOut
    from graph.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Periods:
    """Which periods are held out: after these cuts, or the last ones."""

    cuts: tuple[int, ...] = ()
    """Microseconds UTC."""
    origins: int = 1
    days: float | None = None
    until: int | None = None
    """Microseconds UTC; nothing from here on is looked at."""
    truth: Path | None = None
    """A file of pairs to be foretold from everything in the graph, in place of periods."""
    apart: bool = False
    """Whether all that happened between those pairs is taken out of the past."""

    def of(self, snapshot: "Snapshot", config: "Config") -> "tuple[HeldOut, ...]":
        """Return the periods, oldest first. Raises `NotEnoughData`."""
        from gnn.evaluation import origins

        if self.truth is not None:
            return (self._given(self.truth, snapshot, config),)
        if self.cuts:
            return origins.at(snapshot, config, self.cuts, days=self.days, until=self.until)
        return origins.rolling(snapshot, config, self.origins, days=self.days, until=self.until)

    def _given(self, file: Path, snapshot: "Snapshot", config: "Config") -> "HeldOut":
        from attune import truth
        from gnn.features import predicted_type
        from gnn.held_out import Given

        kind = predicted_type(snapshot, config.target)
        users, items = truth.read(file, snapshot.event_types[kind] if kind >= 0 else config.target)
        given = Given.of(snapshot, users, items, name=file.stem, apart=self.apart)
        if len(given.user) < len(users):
            console.say(
                f"{len(users) - len(given.user):,} of {len(users):,} pairs are of users or items not in the graph"
            )
        return given


def evaluate(
    names: Sequence[str] | None,
    periods: Periods,
    *,
    variants: str | None,
    seeds: Sequence[int],
    tuned: str | None,
    keep: Path | None,
    out: Path | None,
    settings: Sequence[str],
    device: str,
    json: bool,
) -> None:
    """Measure models, or variants of the network, beside each other; print the table, and write the report to `out`.

    `names`: of models, or of variants; None for all.
    """
    from attune.bars import TrainingBars
    from gnn.config import from_settings
    from gnn.evaluation import contenders, protocol, report, tuning
    from gnn.evaluation import variants as kinds
    from gnn.evaluation.kept import Kept
    from gnn.features import check_target

    config = from_settings(settings)
    data, _, file = (tuned or "").partition(":")
    found = tuning.tuned(data, Path(file) if file else None) if tuned else {}
    chosen = (
        contenders.named(contenders.check_names(names), config, device=device, tuned=found)
        if variants is None
        else kinds.named(variants, config, device, names)
    )
    outputs.folder(out)
    outputs.folder(keep, "--keep")
    snapshot = read()
    check_target(snapshot, config.target)
    left = (
        f"Baselines measured so far are kept in {keep}: the same command goes on after them."
        if keep
        else "Nothing was written. With --keep FOLDER measured baselines are kept."
    )
    with console.interruptible(lambda: left), TrainingBars(console.ERR) as progress:
        table = protocol.evaluate(
            snapshot,
            chosen,
            periods.of(snapshot, config),
            config,
            seeds=seeds,
            progress=progress,
            keep=None if keep is None else Kept(keep),
        )
    if out is not None:
        with outputs.writing(out):
            report.write_report(table, out)
        console.say(f"Report: {out / 'report.html'}")
    if json:
        console.emit(table.to_json())
    else:
        console.table(*table.as_text())
        if len(table.origins) > 1:
            console.say(f"Figures are means over the origins {', '.join(origin.name for origin in table.origins)}")


def explanations(users: int, items: int, *, seed: int, out: Path | None, json: bool) -> None:
    """Hold the served model's explanations against others; print the table, and write JSON and a page to `out`."""
    from attune import disputes
    from attune.bars import TrainingBars
    from attune.home import models
    from gnn.evaluation import disputed, faith_report, faithfulness
    from gnn.registry import Registry

    outputs.folder(out)
    artefact = Registry(models()).load()
    # All that is read is read first: what took minutes must not be lost to a database that has ended meanwhile.
    snapshot, doubts = read(), disputes.read()
    with console.interruptible(lambda: "Nothing was written."), TrainingBars(console.ERR) as progress:
        found = faithfulness.measure(artefact, snapshot, faithfulness.Sample(users, items, seed), progress)
    if out is not None:
        with outputs.writing(out):
            faith_report.write_report(found, out)
        console.say(f"Report: {out / 'explanations.html'}")
    feedback = disputed.measure(artefact, snapshot, doubts, items)
    if json:
        said = {"disputed": {**asdict(feedback), "share": feedback.share}} if feedback else {}
        console.emit({**found.to_json(), **said})
        return
    show(found)
    if feedback:
        console.say(
            f"Disputed: {feedback.disputed:,} of {feedback.told:,} reasons ({feedback.share:.1%}) told to the "
            f"{feedback.users:,} of {feedback.of_users:,} users who dispute any"
        )


def show(faith: "Faith") -> None:
    """Print the figures of explanations, a table for each list."""
    for name, (columns, rows) in faith.as_text().items():
        figures = tuple(range(1, len(columns)))
        console.table(columns, rows, title=f"list {name}", right=figures, whole=(0, *figures))
        console.OUT.print()
    console.say("+ ours is better than it, - worse, = the 95% interval of the difference holds zero")
    console.say("cost: the time of one explanation, as a share of GNNExplainer's")


def bubble(
    users: int | None,
    periods: Periods,
    *,
    dial: bool,
    k: int,
    seed: int,
    device: str,
    out: Path | None,
    json: bool,
) -> None:
    """Measure how narrow the served lists are, and what diversity costs; print tables, write a page to `out`."""
    from attune import disputes
    from attune.bars import TrainingBars
    from attune.home import models
    from gnn.evaluation import bubble as bubbles
    from gnn.evaluation import bubble_report, origins
    from gnn.registry import Registry

    outputs.folder(out)
    artefact = Registry(models()).load()
    snapshot = read()
    disputed = disputes.read()
    cut = None
    if dial:
        (cut,) = periods.of(snapshot, artefact.config)
        # Choices, such as where the dial stands, are made on the period before the one that is reported on.
        cut = cut if periods.cuts else origins.before(cut)
    with console.interruptible(lambda: "Nothing was written."), TrainingBars(console.ERR) as progress:
        found = bubbles.measure(
            artefact, snapshot, cut, progress, k=k, users=users, disputes=disputed, seed=seed, device=device
        )
    if out is not None:
        with outputs.writing(out):
            bubble_report.write_report(found, out)
        console.say(f"Report: {out / 'bubble.html'}")
    if json:
        console.emit(found.to_json())
        return
    console.table(*bubble_report.breadth_rows(found), right=(1, 2, 3, 4, 5, 6))
    console.OUT.print()
    console.table(*bubble_report.band_rows(found), right=(1, 2, 3, 4))
    if found.steps:
        console.OUT.print()
        console.table(*bubble_report.step_rows(found), right=(1, 2, 3, 4, 5, 6))


def tune(
    data: str,
    names: Sequence[str] | None,
    periods: Periods,
    *,
    trials: int,
    seconds: float,
    seed: int,
    out: Path,
    settings: Sequence[str],
    json: bool,
) -> None:
    """Search the baselines' settings on the period before the last one, and write those of each to `out` when found."""
    from dataclasses import asdict

    from attune.bars import TrainingBars
    from gnn.config import from_settings
    from gnn.errors import BadConfig
    from gnn.evaluation import origins, tuning
    from gnn.features import check_target

    config = from_settings(settings)
    for name in names or ():
        if name not in tuning.SPACES:
            raise BadConfig(name, tuning.SPACES, f"no such baseline; known: {', '.join(tuning.SPACES)}")
    outputs.file(out)
    if out.exists():
        tuning.read(out)
    snapshot = read()
    check_target(snapshot, config.target)
    (period,) = periods.of(snapshot, config)
    period = period if periods.cuts else origins.before(period)
    names = names or tuple(tuning.SPACES)
    written: list[str] = []

    def write(name: str, entry: tuning.Found) -> None:
        tuning.write({name: entry}, data, out)
        written.append(name)

    def left() -> str:
        rest = ",".join(name for name in names if name not in written)
        return f"{out} has the settings of {', '.join(written) or 'none yet'}; for the rest: --models {rest}"

    with console.interruptible(left), TrainingBars(console.ERR) as progress:
        found = tuning.tune(
            snapshot,
            names,
            period,
            config,
            trials=trials,
            seconds=seconds,
            seed=seed,
            progress=progress,
            keep=write,
        )
    console.say(f"Settings: {out}; use them by attune evaluate --tuned {data}:{out}")
    if json:
        console.emit({name: asdict(entry) for name, entry in found.items()})
    else:
        rows = [
            [
                name,
                f"{entry.ndcg20_all:.4f}",
                f"{entry.ndcg20_novel:.4f}",
                f"{entry.trials}",
                ", ".join(f"{key} {value}" for key, value in entry.settings.items()),
            ]
            for name, entry in found.items()
        ]
        console.table(["baseline", "ndcg20 all", "ndcg20 novel", "trials", "settings"], rows, right=(1, 2, 3))
