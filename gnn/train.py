"""Trains the network on next-period targets and makes the artefact that is served."""

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from gnn import artefact, history, moment, weights
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.errors import ModelError, NotEnoughData
from gnn.fit import Task, fit
from gnn.lessons import FEWEST_USERS, Lessons
from gnn.progress import Epoch, Progress, Silent
from gnn.split import split, targets, to_refit
from gnn.validation import Validator
from graph.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Trained:
    """What training made."""

    artefact: Artefact
    curve: tuple[Epoch, ...]
    seconds: float
    interrupted: bool
    """Whether Ctrl-C ended it; the best weights so far were kept."""


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
    rng = np.random.default_rng(config.seed)
    scheme = history.make_scheme(snapshot, heads=config.heads, timed=config.time, target=config.target)
    cuts = split(snapshot, config)
    if cuts is None or scheme.target < 0:
        raise NotEnoughData(
            "the events do not span any time, so there is no next period to learn from", "Serve the untrained model"
        )

    progress.phase("Laying out the graph at each cut", len(cuts.train) + 2)
    lessons = Lessons(snapshot, scheme, config, where, progress)
    known = lessons.at(cuts.train)
    before = moment.make(snapshot.until(cuts.validation.at), config, scheme)
    validator = Validator.make(before, targets(snapshot, cuts.validation, config.target), config, rng, where)
    progress.advance()
    if not known or validator.users < FEWEST_USERS:
        raise NotEnoughData(
            "too few users bought anything in one period and again in the next", "Serve the untrained model"
        )
    final = moment.make(snapshot, config, scheme)
    progress.advance()

    first = weights.initial(config, scheme, final.state)
    shape = weights.shape_of(config, scheme, final.state)
    progress.phase("Training", config.epochs)
    fitted = fit(Task(first, config, shape, known, where), validator, progress)
    chosen = max(fitted.curve, key=lambda epoch: epoch.score)
    best, interrupted = fitted.best, fitted.interrupted
    if config.refit and chosen.number and not interrupted:
        cuts_to_refit = to_refit(cuts, snapshot, config)
        progress.phase("Laying out the latest cuts", len(cuts_to_refit) - len(cuts.train))
        everything = lessons.at(cuts_to_refit)
        progress.phase("Training on all cuts", chosen.number)
        refit = replace(config, epochs=chosen.number)
        again = fit(Task(first, refit, shape, everything, where), None, progress)
        if not again.interrupted:
            best = again.best
        interrupted = again.interrupted
    metrics = {"attune": chosen.metrics, "untrained": fitted.curve[0].metrics}
    made = artefact.build(snapshot, config, final.scheme, final.state, best, trained=True, metrics=metrics)
    return Trained(made, fitted.curve, time.monotonic() - begun, interrupted)
