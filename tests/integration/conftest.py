"""The command line on one local Neo4j: what it is asked, the small shop loaded by it, and a model trained by it.

And the API over the small shop where it asks for keys and tokens.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import shop as shops

if TYPE_CHECKING:
    from graph.client import Settings
    from tests.command import Run
    from tests.guarded import Guarded


@pytest.fixture(scope="module")
def attune(home: Path, neo4j: "Settings") -> "Run":
    from attune.cli import main
    from graph import schema, write
    from graph.client import Client

    with Client(neo4j) as client:
        write.wipe(client)
        schema.migrate(client)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_")}
    environment |= {"ATTUNE_HOME": str(home), "COLUMNS": "200", "PYTHONWARNINGS": "ignore"}

    def run(*arguments: str, code: int = 0, **extra: str) -> subprocess.CompletedProcess[str]:
        """Call the entry point in this process: importing torch once is enough."""
        out, err, saved = io.StringIO(), io.StringIO(), dict(os.environ)
        os.environ.clear()
        os.environ.update(environment | extra)
        saved_argv, sys.argv = sys.argv, ["attune", *arguments]
        returned = 0
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main()
        except SystemExit as ended:
            returned = ended.code if isinstance(ended.code, int) else 1
            err.write(str(ended.code) if isinstance(ended.code, str) else "")
        finally:
            sys.argv = saved_argv
            os.environ.clear()
            os.environ.update(saved)
        done = subprocess.CompletedProcess(arguments, returned or 0, out.getvalue(), err.getvalue())
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done

    return run


@pytest.fixture(scope="module")
def loaded(attune: "Run", shop: shops.Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = shops.write_folder(shop, tmp_path_factory.mktemp("shop") / "files")
    return json.loads(attune("load", "files", str(folder), "--json").stdout)


@pytest.fixture(scope="module")
def trained(attune: "Run", loaded: dict[str, Any]) -> dict[str, Any]:
    assert loaded
    # Whatever the tests of another module left served, this is served now.
    asked = ("train", "--set", "epochs=3", "--even-if-worse", "--device", "cpu", "--json")
    return json.loads(attune(*asked).stdout)


@pytest.fixture(scope="module")
def guarded(neo4j: "Settings", models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Guarded"]:
    from tests.guarded import guarding

    with guarding(neo4j, models, tmp_path_factory.mktemp("keys") / "keys.json") as running:
        yield running
