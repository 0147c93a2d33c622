"""Trains the network on next-period targets and makes the artefact that is served."""

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from gnn import artefact, beside, history, moment, processes, untrained, warm, weights
from gnn.artefact import Artefact
from gnn.checkpoint import Checkpoints
from gnn.config import NETWORK, Config
from gnn.errors import ModelError, NotEnoughData
from gnn.fit import Task, fit
from gnn.history import Scheme
from gnn.lessons import FEWEST_USERS, Lessons
from gnn.memory import watched
from gnn.moment import Moment
from gnn.processes import ALONE, Group
from gnn.progress import Epoch, Progress, Silent
from gnn.split import Split, split, standing_now, to_refit
from gnn.validation import Validator
from gnn.weights import Weights
from graph.snapshot import Snapshot

# A warm start learns from so many of the latest cuts, at this share of the learning rate.
_WARM_CUTS = 2
_WARM_RATE = 0.5


@dataclass(frozen=True, slots=True)
class Trained:
    """What training made."""

    artefact: Artefact
    curve: tuple[Epoch, ...]
    seconds: float
    interrupted: bool
    """Whether Ctrl-C ended it; the best weights so far were kept."""

    def to_measure(self) -> "Trained":
        """Return itself; passes `KeyboardInterrupt` on where Ctrl-C ended it: half a training is not to be measured."""
        if self.interrupted:
            raise KeyboardInterrupt
        return self


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
    checkpoints: Checkpoints | None = None,
    warm_from: Artefact | None = None,
    group: Group = ALONE,
) -> Trained:
    """Learn from the snapshot's own past, and return a model that serves its present.

    With `checkpoints` it goes on from where those stand, and leaves them behind when it is interrupted. With
    `warm_from` the weights of an earlier model of the same shop take one gentle pass over the two latest periods:
    nothing is held back, so such a model has no metrics of its own. A baseline in the network's place is made at once.
    With a `group` of processes every one of them calls this with the same snapshot and settings, and all return the
    same weights.

    Raises `NotEnoughData` when there is nothing to learn from (`untrained.build` serves such a shop), `Diverged` when
    the loss is not a number even at a tenth of the learning rate, `CannotCarryOver` when the earlier model does not
    fit, `OutOfMemory` with the settings to lower.
    """
    config = Config() if config is None else config
    progress = Silent() if progress is None else progress
    begun = time.monotonic()
    if config.model != NETWORK:
        if checkpoints is not None and group.first:
            checkpoints.clear()
        return Trained(untrained.build(snapshot, config), (), time.monotonic() - begun, interrupted=False)
    where = processes.local_device(choose_device(device))
    scheme = history.scheme_of(snapshot, config)
    cuts = split(snapshot, config)
    if scheme.target < 0:
        raise NotEnoughData("there are no events to learn from", "Serve the untrained model")
    group.agree((snapshot.id, config.as_dict()), "snapshot and settings")
    with watched(config, where):
        if warm_from is None:
            course = _whole(snapshot, config, scheme, cuts, where, progress, checkpoints, group)
        else:
            course = _warm(snapshot, config, scheme, cuts, where, progress, checkpoints, warm_from, group)
    if checkpoints is not None and not course.interrupted and group.first:
        checkpoints.clear()
    final = course.final
    made = artefact.build(
        snapshot, config, final.scheme, final.state, course.weights, trained=True, metrics=course.metrics
    )
    return Trained(made, course.curve, time.monotonic() - begun, course.interrupted)


@dataclass(frozen=True, slots=True)
class _Course:
    """What a way of training came to."""

    final: Moment
    weights: Weights
    metrics: dict[str, dict[str, float]]
    curve: tuple[Epoch, ...]
    interrupted: bool


def _whole(
    snapshot: Snapshot,
    config: Config,
    scheme: Scheme,
    cuts: Split,
    where: torch.device,
    progress: Progress,
    checkpoints: Checkpoints | None,
    group: Group,
) -> _Course:
    """Find how many passes are best on the validation period, then make them on all cuts."""
    rng = np.random.default_rng(config.seed)
    progress.phase("Laying out the graph at each cut", len(cuts.train) + 2)
    lessons = Lessons(snapshot, scheme, config, where, progress, group)
    known = lessons.at(cuts.train)
    before = moment.make(cuts.validation.past(snapshot, announced=config.announced), config, scheme)
    validator = Validator.make(before, cuts.validation.wanted(snapshot, config.target), config, rng, where, group)
    progress.advance()
    if not known or validator.users < FEWEST_USERS:
        raise NotEnoughData(
            "too few users bought anything in one period and again in the next", "Serve the untrained model"
        )
    baselines = beside.measure(validator, before, config.target)
    final = moment.make(standing_now(snapshot, config), config, scheme)
    progress.advance()

    first = weights.initial(config, scheme, final.state)
    task = Task(first, config, weights.shape_of(config, scheme, final.state), known, where, group)
    progress.phase("Training", config.epochs * task.steps)
    fitted = fit(task, validator, progress, checkpoints and checkpoints.keeper("fit"))
    chosen = [epoch for epoch in fitted.curve if epoch.best][-1]
    best, interrupted = fitted.best, fitted.interrupted
    if config.refit and chosen.number and not interrupted:
        cuts_to_refit = to_refit(cuts, snapshot, config)
        progress.phase("Laying out the latest cuts", len(set(cuts_to_refit) - set(cuts.train)))
        refit = replace(config, epochs=chosen.number)
        task = replace(task, config=refit, lessons=lessons.at(cuts_to_refit))
        progress.phase("Training on all cuts", refit.epochs * task.steps)
        again = fit(task, None, progress, checkpoints and checkpoints.keeper("refit"))
        if not again.interrupted:
            best = again.best
        interrupted = again.interrupted
    metrics = {"attune": chosen.metrics, "untrained": fitted.curve[0].metrics, **baselines}
    return _Course(final, best, metrics, fitted.curve, interrupted)


def _warm(
    snapshot: Snapshot,
    config: Config,
    scheme: Scheme,
    cuts: Split,
    where: torch.device,
    progress: Progress,
    checkpoints: Checkpoints | None,
    earlier: Artefact,
    group: Group,
) -> _Course:
    """Take an earlier model's weights along the latest cuts once."""
    warm.check_settings(earlier, config)
    scheme = warm.scheme_for(earlier, scheme)
    latest = to_refit(cuts, snapshot, config)[-_WARM_CUTS:]
    progress.phase("Laying out the latest cuts", len(latest) + 1)
    final = moment.make(standing_now(snapshot, config), config, scheme)
    progress.advance()
    first = warm.weights_for(earlier, snapshot, config, scheme, final.state)
    known = Lessons(snapshot, scheme, config, where, progress, group).at(latest)
    if not known:
        raise NotEnoughData("too few users bought anything in the latest periods", "Train without a warm start")
    gentle = replace(config, epochs=1, learning_rate=config.learning_rate * _WARM_RATE)
    task = Task(first, gentle, weights.shape_of(config, scheme, final.state), known, where, group)
    progress.phase("Training on the latest cuts", task.steps)
    fitted = fit(task, None, progress, checkpoints and checkpoints.keeper("fit"))
    return _Course(final, fitted.best, {}, (), fitted.interrupted)
