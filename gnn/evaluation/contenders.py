"""Who is measured: the network, its untrained start, and every baseline, each as one function of an origin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gnn.baselines import registry
from gnn.config import Config
from gnn.errors import BadConfig
from gnn.evaluation import network
from gnn.evaluation.measure import Score
from gnn.evaluation.period import Period
from gnn.train import Epoch, Progress

MODELS = (*registry.BASELINES, "untrained", "attune")


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
    """Return the models to evaluate, all when None; raises `BadConfig` for an unknown one."""
    for name in names or ():
        if name not in MODELS:
            raise BadConfig(name, MODELS, f"no such model; known: {', '.join(MODELS)}")
    return tuple(names or MODELS)


def named(
    names: Sequence[str],
    config: Config,
    *,
    device: str = "auto",
    tuned: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Contender]:
    """Return the contenders of these names; baselines take their settings from `tuned` where it has them."""
    found: dict[str, Contender] = {}
    for name in names:
        if name == "attune":
            found[name] = trained(config, device)
        elif name == "untrained":
            found[name] = Contender(
                lambda period, _seed, _progress: Fitted(network.untrained(period, config)), draws=False
            )
        else:
            found[name] = baseline(name, (tuned or {}).get(name, {}))
    return found


def trained(config: Config, device: str = "auto") -> Contender:
    """Return the network with these settings."""

    def fit(period: Period, seed: int, progress: Progress) -> Fitted:
        return Fitted(*network.trained(period, config, seed, device, progress))

    return Contender(fit, ours=True, settings=config.as_dict())


def baseline(name: str, settings: Mapping[str, float]) -> Contender:
    """Return a baseline with these settings, its defaults for the rest."""

    def fit(period: Period, seed: int, progress: Progress) -> Fitted:
        progress.phase(f"Fitting {name}")
        model = registry.make(name, settings, seed)
        model.fit(period.known)
        return Fitted(model.score)

    return Contender(fit, draws=registry.draws(name), settings=dict(settings))
