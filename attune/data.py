"""`attune load`: a source into the graph, then what the graph says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING

from attune import console
from attune.home import home

if TYPE_CHECKING:
    from loaders.records import Source
    from loaders.report import Example, Report, TableReport


def load_complete_journey(*, households: int | None, strict: bool, online: bool | None, json: bool) -> None:
    """Load Complete Journey, or its first `households`."""
    from loaders.complete_journey import CompleteJourney

    _load(CompleteJourney(households=households), strict=strict, online=online, json=json)


def load_files(folder: Path, *, strict: bool, online: bool | None, json: bool) -> None:
    """Load a folder of the generic source."""
    from loaders.errors import LoadError
    from loaders.files import Folder

    try:
        source = Folder(folder)
    except LoadError as error:
        console.stop(str(error), code=console.WRONG_USE)
    _load(source, strict=strict, online=online, json=json)


def load_taobao(folder: Path, *, strict: bool, online: bool | None, json: bool) -> None:
    """Load the Taobao view/cart/buy data set."""
    from loaders.errors import LoadError
    from loaders.taobao import Taobao

    try:
        source = Taobao(folder)
    except LoadError as error:
        console.stop(str(error), code=console.WRONG_USE)
    _load(source, strict=strict, online=online, json=json)


def load(source: "Source", *, strict: bool = False, online: bool | None = None) -> "Report":
    """Load `source` with a progress bar and write purchase power and price levels; return the loader's report.

    Ends with exit code 2 when the source is at fault.
    """
    from attune.derive import write_derived
    from graph import client as graph_client
    from graph import snapshot as graph_snapshot
    from loaders.errors import LoadError
    from loaders.load import load as load_source
    from loaders.progress import Bars

    try:
        with Bars(console.ERR) as progress:
            report = load_source(
                source,
                home=home(),
                client_settings=graph_client.settings(home()),
                online=online,
                strict=strict,
                progress=progress,
            )
    except LoadError as error:
        console.stop(str(error), code=console.WRONG_USE)
    with console.step("Purchase power and price levels"), graph_client.Client(graph_client.settings(home())) as client:
        write_derived(client, graph_snapshot.read(client))
    return report


def _load(source: "Source", *, strict: bool, online: bool | None, json: bool) -> None:
    report = load(source, strict=strict, online=online)
    if json:
        console.emit(report.to_json())
    else:
        show(report)


def show(report: "Report") -> None:
    """Print the loader's report."""
    counted = [
        [
            name,
            *(f"{number:,}" for number in (table.read, table.loaded, table.duplicate, table.dropped)),
            reasons(table),
        ]
        for name, table in report.tables.items()
    ]
    console.table(
        ["table", "read", "loaded", "duplicate", "dropped", "rejected"],
        counted,
        title=report.source,
        right=(1, 2, 3, 4),
    )
    facts = [[f"events {type_}", f"{count:,}"] for type_, count in sorted(report.event_types.items())]
    facts += [[name, f"{count:,}"] for name, count in report.nodes.items()]
    facts += [[f"attribute {found.name}", f"{found.kind}: {found.why}"] for found in report.attributes]
    facts += [[f"seconds: {phase}", f"{seconds:.1f}"] for phase, seconds in report.seconds.items()]
    console.table(["what", "how much"], facts, right=(1,))
    for note in report.notes:
        console.OUT.print(f"note: {note}", markup=False)
    for name, table in report.tables.items():
        for example in table.examples:
            console.OUT.print(refused(name, example), markup=False)
    if report.already:
        console.OUT.print("The graph held all of this already.")
    if report.quarantine:
        console.OUT.print(f"{report.rejected:,} rejected rows, each with its reason: {report.quarantine}", markup=False)


def refused(table: str, example: "Example") -> str:
    """Return in a line what was refused, where it first was, and what to do."""
    held = f": {example.value!r}" if example.value else ""
    where = f" in {example.column}" if example.column else ""
    told = f"rejected: {example.rows:,} {table}, {example.reason}{where} (first {example.file} row {example.row}{held})"
    return f"{told}: {example.remedy}" if example.remedy else told


def reasons(table: "TableReport") -> str:
    """Return the reasons for refused rows, the most frequent first; empty when none was."""
    ordered = sorted(table.rejected.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{rows:,} {reason}" for reason, rows in ordered)
