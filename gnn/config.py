"""Every setting of the model and its training, in one flat and frozen place."""

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gnn.errors import BadConfig

ATTENTIONS = ("content", "context", "self")
"""Kinds of attention; any subset is written as `content+context`, none of them as `uniform`."""

BATCHES = ("auto", "kept", "sampled")
FUSIONS = ("bilinear", "sum", "concat")
LOSSES = ("mix", "bce", "softmax")

NETWORK = "attune"
FIXED = ("popularity", "frequency", "itemknn", "ease", "frequency+ease")
"""Baselines that are sums over the network's own channels: they can be served in its place, and explained as it is."""


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one model; the names are those of `--set name=value`."""

    model: str = NETWORK
    """attune, or a baseline served in its place: popularity, frequency, itemknn, ease, frequency+ease."""

    # What the network is made of.
    attention: str = "content+context"
    """Kinds of attention joined by `+`: content, context, self; or `uniform` for none that is learned."""
    fusion: str = "bilinear"
    """How attention and purchase power meet: bilinear, sum, or concat (to compare: its scores are not sums)."""
    loss: str = "mix"
    """bce (sampled negatives), softmax (InfoNCE), or mix."""
    semantic_width: int = 64
    """Width of the semantic attention, which weighs the channels per user and item; 0 weighs them alike for all."""
    heads: int = 4
    """Heads of attention, 1-8; each starts from another half-life."""
    width: int = 16
    """Width of the other hidden layers and of item embeddings."""
    own_history: bool = True
    """Whether a user's own history of an item adds to its score."""
    item_edges: bool = True
    """Whether item-item edges carry messages."""
    categories: bool = True
    """Whether categories carry messages."""
    brands: bool = True
    """Whether brands carry messages."""
    purchase_power: bool = True
    """Whether purchase power and prices are seen at all."""
    announced: bool = False
    """Whether promotions that the shop has announced (those that start after the last event) are looked at."""
    time: bool = True
    """Whether half-lives and recency are used; without, every event counts the same."""

    # Item-item edges.
    ease_lambda: float = 1000.0
    """Ridge of EASE on log counts."""
    neighbours: int = 200
    """Item-item edges kept per item."""
    dense_limit: int = 20_000
    """Up to so many users or items (the fewer of the two) EASE is solved exactly; beyond, cosine takes its place."""

    # Which items, which times.
    min_buyers: int = 0
    """Distinct users an item needs to be a candidate; 0 adapts to the size of the shop (20 at most)."""
    target: str = ""
    """Event type that is predicted; empty: purchase, or the most frequent type."""
    cuts: int = 5
    """Moments to learn from, half a period apart; each predicts the period after it."""
    horizon_share: float = 0.2
    """Length of a target period as a share of the time that the events span."""

    # Training.
    epochs: int = 6
    """Passes at most."""
    patience: int = 6
    """Passes that validation tells from the best one before training stops."""
    refit: bool = True
    """Whether the chosen number of passes is then run on all cuts, the validation period included."""
    learning_rate: float = 0.002
    weight_decay: float = 0.5
    """Pull towards the first weights, per step and unit of the learning rate."""
    trust: float = 0.6
    """How far what weighs the channels goes from the first weights (0) to those that training found (1)."""
    users_per_step: int = 32
    """Users whose pairs make one step of the optimiser."""
    users_per_cut: int = 2500
    """Users drawn per cut at most."""
    hard_negatives: int = 100
    """Unseen items that item-item edges speak for most, per user."""
    random_negatives: int = 150
    """Unseen items drawn per user in proportion to the square root of their popularity."""
    softmax_weight: float = 0.5
    """Weight of the softmax over novel items in the loss `mix`."""
    temperature: float = 1.0
    """Of the softmax, on top of the learned scale of the scores."""
    validation_users: int = 400
    """Users whose lists are ranked in full after every pass."""
    seed: int = 0

    # How it is computed.
    batches: str = "auto"
    """kept: steps are laid out once and kept for all passes; sampled: made anew in each; auto: kept up to `kept_gb`."""
    kept_gb: float = 16.0
    """10^9 bytes of steps that `auto` keeps, over all processes; the cuts beyond are made anew."""
    history_sample: int = 256
    """Where steps are made anew: of a longer history so many edges, drawn in each pass, lead to other items; 0: all."""
    loader_workers: int = 0
    """Processes that make steps ahead of their turn, where they are made anew; 0: none but the training itself."""
    bf16: bool = False
    """Whether hidden layers compute in bfloat16 (mixed precision); sums along paths stay in float32."""
    compile: bool = False
    """Whether dense layers go through `torch.compile`; on the CPU that needs a C++ compiler."""

    def __post_init__(self) -> None:
        self.attention_kinds()
        if self.model not in (NETWORK, *FIXED):
            raise BadConfig(
                "model",
                _names(),
                f"{self.model!r} is not served: it is none of {', '.join((NETWORK, *FIXED))}, whose scores are sums "
                "over paths. attune evaluate measures the other baselines",
            )
        _within("fusion", self.fusion, FUSIONS)
        _within("loss", self.loss, LOSSES)
        _within("batches", self.batches, BATCHES)
        for name, low, high in _BOUNDS:
            if not low <= getattr(self, name) <= high:
                raise BadConfig(name, _names(), f"{getattr(self, name)} is not between {low} and {high}")

    def attention_kinds(self) -> tuple[str, ...]:
        """Return the chosen kinds of attention in their fixed order; empty for uniform."""
        if self.attention == "uniform":
            return ()
        asked = self.attention.split("+")
        for kind in asked:
            _within("attention", kind, ATTENTIONS)
        return tuple(kind for kind in ATTENTIONS if kind in asked)

    def as_dict(self) -> dict[str, str | int | float | bool]:
        """Return name -> value, as written to a manifest."""
        return dataclasses.asdict(self)


_BOUNDS: tuple[tuple[str, float, float], ...] = (
    ("heads", 1, 8),
    ("width", 1, 512),
    ("semantic_width", 0, 4096),
    ("ease_lambda", 1e-6, 1e9),
    ("neighbours", 1, 100_000),
    ("dense_limit", 0, 200_000),
    ("min_buyers", 0, 10**9),
    ("cuts", 1, 20),
    ("horizon_share", 0.01, 0.5),
    ("epochs", 0, 10_000),
    ("patience", 1, 10_000),
    ("learning_rate", 1e-7, 10.0),
    ("weight_decay", 0.0, 100.0),
    ("trust", 0.0, 1.0),
    ("users_per_step", 1, 1_000_000),
    ("users_per_cut", 1, 10**9),
    ("hard_negatives", 0, 100_000),
    ("random_negatives", 1, 100_000),
    ("softmax_weight", 0.0, 1.0),
    ("temperature", 0.01, 100.0),
    ("validation_users", 1, 10**9),
    ("seed", 0, 2**31 - 1),
    ("kept_gb", 0.0, 1e6),
    ("history_sample", 0, 10**9),
    ("loader_workers", 0, 256),
)


def from_mapping(given: Mapping[str, object], base: Config | None = None) -> Config:
    """Return `base` with these settings; values may be text, as from a command line.

    Raises `BadConfig` for an unknown name (listing the known ones and the nearest) or an impossible value.
    """
    base = Config() if base is None else base
    hints = typing.get_type_hints(Config)
    changes: dict[str, object] = {}
    for name, value in given.items():
        if name not in hints:
            raise BadConfig(name, hints)
        changes[name] = _convert(name, value, hints[name])
    return dataclasses.replace(base, **changes)  # pyright: ignore[reportArgumentType] - converted to the field's type


def from_file(path: Path) -> Config:
    """Return the config of a TOML file of `name = value` lines. Raises `BadConfig`, naming the file."""
    try:
        return from_mapping(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadConfig(str(path), _names(), f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(str(path), _names(), f"is not TOML: {error}") from None
    except BadConfig as error:
        raise BadConfig(str(path), _names(), f"{error}") from None


def from_settings(settings: typing.Iterable[str], base: Config | None = None) -> Config:
    """Return the config of `key=value` texts, as `--set` gives them. Raises `BadConfig`."""
    given: dict[str, object] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadConfig(text, _names(), "write it as key=value")
        given[name.strip()] = value.strip()
    return from_mapping(given, base)


def _convert(name: str, value: object, kind: type | types.UnionType) -> object:
    try:
        if kind is bool:
            if isinstance(value, bool):
                return value
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[str(value).lower()]
        if kind is int:
            number = float(str(value))
            if number != int(number):
                raise ValueError(value)
            return int(number)
        if kind is float:
            return float(str(value))
    except (KeyError, ValueError, OverflowError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[typing.cast("type", kind)]
        raise BadConfig(name, _names(), f"{value!r} is not {wanted}") from None
    return str(value)


def _within(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise BadConfig(name, _names(), f"{value!r} is not one of {', '.join(allowed)}")


def _names() -> list[str]:
    return [field.name for field in dataclasses.fields(Config)]
