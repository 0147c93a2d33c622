"""`attune load`: a source into the graph, then what the graph says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING

from attune import console
from attune.home import home

if TYPE_CHECKING:
    from loaders.load import Report
    from loaders.records import Source


def load_complete_journey(*, households: int | None, strict: bool, online: bool | None, json: bool) -> None:
    """Load Complete Journey, or its first `households`."""
    from loaders.complete_journey import CompleteJourney

    _load(CompleteJourney(households=households), strict=strict, online=online, json=json)


def load_files(folder: Path, *, strict: bool, online: bool | None, json: bool) -> None:
    """Load a folder of the generic source."""
    from loaders.errors import LoadError
    from loaders.files import Files

    try:
        source = Files(folder)
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
    from loaders.progress import RichProgress

    try:
        with RichProgress() as progress:
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
    """Print the loader's report as a table."""
    console.OUT.print(str(report))
