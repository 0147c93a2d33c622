"""Finds the settings of baselines by Optuna, under one budget, on the period before the one that is reported."""

import json
import math
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import optuna

from gnn.baselines import registry
from gnn.baselines.base import Range, Space
from gnn.config import Config
from gnn.errors import BadConfig, NotEnoughData
from gnn.evaluation import boosted, contenders
from gnn.evaluation.measure import measure
from gnn.evaluation.network import Trained
from gnn.evaluation.period import Period, prepare
from gnn.held_out import HeldOut
from gnn.train import Progress, Silent
from graph.snapshot import Snapshot

_FIGURES = 4
# Trials before the sampler follows what it has seen; a budget of ten cannot spend them all on looking around.
_STARTUP = 4

SPACES: Mapping[str, Space] = {
    **{name: kind.SPACE for name, kind in registry.BASELINES.items()},
    contenders.TREES: boosted.SPACE,
}
"""Model -> what tuning may choose of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """The best settings of a baseline, and what they reached on the validation period."""

    settings: dict[str, float]
    ndcg20_all: float
    ndcg20_novel: float
    trials: int
    seconds: float


def tune(
    snapshot: Snapshot,
    names: Sequence[str],
    cut: HeldOut,
    config: Config | None = None,
    *,
    trials: int = 10,
    seconds: float = math.inf,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
    keep: Callable[[str, Found], None] | None = None,
) -> dict[str, Found]:
    """Search each baseline's space by `trials` trials, its defaults first; none starts after `seconds`.

    The objective is the mean logarithm of NDCG@20 on `all` and on `novel`, so that neither slice rules the other.
    `keep` is told of each baseline as soon as it is done. Raises `NotEnoughData` where nothing can be measured.
    """
    config = config or Config()
    progress = progress or Silent()
    period = prepare(snapshot, cut, config)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    networks = Trained(config, device)
    found: dict[str, Found] = {}
    for name in names:
        found[name] = _tune(name, period, networks, trials, seconds, seed, progress)
        if keep is not None:
            keep(name, found[name])
    return found


def _tune(
    name: str, period: Period, networks: Trained, trials: int, seconds: float, seed: int, progress: Progress
) -> Found:
    begun = time.monotonic()
    space = SPACES[name]
    sampler = optuna.samplers.TPESampler(n_startup_trials=_STARTUP, seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial(_defaults(name))
    progress.phase(f"Tuning {name}", trials)

    def objective(trial: optuna.Trial) -> float:
        settings = {key: _suggest(trial, key, where) for key, where in space.items()}
        contender = contenders.one(name, networks, settings)
        measured = measure(contender.fit(period, seed, Silent()).score, period, Silent()).per_user
        if np.isnan(measured["novel"]["ndcg20"]).all():
            raise NotEnoughData(
                "nothing can be tuned on this period: all that was bought in it had been bought before",
                "Give another --cut, or a longer period by --days",
            )
        figures = {part: float(np.nanmean(measured[part]["ndcg20"])) for part in ("all", "novel")}
        for part, figure in figures.items():
            trial.set_user_attr(part, figure)
        progress.advance()
        return sum(math.log(max(figure, 1e-6)) for figure in figures.values()) / 2

    study.optimize(objective, n_trials=trials, timeout=None if math.isinf(seconds) else seconds)
    best = study.best_trial
    return Found(
        settings={key: _rounded(value, space[key]) for key, value in best.params.items()},
        ndcg20_all=best.user_attrs["all"],
        ndcg20_novel=best.user_attrs["novel"],
        trials=len(study.trials),
        seconds=time.monotonic() - begun,
    )


def _defaults(name: str) -> dict[str, float]:
    made = boosted.Settings() if name == contenders.TREES else registry.make(name)
    return {key: getattr(made, key) for key in SPACES[name]}


def _suggest(trial: optuna.Trial, key: str, where: Range) -> float:
    if where.whole:
        return trial.suggest_int(key, int(where.low), int(where.high), log=where.log)
    return _rounded(trial.suggest_float(key, where.low, where.high, log=where.log), where)


def _rounded(value: float, where: Range) -> float:
    """Return a value as it is written down, so that what was measured can be measured again."""
    return int(value) if where.whole else float(f"{value:.{_FIGURES}g}")


def write(found: Mapping[str, Found], data: str, path: Path) -> None:
    """Add settings to a TOML file under the name of a data set; what is there of other baselines stays.

    Raises `BadConfig` where the file is there and is not one of these.
    """
    known = read(path) if path.exists() else {}
    known.setdefault(data, {}).update({name: _entry(entry) for name, entry in found.items()})
    lines: list[str] = []
    for name, baselines in known.items():
        for baseline, entry in baselines.items():
            lines += [f"[{_quoted(name)}.{_quoted(baseline)}]", *(f"{key} = {value!r}" for key, value in entry.items())]
            lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")


def read(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Return data set -> baseline -> what was found, from a file of `write`. Raises `BadConfig`, naming the file."""
    try:
        return _tables(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadConfig(str(path), (), f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError) as error:
        raise BadConfig(str(path), (), f"is not a file of attune tune: {error}") from None


def _tables(given: Mapping[str, object]) -> dict[str, dict[str, dict[str, float]]]:
    """Raise `TypeError` for what is not numbers by setting, by baseline, by data set."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for data, baselines in given.items():
        for baseline, entry in _table(data, baselines).items():
            found.setdefault(data, {})[baseline] = {
                key: value for key, value in _table(baseline, entry).items() if isinstance(value, int | float)
            }
    return found


def _table(name: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"{name!r} is not a table")
    return value  # pyright: ignore[reportUnknownVariableType] - tables of TOML have names


def _quoted(name: str) -> str:
    """Return a key as TOML takes it, whatever is in it: its basic strings are JSON's."""
    return json.dumps(name, ensure_ascii=False)


def _entry(found: Found) -> dict[str, float]:
    return {
        **found.settings,
        "validation_ndcg20_all": round(found.ndcg20_all, 4),
        "validation_ndcg20_novel": round(found.ndcg20_novel, 4),
        "trials": found.trials,
    }


def tuned(data: str, path: Path | None = None) -> dict[str, dict[str, float]]:
    """Return baseline -> settings that were found for a data set: of a file, or of those that are known here.

    Raises `BadConfig` for a data set or a baseline that is not known, and for a file that cannot be read.
    """
    known = _tables(tomllib.loads((files("gnn.baselines") / "tuned.toml").read_text())) if path is None else read(path)
    if data not in known:
        raise BadConfig(data, known, f"nothing is tuned for it; known: {', '.join(known) or 'none'}")
    for name in known[data]:
        if name not in SPACES:
            raise BadConfig(name, SPACES, "no such baseline")
    return {
        name: {key: value for key, value in entry.items() if key in SPACES[name]} for name, entry in known[data].items()
    }
