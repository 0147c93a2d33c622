"""Which artefact is being served: loaded once, exchanged when another one is promoted, kept when the new one is bad."""

import asyncio
import gc
import logging
import time
from collections import OrderedDict
from pathlib import Path

from api.errors import Code, Refused
from gnn.artefact import Artefact, load
from gnn.errors import ModelError
from gnn.registry import Registry

log = logging.getLogger("attune.api")

# Looking which artefact is current costs one stat; it is done at most this often.
_LOOK_EVERY_S = 1.0
# Models of before that stay loaded: their arrays are mapped, their item-item graphs are not.
_KEPT = 2


class CurrentModel:
    """The current artefact of a registry."""

    def __init__(self, models: Path) -> None:
        self._registry = Registry(models)
        self._lock = asyncio.Lock()
        self._looked_at = float("-inf")
        self._refused: Path | None = None
        self.path: Path | None = None
        self.artefact: Artefact | None = None
        self._before: OrderedDict[str, Artefact] = OrderedDict()
        self._loading = asyncio.Lock()
        self.problem = "no model has been trained yet"
        """Why there is none, or why the newest one is not served; empty when all is well."""

    async def get(self) -> Artefact:
        """Return the artefact to serve; raises `Refused` with `MODEL_UNAVAILABLE` when there is none."""
        await self.look()
        if self.artefact is None:
            raise Refused(Code.MODEL_UNAVAILABLE, "No model is being served yet. Train one with `attune train`.")
        return self.artefact

    async def of(self, version: str) -> Artefact:
        """Return the model of a version, current or not.

        Raises `Refused` with `NOT_REPLAYABLE` when it is no longer on disk, or cannot be served.
        """
        if self.artefact is not None and self.artefact.version == version:
            return self.artefact
        async with self._loading:  # one at a time: each costs the processor a while
            if version not in self._before:
                self._before[version] = await asyncio.to_thread(self._load, version)
                while len(self._before) > _KEPT:
                    self._before.popitem(last=False)
            self._before.move_to_end(version)
            return self._before[version]

    def _load(self, version: str) -> Artefact:
        try:
            # By the names on disk alone: a version is a client's text and no path.
            if version not in self._registry.versions():
                raise Refused(
                    Code.NOT_REPLAYABLE, "That model is not kept here any more, or never was.", argument="asOf.model"
                )
            found = load(self._registry.models / version)
        except (ModelError, OSError) as error:
            log.exception("model of before refused", extra={"model": version})
            raise Refused(
                Code.NOT_REPLAYABLE, "That model is damaged or of another format.", argument="asOf.model"
            ) from error
        if not found.manifest.servable:
            raise Refused(Code.NOT_REPLAYABLE, "That model never served a list.", argument="asOf.model")
        return found

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
        # All that is here now stays. The collector would look at it again and again, for 50 ms and more in mid-request.
        gc.collect()
        gc.freeze()
        log.info("model loaded", extra={"model": artefact.version})
