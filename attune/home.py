"""Where Attune keeps its state: the only room that reads `ATTUNE_HOME`."""

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """Return the state folder, created when missing.

    `ATTUNE_HOME` when set, else the platform's folder for user data. Inside: `neo4j/` (the local server), `models/`
    (artefacts and `current`), `loads/` (stages, journals, quarantine), `log/`.
    """
    named = os.environ.get("ATTUNE_HOME")
    folder = Path(named).expanduser() if named else Path(platformdirs.user_data_dir("attune", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def models() -> Path:
    """Return the folder of trained artefacts, created when missing."""
    folder = home() / "models"
    folder.mkdir(exist_ok=True)
    return folder
