"""Asks the GraphQL API in this process: what the command line prints is what a front end gets."""

import asyncio
from collections.abc import Mapping
from typing import Any

from attune import console
from attune.home import home, models
from attune.serving import own_words
from graph.errors import NotFound

# Codes of the API (`api.errors.Code`) that are nobody's wrong use: the same question may be answered later.
_FAILED = ("DATABASE_UNAVAILABLE", "DATABASE_TIMEOUT", "OVERLOADED", "INTERNAL")


class AskError(Exception):
    """The API answered with an error; the text is the API's own."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.exit_code = console.FAILED if code in _FAILED else console.WRONG_USE
        """What the command ends with."""


def ask(query: str, variables: Mapping[str, object]) -> dict[str, Any]:
    """Execute one operation against the loaded graph and the current artefact, without a server.

    Raises `AskError` with the first error's message, `api.faults.BadWords`, and the errors of `graph.client`.
    """
    return asyncio.run(_ask(query, variables))


async def _ask(query: str, variables: Mapping[str, object]) -> dict[str, Any]:
    from api import schema
    from api.context import Context
    from api.metrics import Metrics
    from api.models import CurrentModel
    from api.recommender import Recommender
    from api.words import read
    from graph.client import AsyncClient, settings

    async with AsyncClient(settings(home())) as client:
        await client.ping()  # the API masks where the database is; whoever types here should be told
        recommender = Recommender(client, CurrentModel(models()), Metrics(), words=read(own_words()))
        context = Context(recommender, "command-line")
        result = await schema.build().execute(query, variable_values=dict(variables), context_value=context)
    if result.errors:
        first = result.errors[0]
        raise AskError(first.message, str((first.extensions or {}).get("code", "")))
    return result.data or {}


def user_of(answer: Mapping[str, Any], user_id: str) -> dict[str, Any]:
    """Return the answer's user; raises `NotFound` when the graph does not know it."""
    user = answer["user"]
    if user is None:
        raise NotFound(f"user {user_id!r} is not in the graph", "Load its events, or check the id: ids are text.")
    return user


def answer(query: str, variables: Mapping[str, object]) -> dict[str, Any]:
    """Return what the API answers about `$user`; ends the command with one line when it cannot."""
    try:
        data = ask(query, variables)
        user_of(data, str(variables["user"]))
    except NotFound as error:
        console.stop(error.message, error.remedy, code=console.WRONG_USE)
    except AskError as error:
        console.stop(str(error), code=error.exit_code)
    return data
