"""`attune demo`: from nothing to an explained recommendation in a browser; a second run skips what is done."""

import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser

from attune import console
from attune.home import home
from graph.errors import GraphError

# As far as a person would look for a port that is free.
_PORTS = 50
_READY_S = 60.0


def run(*, households: int | None, host: str, port: int, browse: bool, auth: bool | None = None) -> None:
    """Start Neo4j, load Complete Journey and train; then this process becomes one that serves (`serve`)."""
    from attune import access, data, training
    from gnn.config import Config
    from graph import client, server
    from loaders.complete_journey import CompleteJourney

    if auth is None and access.is_loopback(host):
        auth = False  # the page holds no key
    access.decide(host, auth)  # refuse now, not after the training
    begun = time.time()
    local = not os.environ.get("NEO4J_URI")
    if local:
        with console.step("1/4 Neo4j"):
            server.up(home(), report=lambda text: console.say(f"  {text}"))
    else:
        console.say(f"» 1/4 Neo4j: yours, at {client.settings(home()).uri}")
    _refuse_other_data()
    with console.step("2/4 Load Complete Journey, one year of a grocer"):
        report = data.load(CompleteJourney(households=households))
        console.say("  loaded before" if report.already else f"  {report.tables['events'].loaded:,} events")
    with console.step("3/4 Train the attention network"):
        made = training.run(Config())
        console.say(f"  model {made.artefact.version}" + (", trained before" if made.already else ""))
    options = ["--host", host, "--port", str(port), "--open" if browse else "--no-open", "--begun", str(begun)]
    if auth is not None:
        options.append("--auth" if auth else "--no-auth")
    sys.stdout.flush()
    sys.stderr.flush()
    # A service that starts anew keeps none of the gigabytes that a training took, nor its threads.
    os.execv(sys.executable, [sys.executable, "-m", "attune", "demo", *options])  # noqa: S606 - ourselves


def serve(*, host: str, port: int, browse: bool, auth: bool | None, begun: float) -> None:
    """Serve what was loaded and trained; print the addresses, open the page where there is a display.

    `begun`: when the demo did, seconds since 1970.
    """
    from attune import serving

    port = free_port(host, port)
    page = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/"  # noqa: S104 - what the user asked for
    console.say("» 4/4 Serve")
    local = not os.environ.get("NEO4J_URI")
    threading.Thread(target=_announce, args=(page, local, begun, browse), daemon=True).start()
    serving.serve(host, port, auth=auth, development=True)


def free_port(host: str, wanted: int) -> int:
    """Return `wanted`, or the next port above it that nobody listens on."""
    for port in range(wanted, min(wanted + _PORTS, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            if port != wanted:
                console.say(f"  port {wanted} is taken; using {port}")
            return int(probe.getsockname()[1])
    console.stop(f"ports {wanted} to {wanted + _PORTS - 1} are taken", "Give another one with --port.")


def _refuse_other_data() -> None:
    """Keep a demo from mixing its grocer into a shop's own graph."""
    from graph.census import census
    from graph.client import Client, settings
    from loaders.stage import sources

    with Client(settings(home())) as client:
        if not census(client).total_events:
            return
    begun = sources(home())
    if begun != frozenset({"complete-journey"}):
        console.stop(
            f"the graph already holds {', '.join(sorted(begun)) or 'other data'}",
            "Give the demo a place of its own: ATTUNE_HOME=/path/to/folder attune demo",
            code=console.WRONG_USE,
        )


def _announce(page: str, local: bool, begun: float, browse: bool) -> None:
    """Wait until the API is ready, then say where everything is."""
    from graph import server

    until = time.monotonic() + _READY_S
    while not _ready(page):
        if time.monotonic() > until:
            console.say("  the API is not ready yet; see /readyz for the reasons")
            return
        time.sleep(0.2)
    lines = [
        f"  Page            {page}",
        f"  GraphiQL        {page}graphql",
    ]
    if local:
        try:
            found = server.status(home())
            password = found.password_file.read_text(encoding="utf-8").strip()
            lines.append(f"  Neo4j Browser   {found.browser}   user {found.user}, password {password}")
        except (GraphError, OSError) as error:
            lines.append(f"  Neo4j Browser   {error}")
    console.say("\n".join(["", f"Ready after {time.time() - begun:.0f} s. Ctrl-C stops the API.", *lines, ""]))
    if browse and _has_display():
        webbrowser.open(page)


def _ready(page: str) -> bool:
    try:
        with urllib.request.urlopen(f"{page}readyz", timeout=2) as answer:  # noqa: S310 - our own address
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _has_display() -> bool:
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
