"""`attune compress`: a smaller model out of a saved one, measured beside it, served in its place unless it loses."""

from typing import TYPE_CHECKING

from attune import console
from attune.home import models
from attune.training import read, serve

if TYPE_CHECKING:
    from pathlib import Path

    from gnn.artefact import Artefact
    from gnn.evaluation.compression import Compression
    from graph.snapshot import Snapshot


def compress(version: str | None, share: float, *, even_if_worse: bool, json: bool) -> None:
    """Compress this version, or the served one when None; print what it saves and what it costs."""
    from gnn import compress as compressor
    from gnn.artefact import load, save
    from gnn.errors import NoArtefact
    from gnn.registry import Registry

    registry = Registry(models())
    current = registry.current()
    if version is None and current is None:
        raise NoArtefact("no model is being served yet", "Run attune train")
    if version is not None and version not in registry.versions():
        there = ", ".join(registry.versions()) or "none yet"
        console.stop(f"there is no model {version!r}", f"There are: {there}.", code=console.WRONG_USE)
    folder = models() / version if version else current
    assert folder is not None  # noqa: S101 - for the type checker: one of the two is there
    full = load(folder)
    small = compressor.compress(full, share)
    snapshot = read(full.manifest.snapshot_at)
    if snapshot.id != full.manifest.snapshot:
        console.say("The graph has changed in what lies before the model's time: both rank it as it is now")
    with console.step("Saving the compressed model"):
        saved = save(small, models())
    found = _measure(snapshot, full, (folder, saved), share)
    promoted = folder == current and (even_if_worse or (found is not None and found.acceptable))
    if promoted:
        serve(small, snapshot)
    if json:
        measured = None if found is None else found.to_json()
        console.emit(
            {
                "version": small.version,
                "promoted": promoted,
                "path": str(saved),
                "compression": small.manifest.compression,
                "measured": measured,
            }
        )
        return
    if promoted:
        console.OUT.print(f"Model {small.version} is being served in place of {full.version}.")
    else:
        console.OUT.print(f"Model {small.version} is saved and not served. To serve it: attune promote {small.version}")
    if found:
        console.table(["", "in full", "compressed", "difference", "95% interval"], _rows(found), right=(1, 2, 3, 4))


def _measure(
    snapshot: "Snapshot", full: "Artefact", folders: "tuple[Path, Path]", share: float
) -> "Compression | None":
    from attune.bars import TrainingBars
    from gnn.errors import CannotCarryOver, NotEnoughData
    from gnn.evaluation import compression

    try:
        with TrainingBars(console.ERR) as progress:
            progress.phase("Ranking the latest period", compression.USERS)
            return compression.measure(snapshot, full, folders, share, progress.advance)
    except (CannotCarryOver, NotEnoughData) as error:
        console.say(f"Not measured: {error.message}")
        return None


def _rows(found: "Compression") -> list[list[str]]:
    rows = [
        [
            "size, MB",
            f"{found.bytes_before / 1e6:.1f}",
            f"{found.bytes_after / 1e6:.1f}",
            f"{found.smaller:.1f} times smaller",
            "",
        ],
        [
            "median time for all scores of a user, ms",
            f"{found.ms_before:.1f}",
            f"{found.ms_after:.1f}",
            f"{found.ms_after / found.ms_before - 1:+.0%}",
            "",
        ],
    ]
    for on, figures, part in (
        ("everything", found.ndcg_all, found.all),
        ("what was new", found.ndcg_novel, found.novel),
    ):
        before, after = figures
        interval = f"{part.relative_low:+.2%} to {part.relative_high:+.2%}"
        rows.append([f"NDCG@20 on {on}", f"{before:.4f}", f"{after:.4f}", f"{part.relative:+.2%}", interval])
    rows.append(["shared by the first 20 of both lists", "", "", f"{found.kept_of_head:.1%}", ""])
    rows.append(
        [
            "scores of the first 20 moved by at most",
            f"{found.head_spread:.3f} spread",
            "",
            f"{found.head_moved:.4f}",
            "",
        ]
    )
    rows.append(["they could have moved by at most", "", "", f"{found.head_bound:.3f}", ""])
    return rows
