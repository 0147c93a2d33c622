"""Names, shapes and first values of the network's weights: shared by torch (training) and numpy (serving).

The first values are a recommender already: EASE over a user's history, plus how often and how recently the user
bought the item itself. Training starts there, and a shop too small to train is served from there.
"""

import math
from dataclasses import dataclass

import numpy as np

from gnn.config import Config
from gnn.history import Scheme
from gnn.state import ITEM_FEATURES, MATRICES, PRIORS, State, user_names

Weights = dict[str, np.ndarray]

GATE_INPUTS = (
    *("one", "size", "repeats", "spend", "level", "discount", "income"),  # of the user
    *("price", "popularity", "fit"),  # of the item, and of both
)
"""p_UI: what the weight of a channel may depend on."""
USER_GATES = 7

PRICE_TERMS = ("fit", "price", "price*spend", "price*level", "price*discount", "price*income")
"""Terms of purchase power that stand in the score by themselves."""

ITEM_UNIT, PRIOR_UNIT = 5.0, 0.05
"""Channels and terms are multiplied by these, so that one step of the optimiser moves each of them about as far."""

SLOPE_UNIT = 0.1
"""Everything in p but the constant is multiplied by this: a gate first learns how much a channel is worth to all, and
bends towards single users and items slowly. Without it the slopes overfit, and what is new to a user ranks worse."""

REACH = 4.0
"""Learned attention moves a logit by less than this either way."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes that the weights depend on."""

    I: int  # noqa: E741 - items
    F: int
    """Features of an edge."""
    Fu: int
    Fi: int
    H: int
    L: int
    """Category levels."""
    D: int
    """Width."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, C of them, in the order of every array that has one row per channel."""
        heads = range(self.H)
        return (
            "own",
            *(f"{matrix}:{h}" for matrix in MATRICES for h in heads),
            *(f"category{level}:{h}" for level in range(self.L) for h in heads),
            *(f"brand:{h}" for h in heads),
            *PRIORS,
        )


def shape_of(config: Config, scheme: Scheme, state: State) -> Shape:
    """Return the sizes that belong to a config and a state of the graph."""
    return Shape(
        I=len(state.position),
        F=len(scheme.edge_names),
        Fu=len(user_names(scheme)),
        Fi=len(ITEM_FEATURES),
        H=config.heads,
        L=len(state.node),
        D=config.width,
    )


def initial(config: Config, scheme: Scheme, shape: Shape) -> Weights:
    """Return the first weights, drawn from the config's seed; float32."""
    rng = np.random.default_rng(config.seed)
    H, D = shape.H, shape.D

    def glorot(*size: int) -> np.ndarray:
        bound = math.sqrt(6 / (size[0] + size[-1]))
        return rng.uniform(-bound, bound, size).astype(np.float32)

    kinds = config.attention_kinds()
    weights: Weights = {}
    if "content" in kinds:
        weights |= {
            "attention.content.user.weight": glorot(H * D, shape.Fu),
            "attention.content.item.weight": glorot(H * D, shape.Fi),
            "attention.content.item.bias": np.zeros(H * D, np.float32),
            "attention.content.vector": np.zeros((H, D), np.float32),
        }
    if "context" in kinds:
        weights |= {
            "attention.context.lift.weight": glorot(D, shape.F),
            "attention.context.lift.bias": np.zeros(D, np.float32),
            "attention.context.head.weight": np.zeros((H, D), np.float32),
        }
    if "self" in kinds:
        weights |= {
            "attention.self.item.weight": (rng.standard_normal((shape.I, D)) * 0.3).astype(np.float32),
            "attention.self.scale": np.zeros((H, D), np.float32),
        }
    if config.own_history:
        frequency = np.zeros(H, np.float32)
        frequency[1 if H > 1 else 0] = 0.5
        frequency[2:3] = 0.3
        weights |= {
            "own.frequency": frequency,
            "own.lift.weight": glorot(2 * D, shape.F + shape.Fu + shape.Fi),
            "own.lift.bias": np.zeros(2 * D, np.float32),
            "own.head.weight": np.zeros((1, 2 * D), np.float32),
        }
    channels = shape.channels
    inputs = 1 if config.fusion == "sum" else len(GATE_INPUTS)
    gates = np.zeros((len(channels), inputs), np.float32)
    for name, weight in (("own", 1.0), ("ease:0", 1 / ITEM_UNIT), ("popularity", 0.01 / PRIOR_UNIT)):
        gates[channels.index(name), 0] = weight
    if shape.L:
        gates[channels.index(f"category{shape.L - 1}:0"), 0] = 0.02
    weights |= {"fusion.gates": gates, "fusion.price": np.zeros(len(PRICE_TERMS), np.float32)}
    if config.fusion == "concat":
        weights |= {
            "fusion.lift.weight": glorot(2 * D, len(channels) + len(GATE_INPUTS)),
            "fusion.lift.bias": np.zeros(2 * D, np.float32),
            "fusion.head.weight": np.zeros((1, 2 * D), np.float32),
        }
    return weights
