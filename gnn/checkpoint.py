"""Where an interrupted training stands, on disk: enough to go on to the very weights that it would have reached.

A folder holds one training: `about.json`, what it is of, and one file for each of its fits. Files are replaced whole.
"""

import secrets
import shutil
import time
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import torch

from gnn.config import Config, from_mapping
from gnn.errors import BadConfig, NoCheckpoint

_ABOUT = "about.json"

_REMEDY = "Run attune train without --resume"


@dataclass(frozen=True, slots=True)
class About:
    """What a training is of: where it may be resumed, and with what."""

    snapshot: str
    """Id."""
    snapshot_at: int
    """Moment of the snapshot, microseconds UTC: the graph read at it again is the same, whatever happened since."""
    config: dict[str, Any]
    device: str
    warm_from: str | None = None
    """Version of the artefact that it starts from; None for first weights."""

    @property
    def settings(self) -> Config:
        """The config. Raises `NoCheckpoint` for one of another version of this code."""
        try:
            return from_mapping(self.config)
        except BadConfig as error:
            raise NoCheckpoint(f"the interrupted training has settings of another version: {error}", _REMEDY) from error


class Keeper:
    """The file of one fit."""

    def __init__(self, path: Path, every_s: float) -> None:
        self._path = path
        self._every_s = every_s
        self._saved = time.monotonic()

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """Return what was saved last, on a device; None when nothing was, or when the file is damaged."""
        if not self._path.is_file() or not zipfile.is_zipfile(self._path):
            return None
        try:
            return torch.load(self._path, map_location=device, weights_only=True)
        except (RuntimeError, EOFError, ValueError, OSError):
            return None

    def due(self) -> bool:
        """Return whether enough time has passed for the next save."""
        return time.monotonic() - self._saved >= self._every_s

    def save(self, content: dict[str, Any]) -> None:
        """Replace the file, whole or not at all."""
        draft = self._path.with_name(f".{self._path.name}-{secrets.token_hex(4)}")
        try:
            torch.save(content, draft)
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)
        self._saved = time.monotonic()


class Checkpoints:
    """The folder of one training."""

    def __init__(self, folder: Path, *, every_s: float = 30.0) -> None:
        self.folder = folder
        self._every_s = every_s

    def begin(self, about: About) -> None:
        """Forget what was there and start on another training."""
        self.clear()
        self.folder.mkdir(parents=True)
        draft = self.folder / f".{_ABOUT}"
        draft.write_bytes(orjson.dumps(asdict(about), option=orjson.OPT_INDENT_2))
        draft.replace(self.folder / _ABOUT)

    def about(self) -> About:
        """Return what the interrupted training is of. Raises `NoCheckpoint` when there is none."""
        try:
            return About(**orjson.loads((self.folder / _ABOUT).read_bytes()))
        except FileNotFoundError:
            raise NoCheckpoint("there is no interrupted training to resume", _REMEDY) from None
        except (ValueError, TypeError) as error:
            raise NoCheckpoint(f"{self.folder / _ABOUT} cannot be read: {error}", _REMEDY) from error

    def keeper(self, name: str) -> Keeper:
        """Return the file of one of its fits."""
        return Keeper(self.folder / f"{name}.pt", self._every_s)

    def clear(self) -> None:
        """Forget the training: it is done, or another one begins."""
        shutil.rmtree(self.folder, ignore_errors=True)
