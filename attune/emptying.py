"""`attune empty`: everything out of the graph, to begin anew."""

from typing import TYPE_CHECKING

from attune import console
from attune.home import home, models

if TYPE_CHECKING:
    from graph.client import Settings


def empty(*, yes: bool, json: bool) -> None:
    """Say what would go, ask unless `yes`, and remove it; without a terminal to ask at, nothing goes unless `yes`.

    Nothing goes while a load of this home runs: it would write on into what was emptied.
    """
    from graph.client import settings
    from loaders.errors import LoadError
    from loaders.stage import nobody_loads

    where = settings(home())
    try:
        with nobody_loads(home()):
            _empty(where, yes=yes, json=json)
    except LoadError as error:
        console.stop(error.message, error.remedy)


def _empty(where: "Settings", *, yes: bool, json: bool) -> None:
    from graph import empty as emptying
    from graph.census import census
    from graph.client import Client
    from loaders.progress import Bars

    with Client(where) as client:
        counted = census(client)
        said = f"{counted.users:,} users, {counted.items:,} items and {counted.total_events:,} events in {where.uri}"
        question = f"Remove {said}, for good? Models on disk stay."
        console.ask(f"remove {said}", question, "nothing was removed", yes=yes)
        left = "The graph is partly empty: the same command removes the rest."
        with console.interruptible(lambda: left), Bars(console.ERR) as progress:
            progress.phase("remove", emptying.STEPS)

            def done(what: str) -> None:
                progress.note(what)
                progress.advance(1)

            emptying.empty(client, done)
    removed = {"users": counted.users, "items": counted.items, "events": counted.total_events}
    if json:
        console.emit({"removed": removed})
    else:
        console.OUT.print(f"Removed {said}. Models stay in {models()}.", markup=False)
