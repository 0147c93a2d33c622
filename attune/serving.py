"""`attune serve`: the API and the page over the current artefact and graph."""

import os
from typing import TYPE_CHECKING

from attune import console
from attune.home import home, models

if TYPE_CHECKING:
    from api.app import ApiSettings


def serve(host: str, port: int) -> None:
    """Serve until Ctrl-C; ends with exit code 1 when the port is taken."""
    from api.serve import serve as serve_api

    settings = api_settings()
    console.say(f"Page      http://{host}:{port}/")
    console.say(f"GraphiQL  http://{host}:{port}/graphql")
    serve_api(settings, host, port)


def api_settings() -> "ApiSettings":
    """Return the API's settings for this home."""
    from api.app import ApiSettings
    from graph import client, jars, server
    from graph.errors import GraphError

    try:
        assets = jars.graphiql_assets(home(), console.say)
    except GraphError as error:
        # An API image has no jars and needs none: everything but GraphiQL works.
        console.say(f"GraphiQL is left out: {error}")
        assets = None
    return ApiSettings(
        neo4j=client.settings(home()),
        models=models(),
        graphiql_assets=assets,
        neo4j_browser=None if os.environ.get("NEO4J_URI") else server.status(home()).browser,
    )
