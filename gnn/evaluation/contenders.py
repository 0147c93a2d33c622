"""Who is measured: the network, its untrained start, and every baseline, each as one function of an origin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gnn.baselines import registry
from gnn.config import Config
from gnn.errors import BadConfig
from gnn.evaluation import boosted, network
from gnn.evaluation.period import Period
from gnn.train import Epoch, Progress
from gnn.validation import Score

TREES = "lightgbm"
AHEAD = "attune+promotions"
MODELS = (*registry.BASELINES, "untrained", TREES, "attune", AHEAD)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model that can rank, and how its training went."""

    score: Score
    curve: tuple[Epoch, ...] = ()


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to a model; `fit` is given an origin, of which it may look at the past alone, and a seed."""

    fit: Callable[[Period, int, Progress], Fitted]
    ours: bool = False
    """Whether it is compared, with intervals, with all that are not."""
    draws: bool = True
    """Whether the seed matters."""
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    """What to report of it, and what earlier measurements must agree with to be taken over."""


def check_names(names: Sequence[str] | None) -> tuple[str, ...]:
    """Return the models to evaluate, when None all but the one that looks ahead.

    Raises `BadConfig` for an unknown one.
    """
    for name in names or ():
        if name not in MODELS:
            raise BadConfig(name, MODELS, f"no such model; known: {', '.join(MODELS)}")
    return tuple(names or (name for name in MODELS if name != AHEAD))


def named(
    names: Sequence[str],
    config: Config,
    *,
    device: str = "auto",
    tuned: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Contender]:
    """Return the contenders of these names; baselines take their settings from `tuned` where it has them."""
    networks = network.Trained(config, device)
    return {name: one(name, networks, (tuned or {}).get(name, {})) for name in names}


def one(name: str, networks: network.Trained, settings: Mapping[str, float]) -> Contender:
    """Return the contender of this name; baselines take these settings, and their defaults for the rest."""
    if name == "attune":
        return trained(networks)
    if name == AHEAD:
        return trained(network.Trained(replace(networks.config, announced=True), networks.device))
    if name == "untrained":
        return Contender(
            lambda period, _seed, _progress: Fitted(network.untrained(period, networks.config)), draws=False
        )
    return boosted_trees(networks, settings) if name == TREES else baseline(name, settings)


def trained(networks: network.Trained) -> Contender:
    """Return the network with the settings of these."""

    def fit(period: Period, seed: int, progress: Progress) -> Fitted:
        made, curve = networks.at(period, seed, progress)
        return Fitted(network.served(made, period), curve)

    return Contender(fit, ours=True, settings=networks.config.as_dict())


def boosted_trees(networks: network.Trained, settings: Mapping[str, float]) -> Contender:
    """Return LightGBM on the channels of the same network, with these settings."""
    chosen = boosted.settings_of(settings)

    def fit(period: Period, seed: int, progress: Progress) -> Fitted:
        made, _ = networks.at(period, seed, progress)
        progress.phase("Fitting lightgbm")
        config = replace(networks.config, seed=seed)
        if (learned := networks.derived.get(TREES)) is None:
            learned = networks.derived[TREES] = boosted.learned(made, period, config, progress)
        return Fitted(boosted.fit(made, period, learned, chosen, seed))

    return Contender(fit, settings={**settings, "channels": networks.config.as_dict()})


def baseline(name: str, settings: Mapping[str, float]) -> Contender:
    """Return a baseline with these settings, its defaults for the rest."""

    def fit(period: Period, seed: int, progress: Progress) -> Fitted:
        progress.phase(f"Fitting {name}")
        model = registry.make(name, settings, seed)
        model.fit(period.known)
        return Fitted(model.score)

    return Contender(fit, draws=registry.draws(name), settings=dict(settings))
