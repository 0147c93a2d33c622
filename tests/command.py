"""Commands of the command line, on a test's own database and home: in this process, or in one of their own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

from typer.testing import CliRunner, Result

from attune.cli import app
from graph.client import Client

Run = Callable[..., subprocess.CompletedProcess[str]]
"""What calls the command line as its users type it (`tests/integration/conftest.py`)."""

PROGRAM = (sys.executable, "-W", "ignore", "-m", "attune")
"""What starts a command in a process of its own."""


def run(client: Client, home: Path, *arguments: str, code: int) -> Result:
    """Run a command and return what it said; fail where it does not end with this code."""
    where = client.settings
    named = {"NEO4J_URI": where.uri, "NEO4J_USER": where.user, "NEO4J_PASSWORD": where.password}
    done = CliRunner().invoke(app, list(arguments), env={"ATTUNE_HOME": str(home), "COLUMNS": "300", **named})
    assert done.exit_code == code, done.output
    return done


def alone(home: Path, *arguments: str, code: int, stdout: int | IO[str] = subprocess.DEVNULL) -> str:
    """Run a command in a process of its own and return what it complained of, which must be no traceback."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        env=os.environ | {"ATTUNE_HOME": str(home)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr
