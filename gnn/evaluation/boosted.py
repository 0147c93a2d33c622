"""LightGBM on the network's own channels: a fair rival, which bends where the network must stay a sum over paths.

It is given what the network computes (its channels by its trained attention, and purchase power beside), the same
cuts, pools and weights of pairs, and learns by itself how they make a score.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

import lightgbm
import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64

from gnn import history, scorer
from gnn.artefact import Artefact
from gnn.baselines.base import Range, Space
from gnn.config import Config
from gnn.errors import BadConfig
from gnn.evaluation.network import served as network_scores
from gnn.evaluation.period import Period
from gnn.lessons import Lesson, Lessons
from gnn.model import Network, gate_inputs
from gnn.output import Users
from gnn.progress import Progress
from gnn.split import split, to_refit
from gnn.validation import Score
from gnn.weights import SLOPE_UNIT, USER_GATES

# Users per cut: trees learn from every pair's channels, which take memory where the network's paths take none.
_USERS = 1_500


@dataclass(frozen=True, slots=True)
class Settings:
    """What tuning may choose; the defaults are those of LightGBM, but for the learning rate and the trees."""

    leaves: int = 31
    trees: int = 300
    learning_rate: float = 0.05
    smallest_leaf: int = 200
    """Pairs in a leaf at least."""


SPACE: Space = {
    "leaves": Range(8, 64, log=True, whole=True),
    "trees": Range(100, 400, log=True, whole=True),
    "learning_rate": Range(0.02, 0.15, log=True),
    "smallest_leaf": Range(50, 2000, log=True, whole=True),
}


def settings_of(given: Mapping[str, float]) -> Settings:
    """Return the settings of these values. Raises `BadConfig` for one that it does not have."""
    known = [field.name for field in fields(Settings)]
    for name in given:
        if name not in known:
            raise BadConfig(name, known)
    return Settings(**given)  # pyright: ignore[reportArgumentType] - whole numbers where they must be, as tuned


@dataclass(frozen=True, slots=True)
class Learned:
    """The pairs of all cuts that trees learn from; N pairs."""

    inputs: Float32[np.ndarray, "N C"]
    label: Float32[np.ndarray, "N"]
    weight: Float[np.ndarray, "N"]


def learned(artefact: Artefact, period: Period, config: Config, progress: Progress) -> Learned:
    """Return the channels of a trained network at the cuts before an origin: the same for all settings of trees."""
    cuts = split(period.past, config)
    scheme = history.scheme_of(period.past, config)
    lessons = Lessons(
        period.past, scheme, replace(config, users_per_cut=min(_USERS, config.users_per_cut)), _CPU, progress
    )
    network = Network(config, artefact.shape)
    network.load_weights(artefact.weights)
    network.eval()
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for cut in to_refit(cuts, period.past, config):
        for lesson in lessons.at([cut]):
            found += _pairs(network, lesson)
    if not found:
        nothing = np.zeros(0, np.float32)
        return Learned(nothing[:, None], nothing, nothing)
    return Learned(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def fit(artefact: Artefact, period: Period, learned: Learned, settings: Settings, seed: int) -> Score:
    """Grow trees on what was learned from; return how they score.

    Where no cut has enough users to learn from, trees cannot grow, and the network's scores stand.
    """
    if not len(learned.label):
        return network_scores(artefact, period)
    trees = lightgbm.train(
        {
            "objective": "binary",
            "num_leaves": settings.leaves,
            "learning_rate": settings.learning_rate,
            "min_data_in_leaf": settings.smallest_leaf,
            "num_threads": torch.get_num_threads(),
            "deterministic": True,
            "force_row_wise": True,
            "seed": seed,
            "verbosity": -1,
        },
        lightgbm.Dataset(learned.inputs, learned.label, weight=learned.weight),
        num_boost_round=settings.trees,
    )
    users = Users(artefact, period.past)

    def score(block: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        rows = [_candidates(artefact, users, int(user)) for user in block]
        found = trees.predict(np.concatenate(rows), raw_score=True)
        return np.asarray(found, np.float64).reshape(len(block), -1)

    return score


_CPU = torch.device("cpu")


def _pairs(network: Network, lesson: Lesson) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield inputs [B, C + P], labels [B] and weights [B] of the pairs of a cut; every user counts alike, as in bce."""
    for block in lesson.of_pass(0):
        with torch.no_grad():
            a = network.channels(lesson.tables, block)
            p, _ = gate_inputs(lesson.tables, block)
        user, label = block.pair_user.numpy(), block.label.numpy()
        wanted = np.maximum(np.bincount(user, label, minlength=len(block.x_user)), 1)
        yield torch.cat([a, p[:, 1:] / SLOPE_UNIT], dim=1).numpy(), label, block.weight.numpy() / wanted[user]


def _candidates(artefact: Artefact, users: Users, user: int) -> Float32[np.ndarray, "P N"]:
    """Return the same inputs of one user and all candidates, as serving computes them."""
    items = artefact.state.candidates
    sent = users.messages(user)
    values = scorer.channel_values(artefact, sent, items)
    _, p_item, _ = scorer.gate_terms(artefact, sent, items)
    p_user = np.broadcast_to(sent.p_user[1:, None], (USER_GATES - 1, len(items)))
    return np.concatenate([values, p_user, p_item]).T.astype(np.float32)
