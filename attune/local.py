"""`attune up`, `down` and `status`: the local Neo4j, what is loaded and what is served."""

from attune import console
from attune.home import home, models


def up(*, heap_mb: int, json: bool) -> None:
    """Start or adopt the local Neo4j and print where it answers."""
    from graph import server

    with console.step("Neo4j"):
        server.up(home(), heap_mb=heap_mb, report=console.say)
    status(json=json)


def down(*, json: bool) -> None:
    """Stop the local Neo4j."""
    from graph import server

    stopped = server.status(home()).running
    server.down(home())
    if json:
        console.emit({"stopped": stopped})
    else:
        console.OUT.print("Neo4j stopped" if stopped else "Neo4j was not running")
