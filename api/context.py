"""What every resolver can reach: the service, and the loaders of its own operation."""

from dataclasses import dataclass, field

import strawberry

from api.dataloaders import Loaders
from api.recommender import Recommender


@dataclass(slots=True)
class Context:
    """One per HTTP request or WebSocket connection; the loaders are renewed for every operation."""

    recommender: Recommender
    request_id: str
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Forget what was loaded: the next answer must see the graph as it is then."""
        self.loaders = Loaders(self.recommender)


Info = strawberry.Info[Context, None]
