"""What every resolver can reach: the service, and the loaders of its own operation."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import strawberry

from api.caching import NO_STORE
from api.dataloaders import Loaders
from api.identity import NOBODY, Identity
from api.knowledge import Present
from api.recommender import Recommender
from api.shoppers import present_us
from gnn.artefact import Artefact


@dataclass(slots=True)
class Context:
    """One per HTTP request or WebSocket connection, and per operation of that (`of_operation`)."""

    recommender: Recommender
    request_id: str
    identity: Identity = NOBODY
    handshake: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers that opened a WebSocket."""
    connection_params: dict[str, object] | None = None
    """What a WebSocket client sent with `connection_init`."""
    reads: bool = False
    """Whether the operation that was executed was a query."""
    ran: tuple[str, str | None] = ("invalid", None)
    """The root field of the operation that ended last (`api.operations.label`), and the client's name for it."""
    cache_control: str = NO_STORE
    """How the answer may be kept, should it be a good one."""
    _loaders: Loaders | None = field(default=None, init=False)
    _present: Present | None = field(default=None, init=False)
    _artefact: Artefact | None = field(default=None, init=False)

    def of_operation(self) -> "Context":
        """Return the context of an operation that begins: over a WebSocket many run side by side, each with its own."""
        if self.handshake:
            return replace(self)
        self.renew()
        return self

    def renew(self, present: Present | None = None) -> None:
        """Forget what was loaded: the next answer must see the graph as it is then, or as it has just been found."""
        self._loaders, self._present, self._artefact = None, present, None

    @property
    def loaders(self) -> Loaders:
        """Those of this operation, made when the first of them is needed: many contexts load nothing."""
        if self._loaders is None:
            self._loaders = Loaders(self.recommender, self.model, self._present)
        return self._loaders

    async def model(self) -> Artefact:
        """Return the model of this operation: one answer is of one model, also while another one is promoted.

        With the items that have joined it by now; for a list that was begun before, `Newcomers.at` goes back. Raises
        `Refused` with `MODEL_UNAVAILABLE` when there is none, and the errors of `AsyncClient`.
        """
        if self._artefact is None:
            found = await self.recommender.models.get()
            self._artefact = self._artefact or found  # another field may have been quicker
        return await self.recommender.newcomers.at(self._artefact, present_us())

    @property
    def artefact(self) -> Artefact | None:
        """The same as it was trained; None before the first training."""
        return self._artefact or self.recommender.models.artefact

    def note(self) -> dict[str, object]:
        """Return what `extensions` says of every answer: the model that was served."""
        artefact = self.artefact
        return {"model": {"version": artefact.version}} if artefact else {}


Info = strawberry.Info[Context, None]
