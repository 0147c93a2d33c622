"""The baselines that a training measures beside the network, on the period that it holds back."""

from gnn.baselines import registry
from gnn.baselines.base import Past
from gnn.moment import Moment
from gnn.validation import Validator

NAMES = ("popularity", "frequency", "frequency+ease")
"""From the simplest to the strongest (docs/model.md), each with its defaults; `attune evaluate` measures all."""
MOST_ITEMS = 12_000
"""EASE inverts a dense matrix of the candidates; beyond so many it would take more memory than the training itself."""


def measure(validator: Validator, before: Moment, target: str) -> dict[str, dict[str, float]]:
    """Return baseline -> metric -> value, for the users and candidates that the network is validated on.

    `before`: the moment at the start of the period; a baseline learns from nothing else. `target`: as in `Config`.
    """
    past = Past.of(before.snapshot, before.state.candidates, target)
    found: dict[str, dict[str, float]] = {}
    for name in NAMES:
        if name.endswith("ease") and len(past.candidates) > MOST_ITEMS:
            continue
        model = registry.make(name)
        model.fit(past)
        found[name] = validator.beside(model.score)
    return found
