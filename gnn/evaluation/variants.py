"""The network beside variants of itself: what each part of it is worth, and how the ways to build it compare.

The network as configured is held against every variant, so a positive difference is what the part is worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gnn.config import ATTENTIONS, FUSIONS, LOSSES, Config
from gnn.errors import BadConfig
from gnn.evaluation.contenders import Contender, trained
from gnn.evaluation.network import Trained

WITHOUT: Mapping[str, Mapping[str, object]] = {
    "no purchase power": {"purchase_power": False},
    "no attention (uniform)": {"attention": "uniform"},
    "no semantic attention": {"semantic_width": 0},
    "no item-item edges": {"item_edges": False},
    "no categories": {"categories": False},
    "no brands": {"brands": False},
    "no own history": {"own_history": False},
    "no time": {"time": False},
}
"""What is taken away -> settings."""

INSTEAD: Mapping[str, Mapping[str, object]] = {
    "attention: content": {"attention": "content"},
    "attention: context": {"attention": "context"},
    "attention: self": {"attention": "self"},
    "attention: content and context": {"attention": "content+context"},
    "attention: all three": {"attention": "content+context+self"},
    "fusion: sum": {"fusion": "sum"},
    "fusion: concatenation": {"fusion": "concat"},
    "loss: bce": {"loss": "bce"},
    "loss: softmax": {"loss": "softmax"},
}
"""What is put in place of a choice -> settings."""

GRID: Mapping[str, Mapping[str, object]] = {
    f"{attention} x {fusion} x {loss}": {"attention": attention, "fusion": fusion, "loss": loss}
    for attention in ATTENTIONS
    for fusion in FUSIONS
    for loss in LOSSES
    if loss != "mix"
}
"""Every attention with every fusion and every loss."""

KINDS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "ablation": WITHOUT | INSTEAD,
    "grid": GRID,
}
"""What `attune evaluate --variants` calls them."""


def named(kind: str, config: Config, device: str = "auto", names: Sequence[str] | None = None) -> dict[str, Contender]:
    """Return the network and its variants of a kind; the network is ours, the variants are what it is held against.

    Settings that are the network's own already (the fusion that it has) make no variant. `names`: None for all. Raises
    `BadConfig` for an unknown kind, or for a name that is none of its variants.
    """
    if kind not in KINDS:
        raise BadConfig(kind, KINDS, f"no such variants; known: {', '.join(KINDS)}")
    for name in names or ():
        if name not in KINDS[kind]:
            raise BadConfig(name, KINDS[kind], f"no such variant of {kind}; known: {', '.join(KINDS[kind])}")
    found = {"attune": trained(Trained(config, device))}
    for name, changes in KINDS[kind].items():
        variant = replace(config, **changes)  # pyright: ignore[reportArgumentType] - settings by their names
        if variant != config and (names is None or name in names):
            found[name] = replace(trained(Trained(variant, device)), ours=False)
    return found
