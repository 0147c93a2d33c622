"""The loop of training: calibrate, step, validate, stop in time, keep the best."""

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gnn.config import Config
from gnn.determinism import deterministic
from gnn.errors import Diverged
from gnn.lessons import Lesson
from gnn.loss import NextPeriodLoss
from gnn.model import Network, Tables
from gnn.pairs import Block
from gnn.progress import Epoch, Progress
from gnn.validation import Validator
from gnn.weights import Shape, Weights

# Steps that fit the loss's offset and the scale of the first weights before anything else moves.
_CALIBRATION = 150
_WARM_UP = 0.1

# Weights are averaged over about the last half of a pass (Polyak): single steps swing what ranks first.
_AVERAGED_SHARE = 0.5

# What `Config.trust` draws back: the weights that scores are linear in.
_WEIGHS = ("fusion.gates", "fusion.price", "semantic.head", "own.head")


class _NotANumberError(Exception):
    """A loss that is nan or infinite."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a network is fitted to, and where it starts."""

    first: Weights
    config: Config
    shape: Shape
    lessons: Sequence[Lesson]
    device: torch.device


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit found."""

    best: Weights
    curve: tuple[Epoch, ...]
    interrupted: bool
    """Whether Ctrl-C ended it; the best weights so far were kept."""


def fit(task: Task, validator: Validator | None, progress: Progress) -> Fitted:
    """Fit the network; where the loss is not a number, once more at a tenth of the learning rate.

    With a validator every pass is measured, the untrained network as pass 0, and the best is kept; without one the
    last is. Raises `Diverged` when the gentler fit fails as well.
    """
    rate = task.config.learning_rate
    try:
        return _fit(task, validator, progress, rate)
    except _NotANumberError:
        try:
            return _fit(task, validator, progress, rate / 10)
        except _NotANumberError as error:
            raise Diverged(
                f"the loss was not a number, also at a learning rate of {rate / 10}", "Lower learning_rate"
            ) from error


@deterministic()
def _fit(task: Task, validator: Validator | None, progress: Progress, rate: float) -> Fitted:
    config, device = task.config, task.device
    torch.manual_seed(config.seed)
    network = Network(config, task.shape)
    network.load_weights(task.first)
    network.to(device)
    loss_of = NextPeriodLoss(config).to(device)
    steps = [(lesson.tables, part) for lesson in task.lessons for part in lesson.blocks]
    best, interrupted = network.to_weights(), False
    curve: list[Epoch] = []
    if validator is not None:
        curve.append(_epoch(0, float("nan"), validator, network, curve, 0.0, config))
        progress.epoch(curve[0])
    _calibrate(network, loss_of, steps)
    start = {name: value.detach().clone() for name, value in network.named_parameters()}
    optimiser = torch.optim.Adam([*network.parameters(), *loss_of.parameters()], lr=rate, fused=device.type == "cuda")
    total = max(config.epochs * len(steps), 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / total))
    order = np.random.default_rng(config.seed + 1)
    span = max(_AVERAGED_SHARE * len(steps), 1.0)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(1 - 1 / span))
    waited = 0
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
                norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                if not torch.isfinite(norm):
                    raise _NotANumberError
                optimiser.step()
                _anchor(network, start, float(schedule.get_last_lr()[0]) * config.weight_decay)
                schedule.step()
                average.update_parameters(network)
                losses.append(loss.detach())
            progress.advance()
            blended = _blended(average, start, config.trust)
            if validator is None:
                best = blended.to_weights()
                continue
            mean = float(torch.stack(losses).mean())
            report = _epoch(number, mean, validator, blended, curve, time.monotonic() - begun, config)
            curve.append(report)
            progress.epoch(report)
            if report.best:
                best, waited = blended.to_weights(), 0
            else:
                waited += 1
                if waited >= config.patience:
                    break
    except KeyboardInterrupt:
        interrupted = True
    return Fitted(best, tuple(curve), interrupted)


def _rate(done: float) -> float:
    """Return the share of the learning rate at this share of the steps: a short rise, then half a cosine."""
    if done < _WARM_UP:
        return max(done / _WARM_UP, 0.04)
    return 0.5 + 0.5 * math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP))


@torch.no_grad()
def _blended(average: AveragedModel, start: dict[str, Tensor], trust: float) -> Network:
    """Return the averaged network with what weighs its channels drawn back towards the start.

    Scores are linear in these weights: it is a mixture of two recommenders, better than either where they err apart.
    """
    network = copy.deepcopy(average.module)
    assert isinstance(network, Network)  # noqa: S101 - for the type checker
    for name, value in network.named_parameters():
        if name.startswith(_WEIGHS):
            value.lerp_(start[name], 1 - trust)
    return network


def _calibrate(network: Network, loss_of: NextPeriodLoss, steps: list[tuple[Tables, Block]]) -> None:
    """Fit the loss's offset and scale the first weights, so that scores are log-odds before the network moves."""
    with torch.no_grad():
        known = [(network(tables, part), part) for tables, part in steps]
    log_scale = torch.tensor(2.3, device=next(network.parameters()).device, requires_grad=True)
    optimiser = torch.optim.Adam([*loss_of.parameters(), log_scale], lr=0.05)
    for _ in range(max(1, -(-_CALIBRATION // max(len(known), 1)))):
        for score, part in known:
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(score * log_scale.exp(), part)
            if not torch.isfinite(loss):
                raise _NotANumberError
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        network.fusion.gates.mul_(log_scale.exp())


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
