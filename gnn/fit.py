"""The loop of training: calibrate, step, validate, keep the best."""

import copy
import math
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gnn.checkpoint import Keeper
from gnn.config import Config
from gnn.determinism import deterministic
from gnn.errors import Diverged, ModelError
from gnn.lessons import Lesson
from gnn.loss import NextPeriodLoss
from gnn.model import Network
from gnn.processes import ALONE, Group
from gnn.progress import Epoch, Progress
from gnn.selection import Selection
from gnn.steps import Step, Steps
from gnn.validation import Validator
from gnn.weights import Shape, Weights

# Steps that fit the loss's offset and the scale of the first weights before anything else moves.
_CALIBRATION = 150
_WARM_UP = 0.1

# Weights are averaged over about the last half of a pass (Polyak): single steps swing what ranks first.
_AVERAGED_SHARE = 0.5

# What `Config.trust` draws back: the weights that scores are linear in.
_WEIGHS = ("fusion.gates", "fusion.price", "semantic.head", "own.head")

# Steps between two reports of the loss.
_TOLD = 10

# What a checkpoint holds of a fit besides its weights and its curve.
_STATEFUL = ("network", "loss_of", "optimiser", "schedule", "average", "selection")
_COUNTED = ("waited", "number", "done")


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
    group: Group = ALONE
    """The processes that fit it together; each has its share of every block."""

    @property
    def steps(self) -> int:
        """How many steps one pass has."""
        return sum(map(len, self.lessons))


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit found."""

    best: Weights
    curve: tuple[Epoch, ...]
    interrupted: bool
    """Whether Ctrl-C ended it; the best weights so far were kept."""


def fit(task: Task, validator: Validator | None, progress: Progress, keeper: Keeper | None = None) -> Fitted:
    """Fit the network; where the loss is not a number, once more at a tenth of the learning rate.

    With a validator every pass is measured, the untrained network as pass 0, and the best is kept; without one the
    last is. With a keeper it goes on from where that stands, to the same weights as without an interruption. Raises
    `Diverged` when the gentler fit fails as well, and lets Ctrl-C through before anything is measured.
    """
    rate = task.config.learning_rate
    kept = None if keeper is None else keeper.load(task.device)
    if kept is None or kept["rate"] == rate:
        try:
            return _Fitting(task, validator, progress, keeper, rate).run(kept)
        except _NotANumberError:
            kept = None
    try:
        return _Fitting(task, validator, progress, keeper, rate / 10).run(kept)
    except _NotANumberError as error:
        raise Diverged(
            f"the loss was not a number, also at a learning rate of {rate / 10}", "Lower learning_rate"
        ) from error


class _Judged(nn.Module):
    """Network and loss as one module: what several processes keep alike."""

    def __init__(self, network: Network, loss_of: NextPeriodLoss) -> None:
        super().__init__()
        self.network, self.loss_of = network, loss_of

    def forward(self, step: Step) -> Tensor:
        with torch.autocast(step.part.label.device.type, torch.bfloat16, enabled=self.network.config.bf16):
            score = self.network(step.tables, step.part)
        return self.loss_of(score, step.part, step.whole)


class _Fitting:
    """One fit under way: everything that changes from step to step."""

    def __init__(
        self, task: Task, validator: Validator | None, progress: Progress, keeper: Keeper | None, rate: float
    ) -> None:
        config, device = task.config, task.device
        torch.manual_seed(config.seed)
        self.config, self.rate = config, rate
        self.validator, self.progress, self.keeper = validator, progress, keeper
        self.device, self.group = device, task.group
        self.steps = Steps(task.lessons, device, task.group, workers=config.loader_workers)
        self.network = Network(config, task.shape)
        self.network.load_weights(task.first)
        self.network.to(device)
        self.loss_of = NextPeriodLoss(config).to(device)
        self.start: dict[str, Tensor] = {}
        """The calibrated first weights, which training is drawn back to."""
        trained = [*self.network.parameters(), *self.loss_of.parameters()]
        self.optimiser = torch.optim.Adam(trained, lr=rate, fused=device.type == "cuda")
        total = max(config.epochs * len(self.steps), 1)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, lambda step: _rate(step / total))
        span = max(_AVERAGED_SHARE * len(self.steps), 1.0)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(1 - 1 / span))
        self.judged = self._judged()
        self.best = self.network.to_weights()
        self.selection = Selection()
        self.curve: list[Epoch] = []
        self.waited = 0
        self.number, self.done = 1, 0
        """The pass under way, from 1, and how many of its steps are done."""
        self.losses: list[Tensor] = []
        """Of those steps."""
        self.sound = torch.ones((), dtype=torch.bool, device=device)
        """Whether all gradients were numbers; to ask it after each step would keep an accelerator waiting."""

    @deterministic()
    def run(self, kept: dict[str, Any] | None) -> Fitted:
        """Fit from the start, or go on from what was kept."""
        if kept is not None:
            self._restore(kept)
        try:
            if kept is None:
                self._begin()
            self._passes()
        except KeyboardInterrupt:
            if self.validator is not None and not self.curve:
                raise  # nothing has been measured yet, and so nothing is the best
            return Fitted(self.best, tuple(self.curve), interrupted=True)
        return Fitted(self.best, tuple(self.curve), interrupted=False)

    def _judged(self) -> nn.Module:
        """Return what gives the loss of a step; with several processes its gradients are the mean over them."""
        if self.config.compile:
            _check_compiler(self.device)
            for module in (self.network.own, self.network.semantic, self.network.fusion):
                if module is not None:
                    module.compile(dynamic=True)
        judged = _Judged(self.network, self.loss_of)
        if self.group.size == 1:
            return judged
        # Only the softmax leaves something out: the offset, which belongs to cross-entropy.
        return DistributedDataParallel(judged, find_unused_parameters=self.config.loss == "softmax")

    def _begin(self) -> None:
        if self.validator is not None:
            self._measure(0, float("nan"), self.network, 0.0)
        _calibrate(self.network, self.loss_of, self.steps, self.group)
        self.start = {name: value.detach().clone() for name, value in self.network.named_parameters()}
        self._keep()

    def _passes(self) -> None:
        self.progress.advance((self.number - 1) * len(self.steps) + self.done)
        order = np.random.default_rng(self.config.seed + 1)
        for number in range(1, self.config.epochs + 1):
            drawn = order.permutation(len(self.steps))
            if number < self.number:
                continue
            if self.waited >= self.config.patience:
                break
            begun = time.monotonic()
            self.network.train()
            for step in self.steps.of_pass(number, drawn[self.done :].tolist()):
                self._step(step)
            self._end(number, time.monotonic() - begun)

    def _step(self, step: Step) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.judged(step)
        # Shares of the loss add up to it, and gradients are averaged over processes.
        (loss if self.group.size == 1 else loss * self.group.size).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.sound = torch.isfinite(norm) & self.sound
        self.optimiser.step()
        _anchor(self.network, self.start, float(self.schedule.get_last_lr()[0]) * self.config.weight_decay)
        self.schedule.step()
        self.average.update_parameters(self.network)
        self.losses.append(loss.detach())
        self.done += 1
        self.progress.advance()
        if self.done % _TOLD == 0:
            self._check()
            whole = (self.number - 1) * len(self.steps) + self.done
            self.progress.loss(whole, self._mean_loss(self.losses[-_TOLD:]))
        if self.keeper is not None and self.keeper.due():
            self._keep()

    def _check(self) -> None:
        if not self.sound:
            raise _NotANumberError

    def _end(self, number: int, seconds: float) -> None:
        self._check()
        blended = _blended(self.average, self.start, self.config.trust)
        if self.validator is None:
            self.best = blended.to_weights()
        else:
            self._measure(number, self._mean_loss(self.losses), blended, seconds)
            self.waited = 0 if self.curve[-1].best else self.waited + 1
        self.number, self.done, self.losses = number + 1, 0, []
        self._keep()

    def _mean_loss(self, losses: list[Tensor]) -> float:
        return float(self.group.add(torch.stack(losses)).mean())

    def _measure(self, number: int, loss: float, network: Network, seconds: float) -> None:
        """Validate, and tell of the pass."""
        assert self.validator is not None  # noqa: S101 - for the type checker
        begun = time.monotonic()
        found = self.validator.measure(network)
        seconds += time.monotonic() - begun
        report = Epoch(
            number=number,
            loss=loss,
            metrics=found.metrics,
            score=found.score,
            best=self.selection.takes(found),
            seconds=seconds,
            left_s=seconds * (self.config.epochs - number),
        )
        if report.best:
            self.best = network.to_weights()  # before it is told: Ctrl-C may come with the telling
        self.curve.append(report)
        self.progress.epoch(report)

    def _keep(self) -> None:
        if self.keeper is None or not self.group.first:
            return
        self._check()
        self.keeper.save(
            {
                "rate": self.rate,
                **{name: getattr(self, name).state_dict() for name in _STATEFUL},
                "start": self.start,
                "best": {name: torch.from_numpy(value) for name, value in self.best.items()},
                "curve": [asdict(epoch) for epoch in self.curve],
                "losses": self.losses,
                **{name: getattr(self, name) for name in _COUNTED},
            }
        )

    def _restore(self, kept: dict[str, Any]) -> None:
        for name in _STATEFUL:
            getattr(self, name).load_state_dict(kept[name])
        self.start = kept["start"]
        self.best = {name: value.cpu().numpy() for name, value in kept["best"].items()}
        self.curve = [Epoch(**epoch) for epoch in kept["curve"]]
        self.losses = kept["losses"]
        for name in _COUNTED:
            setattr(self, name, kept[name])


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


def _check_compiler(device: torch.device) -> None:
    """Raise `ModelError` where torch.compile would find no C++ compiler."""
    if device.type == "cpu" and not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++")):
        raise ModelError(
            "torch.compile needs a C++ compiler here, and there is none", "Install g++ or set compile=false"
        )


def _calibrate(network: Network, loss_of: NextPeriodLoss, steps: Steps, group: Group) -> None:
    """Fit the loss's offset and scale the first weights, so that scores are log-odds before the network moves."""
    log_scale = torch.tensor(2.3, device=steps.device, requires_grad=True)
    trained = [*loss_of.parameters(), log_scale]
    optimiser = torch.optim.Adam(trained, lr=0.05)
    with torch.no_grad():
        known = [
            (network(step.tables, step.part), replace(step, part=step.part.scored()))
            for step in steps.of_pass(0, range(len(steps)))
        ]
    for _ in range(max(1, -(-_CALIBRATION // max(len(steps), 1)))):
        for score, step in known:
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(score * log_scale.exp(), step.part, step.whole)
            if not torch.isfinite(group.add(loss.detach())):
                raise _NotANumberError
            loss.backward()
            for value in trained:
                if value.grad is not None:
                    value.grad = group.add(value.grad)
            optimiser.step()
    with torch.no_grad():
        network.fusion.gates.mul_(log_scale.exp())


@torch.no_grad()
def _anchor(network: Network, start: dict[str, Tensor], strength: float) -> None:
    """Decay towards the first weights, a recommender already, and not towards silence."""
    for name, value in network.named_parameters():
        value.lerp_(start[name], strength)
