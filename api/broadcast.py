"""Who waits for news of which user, inside this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable


class Broadcast:
    """Wakes the subscriptions of a user after its events changed; several changes wake a slow reader once."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self.shown: dict[str, tuple[int, ...]] = {}
        """User -> the events that its subscriptions showed last (`UserRow.state`)."""
        self._closed = False

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def publish(self, users: Iterable[str]) -> None:
        """Wake every subscription of these users."""
        for user in users:
            for event in self._waiting.get(user, ()):
                event.set()

    async def follow(
        self, user: str, *, ended: Callable[[], bool] | None = None, every_s: float = 2.0
    ) -> AsyncIterator[None]:
        """Yield at once, and again after each publication, until `close`.

        Where nothing is published it looks every so many seconds whether it has `ended`, and yields then as well.
        """
        event = asyncio.Event()
        event.set()
        self._waiting.setdefault(user, set()).add(event)
        try:
            while not self._closed:
                while not event.is_set():
                    try:
                        async with asyncio.timeout(every_s if ended else None):
                            await event.wait()
                    except TimeoutError:
                        if ended and ended():
                            break
                event.clear()
                if not self._closed:
                    yield
        finally:
            others = self._waiting[user]
            others.discard(event)
            if not others:
                del self._waiting[user]
                self.shown.pop(user, None)

    def close(self) -> None:
        """End every subscription."""
        self._closed = True
        for events in self._waiting.values():
            for event in events:
                event.set()
