"""`attune up`, `down` and `status`: the local Neo4j, what is loaded and what is served."""

from typing import TYPE_CHECKING

from attune import console
from attune.home import home, models

if TYPE_CHECKING:
    from graph.client import Client


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


def status(*, json: bool) -> None:
    """Print what runs, what is loaded and what is served; never fails because something is down."""
    from gnn.errors import ModelError
    from gnn.registry import Registry
    from graph import client, server
    from graph.census import census
    from graph.errors import GraphError

    local = server.status(home())
    facts: dict[str, object] = {
        "home": str(home()),
        "neo4j": {
            "running": local.running,
            "version": local.version,
            "pid": local.pid,
            "bolt": local.bolt,
            "browser": local.browser,
            "user": local.user,
            "passwordFile": str(local.password_file),
            "log": str(local.log),
        },
    }
    try:
        with client.Client(client.settings(home())) as connection:
            counted = census(connection)
            facts["graph"] = {
                "users": counted.users,
                "items": counted.items,
                "categories": counted.categories,
                "brands": counted.brands,
                "events": counted.events,
            }
            facts["disputed"] = _disputed(connection, counted.users)
    except GraphError as error:
        facts["graph"] = None
        facts["graphError"] = str(error)
    try:
        current = Registry(models()).current()
        facts["model"] = {"version": current.name, "path": str(current)} if current else None
    except ModelError as error:
        facts["model"] = None
        facts["modelError"] = str(error)
    facts["api"] = "http://127.0.0.1:8000/ once `attune serve` runs"
    if json:
        console.emit(facts)
    else:
        console.table(["what", "state"], _rows(facts))


def _disputed(connection: "Client", users: int) -> dict[str, object] | None:
    from attune import disputes
    from gnn.errors import ModelError

    try:
        return disputes.share(connection, users)
    except (ModelError, OSError):  # a damaged model: `model` says which it is, serving says what is wrong
        return None


def _rows(facts: dict[str, object], prefix: str = "") -> list[list[str]]:
    rows: list[list[str]] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{prefix}{name} ")  # pyright: ignore[reportArgumentType]
        else:
            rows.append([f"{prefix}{name}", "none" if value is None else str(value)])
    return rows
