"""Commands of the command line, run in this process on a test's own database and home."""

from pathlib import Path

from typer.testing import CliRunner, Result

from attune.cli import app
from graph.client import Client


def run(client: Client, home: Path, *arguments: str, code: int) -> Result:
    """Run a command and return what it said; fail where it does not end with this code."""
    where = client.settings
    named = {"NEO4J_URI": where.uri, "NEO4J_USER": where.user, "NEO4J_PASSWORD": where.password}
    done = CliRunner().invoke(app, list(arguments), env={"ATTUNE_HOME": str(home), "COLUMNS": "300", **named})
    assert done.exit_code == code, done.output
    return done
