"""The baselines by name, and how one is made with settings."""

from collections.abc import Mapping
from dataclasses import fields

from gnn.baselines.base import Recommender
from gnn.baselines.ease import Ease, FrequencyAndEase
from gnn.baselines.factors import Bpr, Ials
from gnn.baselines.frequency import Frequency
from gnn.baselines.hgt import Hgt
from gnn.baselines.item_knn import ItemKnn
from gnn.baselines.lightgcn import LightGcn
from gnn.baselines.neumf import NeuMf
from gnn.baselines.popularity import Popularity
from gnn.baselines.tifu_knn import TifuKnn
from gnn.errors import BadConfig

BASELINES: Mapping[str, type[Recommender]] = {
    "popularity": Popularity,
    "frequency": Frequency,
    "itemknn": ItemKnn,
    "ease": Ease,
    "frequency+ease": FrequencyAndEase,
    "ials": Ials,
    "tifuknn": TifuKnn,
    "bpr": Bpr,
    "neumf": NeuMf,
    "lightgcn": LightGcn,
    "hgt": Hgt,
}


def make(name: str, settings: Mapping[str, float] | None = None, seed: int = 0) -> Recommender:
    """Return the baseline of this name with these settings; the seed goes to those that draw.

    Raises `BadConfig` for a setting that it does not have.
    """
    kind = BASELINES[name]
    known = settings_of(name)
    given = dict(settings or {})
    for setting in given:
        if setting not in known:
            raise BadConfig(setting, known)
    if draws(name):
        given["seed"] = seed
    return kind(**given)


def settings_of(name: str) -> tuple[str, ...]:
    """Return the names of a baseline's settings, its seed apart."""
    return tuple(name for name in _fields(name) if name != "seed")


def draws(name: str) -> bool:
    """Return whether a baseline depends on a seed."""
    return "seed" in _fields(name)


def _fields(name: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(BASELINES[name]))  # pyright: ignore[reportArgumentType] - dataclasses
