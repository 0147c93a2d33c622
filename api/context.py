"""What every resolver can reach: the service, and the loaders of its own operation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import strawberry

from api.dataloaders import Loaders
from api.identity import NOBODY, Identity
from api.recommender import Recommender


@dataclass(slots=True)
class Context:
    """One per HTTP request or WebSocket connection; the loaders are renewed for every operation."""

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
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Forget what was loaded: the next answer must see the graph as it is then."""
        self.loaders = Loaders(self.recommender)


Info = strawberry.Info[Context, None]
