"""The models under one folder: which of them is served, switched atomically, and which were before."""

import secrets
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from gnn.errors import ArtefactRefused, NoArtefact
from gnn.manifest import MANIFEST
from graph.disk import sync

if TYPE_CHECKING:
    from gnn.artefact import Artefact

# `gnn.artefact` is imported where a model is loaded: with scipy it takes longer than all that `attune status` does.


_BEFORE = 20
"""Models served before that are remembered."""


class Registry:
    """The artefacts under one folder, which of them is served, and which were before."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self._pointer = models / "current"

    def current(self) -> Path | None:
        """Return the folder of the artefact being served; cheap enough to ask at every request."""
        return self._folder(self._read()[0])

    def previous(self) -> Path | None:
        """Return the folder of the artefact served before."""
        found = (self._folder(version) for version in reversed(self._read()[1]))
        return next((folder for folder in found if folder), None)

    def versions(self) -> tuple[str, ...]:
        """Return the versions on disk, oldest first."""
        if not self.models.is_dir():
            return ()
        found = (path.parent.name for path in self.models.glob(f"*/{MANIFEST}"))
        return tuple(sorted(name for name in found if not name.startswith(".")))

    def promote(self, version: str) -> Path:
        """Serve this version from now on, once all its files have been checked; `rollback` returns to the current one.

        Raises as `checked` does.
        """
        return self.serve(self.checked(version))

    def rollback(self) -> Path:
        """Serve the artefact again that was served before the current one; said again, the one before that.

        Raises `NoArtefact` when there is none, else as `checked`.
        """
        return self.go_back(self.checked(self.before().name))

    def checked(self, version: str) -> "Artefact":
        """Load a version that may be served, checking all its files.

        Raises `NoArtefact` for an unknown version, `ArtefactRefused` for one that is damaged or not exact.
        """
        from gnn.artefact import load

        if version not in self.versions():
            raise NoArtefact(f"there is no artefact {version!r}", f"There are: {', '.join(self.versions()) or 'none'}")
        found = load(self.models / version)
        if not found.manifest.servable:
            raise ArtefactRefused(
                f"artefact {version} is not served: with fusion={found.config.fusion} a score is not the sum of "
                "its paths, so its explanations would not be true",
                "Train with fusion=bilinear or fusion=sum",
            )
        return found

    def serve(self, found: "Artefact") -> Path:
        """Serve what `checked` returned, as `promote` does."""
        current, before = self._read()
        if current != found.version:
            before = [name for name in (*before, current) if name and name != found.version]
            self._write(found.version, before[-_BEFORE:])
        return self.models / found.version

    def go_back(self, found: "Artefact") -> Path:
        """Serve what `checked` returned, as `rollback` does: the models served after it are forgotten."""
        _, before = self._read()
        self._write(found.version, list(takewhile(lambda name: name != found.version, before)))
        return self.models / found.version

    def before(self) -> Path:
        """Return the folder of what `rollback` serves; raises `NoArtefact` when there is nothing."""
        previous = self.previous()
        if previous is None:
            current = self.current()
            others = ", ".join(name for name in self.versions() if current is None or name != current.name)
            raise NoArtefact(
                f"there is no previous artefact: none on disk was served before {current.name if current else 'any'}",
                f"attune promote serves one by its version; there are: {others}" if others else "Run attune train",
            )
        return previous

    def load(self) -> "Artefact":
        """Load the artefact being served; raises `NoArtefact` when there is none."""
        from gnn.artefact import load

        folder = self.current()
        if folder is None:
            raise NoArtefact("no model is being served yet", "Run attune train")
        return load(folder)

    def _read(self) -> tuple[str | None, list[str]]:
        """Return the version being served, and those served before it, the last one last."""
        try:
            content = orjson.loads(self._pointer.read_bytes())
            # Pointers of earlier versions hold the last one alone.
            before = content["before"] if "before" in content else [content["previous"]]
            return content["current"], [str(version) for version in before if version]
        except FileNotFoundError:
            return None, []
        except (ValueError, KeyError, TypeError) as error:
            raise ArtefactRefused(
                f"{self._pointer} cannot be read: {error}", "Delete it and run attune train"
            ) from error

    def _folder(self, version: str | None) -> Path | None:
        return None if version is None or not (self.models / version).is_dir() else self.models / version

    def _write(self, current: str, before: list[str]) -> None:
        # `previous` is what earlier versions look for.
        content = {"current": current, "previous": before[-1] if before else None, "before": before}
        draft = self.models / f".current-{secrets.token_hex(4)}"
        draft.write_bytes(orjson.dumps(content))
        sync(draft)
        draft.replace(self._pointer)
        sync(self.models)
