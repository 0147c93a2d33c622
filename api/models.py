"""Which artefact is being served: loaded once, exchanged when another one is promoted, kept when the new one is bad."""

import asyncio
import logging
import time
from pathlib import Path

from api.errors import Code, Refused
from gnn.artefact import Artefact, Registry, load
from gnn.errors import ModelError

log = logging.getLogger("attune.api")

# Looking which artefact is current costs one stat; it is done at most this often.
_LOOK_EVERY_S = 1.0


class CurrentModel:
    """The current artefact of a registry."""

    def __init__(self, models: Path) -> None:
        self._registry = Registry(models)
        self._lock = asyncio.Lock()
        self._looked_at = float("-inf")
        self._refused: Path | None = None
        self.path: Path | None = None
        self.artefact: Artefact | None = None
        self.problem = "no model has been trained yet"
        """Why there is none, or why the newest one is not served; empty when all is well."""

    async def get(self) -> Artefact:
        """Return the artefact to serve; raises `Refused` with `MODEL_UNAVAILABLE` when there is none."""
        await self.look()
        if self.artefact is None:
            raise Refused(Code.MODEL_UNAVAILABLE, "No model is being served yet. Train one with `attune train`.")
        return self.artefact

    async def look(self) -> None:
        """Exchange the artefact when another one is current; requests that come meanwhile get the old one."""
        if time.monotonic() - self._looked_at < _LOOK_EVERY_S or (self._lock.locked() and self.artefact is not None):
            return
        async with self._lock:
            if time.monotonic() - self._looked_at < _LOOK_EVERY_S:
                return
            try:
                await self._exchange()
            finally:
                self._looked_at = time.monotonic()

    async def _exchange(self) -> None:
        try:
            path = self._registry.current()
        except (ModelError, OSError) as error:
            self.problem = f"the current model cannot be found: {type(error).__name__}"
            log.exception("model registry is unreadable")
            return
        if path is None or path == self.path or path == self._refused:
            return
        try:
            artefact = await asyncio.to_thread(load, path)
        except (ModelError, OSError) as error:
            self._refused = path
            self.problem = f"model {path.name} was refused: {type(error).__name__}"
            log.exception("model refused", extra={"model": path.name})
            return
        self.artefact, self.path, self.problem, self._refused = artefact, path, "", None
        log.info("model loaded", extra={"model": artefact.version})
