"""`attune erase`: one user and everything it did, out of the graph and out of what loads keep."""

import asyncio

from attune import console
from attune.home import home


def erase(user: str, *, yes: bool, json: bool) -> None:
    """Say who goes, ask unless `yes`, and erase; without a terminal to ask at, nobody goes unless `yes`.

    Ends with exit code 2 where there is no such user.
    """
    from loaders.forgetting import forget

    question = f"Erase user {user!r} and everything it did, for good?"
    console.ask(f"erase user {user!r}", question, "nobody was erased", yes=yes)
    events = asyncio.run(_erased(user))
    samples = forget(home(), user)
    if events is None:
        console.stop(f"there is no user {user!r}", code=console.WRONG_USE)
    if json:
        console.emit({"user": user, "erasedEvents": events, "erasedSamples": samples})
    else:
        console.OUT.print(f"Erased user {user} and {events:,} events.", markup=False)
        console.say("Files that still name the user bring it back when they are loaded.")


async def _erased(user: str) -> int | None:
    from graph import record
    from graph.client import AsyncClient, settings

    async with AsyncClient(settings(home())) as client:
        return await record.erase_user(client, user)
