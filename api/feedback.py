"""What a user's passing over does to its lists, from its events as a request reads them (`gnn.feedback`)."""

from gnn import feedback
from gnn.artefact import Artefact
from gnn.feedback import Passed
from graph.explore import UserRow


def passed(row: UserRow, artefact: Artefact, now: int) -> Passed:
    """Return what the user passed over, as of `now` (microseconds UTC)."""
    return feedback.passed(artefact, row.item_ids, row.types, row.at, now)
