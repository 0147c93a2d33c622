"""Rows of the catalogue that were read lately: not read again while they are known to be true (`api.knowledge`).

Or while the graph is found in the very state that they were read in (`Present`).
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Generic, TypeVar

from api.knowledge import Knowledge, Look, Present
from graph.explore import BrandRow, CategoryRow, ItemRow

Row = TypeVar("Row")


class KeptRows(Generic[Row]):
    """Rows of one kind by external id, None for what the graph does not hold."""

    def __init__(self, knowledge: Knowledge, *, most: int = 10_000) -> None:
        self._knowledge, self._most = knowledge, most
        self._rows: dict[str, tuple[Row | None, Look]] = {}

    def known(self, ids: Iterable[str], present: Present | None = None) -> tuple[dict[str, Row | None], Look | None]:
        """Return the rows that are known to be true, and the earliest look that says so.

        `present`: the state that the graph has just been found in, where it was asked for.
        """
        rows: dict[str, Row | None] = {}
        if not self._rows:
            return rows, None
        # What was read together has one look.
        judged: dict[int, bool] = {}
        earliest: Look | None = None
        for name in ids:
            if (found := self._rows.get(name)) is None:
                continue
            row, look = found
            if (holds := judged.get(id(look))) is None:
                same = present is not None and present.holds(look)
                holds = judged[id(look)] = same or self._knowledge.holds(look)
                since = present.look if present and same else look
                if holds and (earliest is None or since.at < earliest.at):
                    earliest = since
            if holds:
                rows[name] = row
        return rows, earliest

    def keep(self, rows: Mapping[str, Row | None], look: Look) -> None:
        """Take rows that were read after a look; the ones read first make room."""
        for name, row in rows.items():
            self._rows.pop(name, None)
            self._rows[name] = row, look
        for name in list(islice(self._rows, max(len(self._rows) - self._most, 0))):
            del self._rows[name]


class Catalogue:
    """The rows of all kinds."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.items: KeptRows[ItemRow] = KeptRows(knowledge)
        self.categories: KeptRows[CategoryRow] = KeptRows(knowledge)
        self.brands: KeptRows[BrandRow] = KeptRows(knowledge)
