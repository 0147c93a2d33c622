"""Which state an operation takes the graph to be in: asked for, or presumed while the question is under way.

All that was read in a state is true for as long as the graph is in it. So where a shop is seldom written to, one short
statement stands in for all that would tell what a user did, and what a page of before showed.
"""

import asyncio

from api.knowledge import Look, Present
from api.recommender import Recommender
from graph.errors import GraphError


class Presence:
    """What one operation knows of the present."""

    def __init__(self, recommender: Recommender, present: Present | None) -> None:
        """`present`: the state that its request has found the graph in, if it has asked."""
        self.found = present
        self.presumes = False
        """Whether the operation can be executed anew, and so may begin before the graph has answered."""
        self._recommender = recommender
        self._asked: list[tuple[str, asyncio.Task[Present | None]]] = []

    def moment(self, *users: str) -> Look:
        """Return this moment, as `Knowledge.look`."""
        return self._recommender.knowledge.look(*users)

    async def look(self, user_id: str) -> None:
        """Ask for the state of the graph, where it most likely is the one in which this user was read.

        Where that is as good as certain, and the operation `presumes`, nobody waits for the answer before `sure`.
        """
        known = self._recommender.shoppers.look(user_id)
        if known is None or not self._likely(user_id, known):
            return
        if self.found and user_id in self.found.look.users:
            return
        state, answers = known.state, self._recommender.answers
        if self.presumes and state and answers.sure:
            present = Present(state, self.moment(user_id))
            asked = asyncio.create_task(self._ask(user_id, known))
            asked.add_done_callback(_heard)
            self._asked.append((state, asked))
            # The statement is on its way when this goes on.
            await asyncio.sleep(0)
        else:
            present = await self._ask(user_id, known)
        if present:
            self.found = present.beside(self.found)

    async def sure(self) -> tuple[bool, Present | None]:
        """Return whether all that was presumed is true, and the state that the graph was found in last."""
        found: Present | None = None
        for state, asked in self._asked:
            try:
                found = await asked
            except GraphError:
                return False, None
            if found is None or found.state != state:
                return False, found
        return True, found

    def _likely(self, user_id: str, known: Look) -> bool:
        """Whether a user is known, though not for certain, and the whole graph is most likely as it was then."""
        recommender = self._recommender
        if known.state is None or known.state != recommender.graph.seen or not recommender.answers.quiet:
            return False
        return recommender.steady(user_id) and not recommender.knowledge.holds(known)

    async def _ask(self, user_id: str, known: Look) -> Present | None:
        present = await self._recommender.present(user_id)
        self._recommender.answers.held(true=present is not None and present.holds(known))
        return present


def _heard(task: asyncio.Task[Present | None]) -> None:
    """Let an error go by that nobody waits for: the operation has ended before."""
    if not task.cancelled():
        task.exception()
