"""The network as a contender: the only room of the protocol that knows how it is trained and asked."""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from gnn import train
from gnn import untrained as first_weights
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.errors import NotEnoughData
from gnn.evaluation.period import Period
from gnn.output import Users
from gnn.train import Epoch, Progress
from gnn.validation import Score


class Trained:
    """Networks trained on the pasts of origins; the last one is kept, for those who build on it."""

    def __init__(self, config: Config, device: str) -> None:
        self.config, self.device = config, device
        self._last: tuple[tuple[str, int], Artefact, tuple[Epoch, ...]] | None = None
        self.derived: dict[str, Any] = {}
        """What those who build on the last one have made of it; forgotten with it."""

    def at(self, period: Period, seed: int, progress: Progress) -> tuple[Artefact, tuple[Epoch, ...]]:
        """Return the model of an origin's past, and its curve; with too little data the untrained model."""
        past = period.announced if self.config.announced else period.past
        key = (past.id, seed)
        if self._last is None or self._last[0] != key:
            self.derived.clear()
            config = replace(self.config, seed=seed)
            try:
                made = train.train(past, config, device=self.device, progress=progress).to_measure()
                self._last = (key, made.artefact, made.curve)
            except NotEnoughData:
                self._last = (key, first_weights.build(past, config), ())
        return self._last[1:]


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
