"""What a model on disk says of itself; nothing that needs its arrays may enter, so that this is read at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

from gnn.errors import ArtefactRefused, NoArtefact

FORMAT = 4
"""Raised when the meaning of a file changes; another format is refused."""

MANIFEST = "manifest.json"
"""What an artefact says of itself; a folder without it is none."""

Metrics = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artefact says of itself."""

    format: int
    version: str
    created: str
    """ISO 8601, UTC."""
    code_version: str
    snapshot: str
    """Id of the snapshot that it serves."""
    snapshot_at: int
    config: dict[str, Any]
    scheme: dict[str, Any]
    seed: int
    trained: bool
    """False for first weights, which are what a shop with too little data gets."""
    servable: bool
    """Whether its scores are exact sums of paths."""
    ids_sha256: str
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    """Model or baseline -> metric -> value, on the validation period."""
    compression: dict[str, Any] = field(default_factory=dict)
    """What `gnn.compress` made it of, and by how much its channels may differ; empty for a model in full."""
    files: dict[str, str] = field(default_factory=dict)
    """File name -> sha256."""


def read(folder: Path) -> Manifest:
    """Read what an artefact says of itself, without its arrays. Raises `NoArtefact`, `ArtefactRefused`."""
    path = folder / MANIFEST
    if not path.is_file():
        raise NoArtefact(f"there is no artefact in {folder}", "Run attune train")
    try:
        content = orjson.loads(path.read_bytes())
        known = {part.name for part in fields(Manifest)}
        if content.get("format") != FORMAT:
            raise ArtefactRefused(
                f"artefact {folder} has format {content.get('format')}, this version reads {FORMAT}", "Train again"
            )
        return Manifest(**{name: value for name, value in content.items() if name in known})
    except (ValueError, TypeError, AttributeError) as error:
        raise ArtefactRefused(f"{path} is not a manifest: {error}", "Train again") from error
