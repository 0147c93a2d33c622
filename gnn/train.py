"""Trains the network on next-period targets and makes the artefact that is served."""

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gnn import artefact, hetero_data, history, sampling, state, weights
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.errors import Diverged, ModelError, NotEnoughData
from gnn.loss import NextPeriodLoss
from gnn.model import Network, Tables
from gnn.pairs import Block, block, split_users
from gnn.split import Cut, split, targets
from gnn.validation import Validator, learners
from gnn.weights import Weights
from graph.snapshot import Snapshot

# Fewer active users than this in every period teach nothing that is not noise.
_FEWEST_USERS = 10

# Steps that fit the loss's own parameters before anything else moves.
_CALIBRATION = 150


class Progress(Protocol):
    """Who is told how training goes: the shape that the loaders' progress has, plus `epoch`."""

    def phase(self, name: str, total: int | None = None) -> None:
        """Say what begins, and how many steps it has when that is known."""
        ...

    def advance(self, n: int = 1) -> None:
        """Say that steps are done."""
        ...

    def epoch(self, report: "Epoch") -> None:
        """Tell of a finished pass."""
        ...


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training cuts."""

    number: int
    """0 is the untrained model."""
    loss: float
    """Mean over the steps; nan for the untrained model."""
    metrics: dict[str, float]
    """`ndcg20_all`, `ndcg20_novel` and their like on the validation period."""
    score: float
    """What early stopping looks at; higher is better."""
    best: bool
    seconds: float
    """Of this pass, validation included."""
    left_s: float
    """At most this much is left."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training made."""

    artefact: Artefact
    curve: tuple[Epoch, ...]
    seconds: float
    interrupted: bool
    """Whether Ctrl-C ended it; the best weights so far were kept."""


class Silent:
    """Progress that tells nobody."""

    def phase(self, name: str, total: int | None = None) -> None:
        """Stay silent."""

    def advance(self, n: int = 1) -> None:
        """Stay silent."""

    def epoch(self, report: Epoch) -> None:
        """Stay silent."""


def choose_device(name: str) -> torch.device:
    """Return the device of this name; `auto` takes CUDA, then MPS, then the CPU.

    Raises `ModelError` for a device that this machine does not have.
    """
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if has[kind]))
    if not has.get(name.partition(":")[0], False):
        there = ", ".join(kind for kind, present in has.items() if present)
        raise ModelError(f"there is no device {name!r} here", f"Use auto, or one of: {there}")
    return torch.device(name)


def train(
    snapshot: Snapshot,
    config: Config | None = None,
    *,
    device: str = "auto",
    progress: Progress | None = None,
) -> Trained:
    """Learn from the snapshot's own past, and return a model that serves its present.

    Raises `NotEnoughData` when there is nothing to learn from (`untrained.build` serves such a shop), `Diverged` when
    the loss is not a number even at a tenth of the learning rate.
    """
    config = Config() if config is None else config
    progress = Silent() if progress is None else progress
    begun = time.monotonic()
    where = choose_device(device)
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    scheme = history.make_scheme(snapshot, heads=config.heads, timed=config.time, target=config.target)
    cuts = split(snapshot, config)
    if cuts is None or scheme.target < 0:
        raise NotEnoughData(
            "the events do not span any time, so there is no next period to learn from", "Serve the untrained model"
        )

    progress.phase("Laying out the graph at each cut", len(cuts.train) + 2)
    lessons: list[_Lesson] = []
    for cut in cuts.train:
        lesson = _lesson(snapshot, cut, scheme, config, rng)
        if lesson is not None:
            lessons.append(lesson.to(where))
        progress.advance()
    moment = state.make(snapshot.until(cuts.validation.at), config, scheme)
    validator = Validator.make(moment, targets(snapshot, cuts.validation, config.target), config, rng, where)
    progress.advance()
    if not lessons or validator.users < _FEWEST_USERS:
        raise NotEnoughData(
            "too few users bought anything in one period and again in the next", "Serve the untrained model"
        )
    shape = weights.shape_of(config, scheme, moment.state)
    final = state.make(snapshot, config, scheme)
    progress.advance()

    first = weights.initial(config, scheme, shape)
    progress.phase("Training", config.epochs)
    try:
        best, curve, interrupted = _fit(first, config, shape, lessons, validator, where, progress)
    except _NotANumberError:
        gentler = config.learning_rate / 10
        try:
            best, curve, interrupted = _fit(
                first, config, shape, lessons, validator, where, progress, learning_rate=gentler
            )
        except _NotANumberError as error:
            raise Diverged(
                f"the loss was not a number, also at a learning rate of {gentler}", "Lower learning_rate"
            ) from error
    chosen = max(curve, key=lambda epoch: epoch.score)
    metrics = {"attune": chosen.metrics, "untrained": curve[0].metrics}
    made = artefact.build(snapshot, config, final.scheme, final.state, best, trained=True, metrics=metrics)
    return Trained(made, tuple(curve), time.monotonic() - begun, interrupted)


class _NotANumberError(Exception):
    """A loss that is nan or infinite."""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """One cut: the items' side of the graph, and blocks of users with pairs to judge."""

    tables: Tables
    blocks: tuple[Block, ...]

    def to(self, device: torch.device) -> "_Lesson":
        tables = Tables(self.tables.x.to(device), self.tables.level.to(device), self.tables.share.to(device))
        return _Lesson(tables, tuple(part.to(device) for part in self.blocks))


def _lesson(
    snapshot: Snapshot, cut: Cut, scheme: history.Scheme, config: Config, rng: np.random.Generator
) -> _Lesson | None:
    moment = state.make(snapshot.until(cut.at), config, scheme)
    labels = targets(snapshot, cut, config.target)
    users = learners(moment, labels)
    if len(users) < _FEWEST_USERS:
        return None
    users = np.sort(rng.permutation(users)[: config.users_per_cut])
    groups = list(split_users(rng.permutation(users), -(-len(users) // config.users_per_step)))
    tables = Tables.of(hetero_data.build(moment), torch.device("cpu"))
    blocks = tuple(
        block(moment, group, sampling.pools(moment, group, labels, config, rng), labels, backward=True)
        for group in groups
    )
    return _Lesson(tables, blocks)


def _fit(
    first: Weights,
    config: Config,
    shape: weights.Shape,
    lessons: list[_Lesson],
    validator: Validator,
    device: torch.device,
    progress: Progress,
    *,
    learning_rate: float | None = None,
) -> tuple[Weights, list[Epoch], bool]:
    network = Network(config, shape)
    network.load_weights(first)
    network.to(device)
    loss_of = NextPeriodLoss(config).to(device)
    rate = config.learning_rate if learning_rate is None else learning_rate
    optimiser = torch.optim.Adam([*network.parameters(), *loss_of.parameters()], lr=rate, fused=device.type == "cuda")
    start = {name: value.detach().clone() for name, value in network.named_parameters()}
    order = np.random.default_rng(config.seed + 1)
    steps = [(lesson.tables, part) for lesson in lessons for part in lesson.blocks]
    _calibrate(network, loss_of, steps)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(config.epochs, 1) * len(steps))
    best, waited, interrupted = network.to_weights(), 0, False
    curve = [_epoch(0, float("nan"), validator, network, [], 0.0, config)]
    progress.epoch(curve[0])
    try:
        for number in range(1, config.epochs + 1):
            begun = time.monotonic()
            losses: list[Tensor] = []
            network.train()
            for step in order.permutation(len(steps)):
                tables, part = steps[step]
                optimiser.zero_grad(set_to_none=True)
                loss = loss_of(network(tables, part), part)
                loss.backward()
                norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                if not torch.isfinite(norm):
                    raise _NotANumberError
                optimiser.step()
                _anchor(network, start, rate * config.weight_decay)
                schedule.step()
                losses.append(loss.detach())
            mean = float(torch.stack(losses).mean())
            report = _epoch(number, mean, validator, network, curve, time.monotonic() - begun, config)
            curve.append(report)
            progress.advance()
            progress.epoch(report)
            if report.best:
                best, waited = network.to_weights(), 0
            else:
                waited += 1
                if waited >= config.patience:
                    break
    except KeyboardInterrupt:
        interrupted = True
    return best, curve, interrupted


def _calibrate(network: Network, loss_of: NextPeriodLoss, steps: list[tuple[Tables, Block]]) -> None:
    """Fit the loss's own scale and offset to the first weights, so that the first passes do not distort the network."""
    with torch.no_grad():
        known = [(network(tables, part), part) for tables, part in steps]
    optimiser = torch.optim.Adam(loss_of.parameters(), lr=0.05)
    for _ in range(max(1, -(-_CALIBRATION // max(len(known), 1)))):
        for score, part in known:
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(score, part)
            if not torch.isfinite(loss):
                raise _NotANumberError
            loss.backward()
            optimiser.step()


@torch.no_grad()
def _anchor(network: Network, start: dict[str, Tensor], strength: float) -> None:
    """Decay towards the first weights, a recommender already, and not towards silence."""
    for name, value in network.named_parameters():
        value.lerp_(start[name], strength)


def _epoch(
    number: int,
    loss: float,
    validator: Validator,
    network: Network,
    curve: list[Epoch],
    seconds: float,
    config: Config,
) -> Epoch:
    begun = time.monotonic()
    metrics = validator.measure(network)
    score = validator.score(metrics)
    seconds += time.monotonic() - begun
    return Epoch(
        number=number,
        loss=loss,
        metrics=metrics,
        score=score,
        best=not curve or score > max(epoch.score for epoch in curve),
        seconds=seconds,
        left_s=seconds * (config.epochs - number),
    )
