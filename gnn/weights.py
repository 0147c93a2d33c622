"""Names, shapes and first values of the network's weights: shared by torch (training) and numpy (serving).

The first values are a recommender already: EASE over a user's history, plus how often and how recently the user
bought the item itself. Training starts there, and a shop too small to train is served from there.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from gnn.config import NETWORK, Config
from gnn.history import Scheme
from gnn.state import ITEM_FEATURES, MATRICES, PRIORS, State, user_names

Weights = dict[str, np.ndarray]

GATE_INPUTS = (
    *("one", "spend", "level", "discount", "income"),  # of the user
    *("price", "fit"),  # of the item, and of both
)
"""p_UI: purchase power and price, on which the weight of a channel may depend."""
USER_GATES = 5

PRICE_TERMS = ("fit", "price", "price*spend", "price*level", "price*discount", "price*income")
"""Terms of purchase power that stand in the score by themselves."""

PRIOR_UNIT = 0.05
"""Price terms are multiplied by this, so that one step of the optimiser moves them about as far as a channel."""

SLOPE_UNIT = 0.1
"""Everything in p but the constant is multiplied by this: a gate first learns how much a channel is worth to all, and
bends towards single users and items slowly. Without it the slopes overfit, and what is new to a user ranks worse."""

REACH = 4.0
"""Learned attention moves a logit by less than this either way."""

DRIFTING = ("trend", "newness", "promoted_now", "promoted_ever")
"""Priors that semantic attention does not look at: what they mean differs from one period to the next."""


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
    S: int
    """Width of the semantic attention; 0 without."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, C of them, in the order of every array that has one row per channel."""
        return channel_names(self.H, self.L)

    @property
    def seen(self) -> tuple[int, ...]:
        """Rows of the channels that semantic attention looks at."""
        return tuple(row for row, name in enumerate(self.channels) if name not in DRIFTING)


def group_names(L: int) -> tuple[str, ...]:
    """Return the names of the kinds of node that join items, in the order of `State.groups`."""
    return (*(f"category{level}" for level in range(L)), "brand", "line")


@cache
def channel_names(H: int, L: int) -> tuple[str, ...]:
    """Return the names of the channels of `H` heads and `L` category levels."""
    heads = range(H)
    return (
        *(f"own:{h}" for h in heads),
        "own:deep",
        *(f"{matrix}:{h}" for matrix in MATRICES for h in heads),
        *(f"{group}:{part}" for group in group_names(L) for part in (*heads, "mass")),
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
        S=0 if config.fusion == "concat" else config.semantic_width,
    )


_GATES: dict[str, list[tuple[str, float]]] = {
    "popularity": [("popularity_recent", 1.0)],
    "frequency": [("own:1", 1.0), ("popularity", 1e-6)],
    "itemknn": [("cosine:0", 1.0), ("own:deep", 1.0)],
    "ease": [("ease:0", 1.0)],
    "frequency+ease": [("own:1", 0.5), ("ease:0", 1.0)],
}
"""What `gnn.baselines` adds up, in the network's channels: own:1 fades by a third of the time that the events span."""


def _log_days(scheme: Scheme, state: State, D: int) -> Weights:
    """Return the deep reading of an own history that is the logarithm of 1 + its days: an item's likeness to itself."""
    row = scheme.edge_names.index("days")
    lift, head = np.zeros((2 * D, len(scheme.edge_names)), np.float32), np.zeros((1, 2 * D), np.float32)
    bias = np.zeros(2 * D, np.float32)
    scale = float(state.edge_scale[row])
    # Features arrive standardised: this turns one back.
    lift[0, row], bias[0], head[0, 0] = 1 / scale if scale else 0.0, state.edge_mean[row], 1.0
    return {"own.lift.weight": lift, "own.lift.bias": bias, "own.head.weight": head}


def initial(config: Config, scheme: Scheme, state: State) -> Weights:
    """Return the first weights, drawn from the config's seed; float32.

    Gates stand for channels in the units of `state.channel_scale`: together they weigh EASE with 1, decayed
    purchases of the item itself with a half, popularity with next to nothing. A baseline in the network's place has
    other gates, and nothing but gates.
    """
    shape = shape_of(config, scheme, state)
    rng = np.random.default_rng(config.seed)
    H, D, S = shape.H, shape.D, shape.S

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
        weights |= {
            "own.lift.weight": glorot(2 * D, shape.F),
            "own.lift.bias": np.zeros(2 * D, np.float32),
            "own.head.weight": np.zeros((1, 2 * D), np.float32),
        }
    channels = shape.channels
    inputs = 1 if config.fusion == "sum" else len(GATE_INPUTS)
    gates = np.zeros((len(channels), inputs), np.float32)
    # The deep reading starts at nothing itself: with a closed gate neither would ever get a gradient.
    first = [(f"own:{min(1, H - 1)}", 0.5), ("own:deep", 1.0), ("ease:0", 1.0), ("popularity", 0.01)]
    if shape.L:
        first.append((f"category{shape.L - 1}:0", 0.02))
    if config.model != NETWORK:
        first = _GATES[config.model]
        weights |= _log_days(scheme, state, D)
    for name, weight in first:
        row = channels.index(name)
        gates[row, 0] = weight * state.channel_scale[row]
    weights |= {"fusion.gates": gates, "fusion.price": np.zeros(len(PRICE_TERMS), np.float32)}
    if S:
        weights |= {
            "semantic.lift.weight": glorot(S, len(shape.seen)),
            "semantic.lift.bias": np.zeros(S, np.float32),
            "semantic.hidden.weight": glorot(S, S),
            "semantic.hidden.bias": np.zeros(S, np.float32),
            "semantic.head.weight": np.zeros((len(channels), S), np.float32),
        }
    if config.fusion == "concat":
        weights |= {
            "fusion.lift.weight": glorot(2 * D, len(channels) + len(GATE_INPUTS)),
            "fusion.lift.bias": np.zeros(2 * D, np.float32),
            "fusion.head.weight": np.zeros((1, 2 * D), np.float32),
        }
    return weights
