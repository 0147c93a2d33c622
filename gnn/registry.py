"""The models under one folder: which of them is served, switched atomically, and which was before."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from gnn.errors import ArtefactRefused, NoArtefact
from gnn.manifest import MANIFEST
from graph.disk import sync

if TYPE_CHECKING:
    from gnn.artefact import Artefact

# `gnn.artefact` is imported where a model is loaded: with scipy it takes longer than all that `attune status` does.


class Registry:
    """The artefacts under one folder, which of them is served, and which was before."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self._pointer = models / "current"

    def current(self) -> Path | None:
        """Return the folder of the artefact being served; cheap enough to ask at every request."""
        return self._folder("current")

    def previous(self) -> Path | None:
        """Return the folder of the artefact served before."""
        return self._folder("previous")

    def versions(self) -> tuple[str, ...]:
        """Return the versions on disk, oldest first."""
        if not self.models.is_dir():
            return ()
        found = (path.parent.name for path in self.models.glob(f"*/{MANIFEST}"))
        return tuple(sorted(name for name in found if not name.startswith(".")))

    def promote(self, version: str) -> Path:
        """Serve this version from now on, once all its files have been checked; the current one becomes the previous.

        Raises `NoArtefact` for an unknown version, `ArtefactRefused` for one that is damaged or not exact.
        """
        from gnn.artefact import load

        folder = self.models / version
        if version not in self.versions():
            raise NoArtefact(f"there is no artefact {version!r}", f"There are: {', '.join(self.versions()) or 'none'}")
        manifest = load(folder).manifest
        if not manifest.servable:
            raise ArtefactRefused(
                f"artefact {version} is not served: with fusion={manifest.config['fusion']} a score is not the sum of "
                "its paths, so its explanations would not be true",
                "Train with fusion=bilinear or fusion=sum",
            )
        current = self.current()
        if current is None or current.name != version:
            self._write({"current": version, "previous": current.name if current else None})
        return folder

    def rollback(self) -> Path:
        """Serve the previous artefact again; raises `NoArtefact` when there is none."""
        return self.promote(self.before().name)

    def before(self) -> Path:
        """Return the folder of what `rollback` serves; raises `NoArtefact` when there is nothing."""
        previous = self.previous()
        if previous is None:
            raise NoArtefact("there is no previous artefact to roll back to", "Run attune train")
        return previous

    def load(self) -> "Artefact":
        """Load the artefact being served; raises `NoArtefact` when there is none."""
        from gnn.artefact import load

        folder = self.current()
        if folder is None:
            raise NoArtefact("no model is being served yet", "Run attune train")
        return load(folder)

    def _folder(self, role: str) -> Path | None:
        try:
            version = orjson.loads(self._pointer.read_bytes())[role]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ArtefactRefused(
                f"{self._pointer} cannot be read: {error}", "Delete it and run attune train"
            ) from error
        return None if version is None or not (self.models / version).is_dir() else self.models / version

    def _write(self, content: Mapping[str, str | None]) -> None:
        draft = self.models / f".current-{secrets.token_hex(4)}"
        draft.write_bytes(orjson.dumps(content))
        sync(draft)
        draft.replace(self._pointer)
        sync(self.models)
