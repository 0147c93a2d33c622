"""What several tests of evaluation measure on."""

import pytest

from gnn.evaluation import origins
from gnn.evaluation.period import Period, prepare
from graph.snapshot import Snapshot
from tests import snapshots
from tests.unit.gnn.support import SMALL


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """The small shop."""
    return snapshots.of_shop()


@pytest.fixture(scope="module")
def period(snapshot: Snapshot) -> Period:
    """Its last period, held out."""
    return prepare(snapshot, origins.rolling(snapshot, SMALL)[0], SMALL)
