"""Where Attune keeps its state: the only room that reads `ATTUNE_HOME`."""

import os
from pathlib import Path

import platformdirs

from attune import console, outputs


def home() -> Path:
    """Return the state folder, created when missing; ends with exit code 2 where there can be none.

    `ATTUNE_HOME` when set, else the platform's folder for user data. Inside: `neo4j/` (the local server), `models/`
    (artefacts and `current`), `loads/` (journals, reports, quarantine), `runs/` (curves), `graphiql/`, `keys.json`.
    """
    named = os.environ.get("ATTUNE_HOME")
    folder = Path(named).expanduser() if named else Path(platformdirs.user_data_dir("attune", appauthor=False))
    return _made(folder).resolve()


def models() -> Path:
    """Return the folder of trained artefacts, created when missing."""
    return _made(home() / "models")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        console.stop(
            f"the folder {folder} cannot be made: {outputs.why(error)}",
            "Set ATTUNE_HOME to a folder in which Attune may keep its state.",
            code=console.WRONG_USE,
        )
    return folder
