"""The network as a contender: the only room of the protocol that knows how it is trained and asked."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64

from gnn import train
from gnn import untrained as first_weights
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.errors import NotEnoughData
from gnn.evaluation.measure import Score
from gnn.evaluation.period import Period
from gnn.output import Users
from gnn.train import Epoch, Progress


def trained(
    period: Period, config: Config, seed: int, device: str, progress: Progress
) -> tuple[Score, tuple[Epoch, ...]]:
    """Train on the origin's past; return how it scores, and its curve; with too little data the untrained scores."""
    try:
        made = train.train(period.past, replace(config, seed=seed), device=device, progress=progress)
    except NotEnoughData:
        return untrained(period, config), ()
    return served(made.artefact, period), made.curve


def untrained(period: Period, config: Config) -> Score:
    """Return how the first weights score."""
    return served(first_weights.build(period.past, config), period)


def served(artefact: Artefact, period: Period) -> Score:
    """Return the scores that an artefact serves, exactly as the API would."""
    users = Users(artefact, period.past)
    assert np.array_equal(artefact.state.candidates, period.candidates)  # noqa: S101 - one rule chooses both

    def score(block: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        found = np.empty((len(block), len(period.candidates)))
        for row, user in enumerate(block):
            found[row] = users.scores(int(user))
        return found

    return score
