"""Wakes subscriptions for events that other processes wrote: the graph is the only channel between them."""

import asyncio

from api.broadcast import Broadcast
from api.pulse import Pulse
from graph import explore
from graph.client import AsyncClient
from graph.errors import GraphError

EVERY_S = 1.0


async def watch(client: AsyncClient, pulse: Pulse, broadcast: Broadcast, *, every_s: float = EVERY_S) -> None:
    """While anybody follows a user, look whether the graph has changed, and if so, wake those whose events have."""
    seen: tuple[str | None, dict[str, tuple[int, ...]]] = None, {}
    while True:
        await asyncio.sleep(every_s)
        shown = dict(broadcast.shown)
        if not shown:
            continue
        try:
            state = await pulse.state()
            if state is not None and (state, shown) == seen:
                continue
            found = await explore.states(client, shown)
        except GraphError:
            continue  # requests tell what is wrong
        seen = state, shown
        broadcast.publish(user for user, then in shown.items() if found.get(user) != then)
