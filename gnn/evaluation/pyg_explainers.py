"""PyG's explainers on the trained network: a thin adapter that lets them mask a user's history edges.

`torch_geometric.explain` masks what `MessagePassing` layers send. The network sends one message per history edge, and
reads the edge's own history beside it; both are led through such layers here: with masks of 1 it is the network itself.
"""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn
from torch_geometric.explain import AttentionExplainer, Explainer, Explanation, GNNExplainer
from torch_geometric.explain.algorithm import ExplainerAlgorithm
from torch_geometric.explain.algorithm.utils import clear_masks, set_masks
from torch_geometric.nn import MessagePassing

from gnn import hetero_data, pairs, scorer
from gnn.artefact import Artefact
from gnn.evaluation.explainers import Question
from gnn.model import Network, Tables
from gnn.moment import Moment
from gnn.pairs import Block
from gnn.sampling import Pool
from graph.snapshot import Snapshot

GNN_EXPLAINER = "GNNExplainer"


class _Carried(MessagePassing):
    """Passes on what history edges carry; every edge has a source and a sink of its own, and one mask."""

    def __init__(self) -> None:
        super().__init__(aggr="sum")

    def forward(self, carried: Tensor) -> Tensor:
        return self.propagate(_own_ends(len(carried)), x=carried)

    def message(self, x_j: Tensor) -> Tensor:
        return x_j


class _Attended(MessagePassing):
    """The same for attention, which it shows to those who explain by it."""

    def __init__(self) -> None:
        super().__init__(aggr="sum")

    def forward(self, carried: Tensor) -> Tensor:
        return self.propagate(_own_ends(len(carried)), x=carried, alpha=carried)

    def message(self, x_j: Tensor, alpha: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return x_j


def _own_ends(edges: int) -> Tensor:
    ends = torch.arange(edges)
    return torch.stack([ends, ends])


class _Through(nn.Module):
    """A part of the network, followed by a layer that can be masked."""

    def __init__(self, part: nn.Module, layer: MessagePassing) -> None:
        super().__init__()
        self.part, self.layer = part, layer

    def forward(self, *inputs: object) -> Tensor:
        return self.layer(self.part(*inputs))


class Masked(nn.Module):
    """The network on one pair, as PyG's explainers call a model: `(x, edge_index) -> [1]`."""

    def __init__(self, network: Network, tables: Tables) -> None:
        super().__init__()
        network.attention = _Through(network.attention, _Attended())  # pyright: ignore[reportAttributeAccessIssue]
        if network.own is not None:
            network.own = _Through(network.own, _Carried())  # pyright: ignore[reportAttributeAccessIssue]
        self.network, self.tables = network.eval().requires_grad_(requires_grad=False), tables

    def forward(self, x: Tensor, edge_index: Tensor, block: Block) -> Tensor:
        """Return the score of the block's only pair; nodes and edges are the block's."""
        return self.network(self.tables, block)


class Saliency(ExplainerAlgorithm):
    """The size of the score's gradient by every edge's mask (Simonyan et al., 2014).

    `signed`: the gradient itself. Where all masks are 1, that is gradient times input.
    """

    def __init__(self, *, signed: bool = False) -> None:
        super().__init__()
        self._signed = signed

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride] - there is one type of node here
        self, model: nn.Module, x: Tensor, edge_index: Tensor, **kwargs: object
    ) -> Explanation:
        """Return one backward pass's gradient as the mask."""
        mask = nn.Parameter(torch.ones(edge_index.shape[1]))
        set_masks(model, mask, edge_index, apply_sigmoid=False)
        kwargs = {name: value for name, value in kwargs.items() if name not in ("target", "index")}
        (gradient,) = torch.autograd.grad(model(x, edge_index, **kwargs).sum(), mask)
        clear_masks(model)
        return Explanation(edge_mask=gradient if self._signed else gradient.abs())

    def supports(self) -> bool:
        """Say that nothing is asked of the configuration."""
        return True


class Rival:
    """One of PyG's algorithms as an `Explainer`."""

    def __init__(self, masked: Masked, snapshot: Snapshot, algorithm: ExplainerAlgorithm) -> None:
        self._snapshot = snapshot
        self._explainer = Explainer(
            masked,
            algorithm,
            explanation_type="model",
            edge_mask_type="object",
            model_config={"mode": "regression", "task_level": "graph", "return_type": "raw"},
        )

    def __call__(self, question: Question) -> Float64[np.ndarray, "K N"]:
        """Return the masks that the algorithm finds, one item after the other."""
        edges = len(question.edges)
        found = np.zeros((len(question.items), edges))
        for row, item in zip(found, question.items, strict=True):
            block = laid_out(question, int(item), self._snapshot)
            told = self._explainer(torch.ones(edges, 1), _own_ends(edges), block=block)
            row[:] = told.edge_mask.detach().double().numpy()
        return found


def laid_out(question: Question, item: int, snapshot: Snapshot) -> Block:
    """Return one of the question's pairs as the network takes it."""
    artefact = question.artefact
    sent = scorer.messages(artefact, question.history.columns(), question.now, question.attributes)
    moment = Moment(artefact.scheme, snapshot, sent.edges, sent.x_user[None], np.array([sent.level]), artefact.state)
    one = Pool(np.array([item]), np.ones(1))
    return pairs.block(moment, np.zeros(1, np.int64), [one], None)


def masked(artefact: Artefact, snapshot: Snapshot) -> Masked:
    """Return the artefact's network, ready to be masked."""
    network = Network(artefact.config, artefact.shape)
    network.load_weights(artefact.weights)
    # Of the graph only the items' side is used: users come with each question.
    none, whole = np.zeros(0), np.zeros(0, np.int64)
    nobody = scorer.messages(artefact, scorer.Columns(whole, whole, whole, none, none, none, whole), snapshot.at, {})
    state = copy.deepcopy(artefact.state)  # a loaded one is mapped from its files, and torch wants to own its arrays
    items = Moment(artefact.scheme, snapshot, nobody.edges, nobody.x_user[None], np.full(1, np.nan), state)
    return Masked(network, Tables.of(hetero_data.build(items), torch.device("cpu")))


def rivals(artefact: Artefact, snapshot: Snapshot, *, seed: int, steps: int) -> Mapping[str, Rival]:
    """Return PyG's explainers on the artefact's network; GNNExplainer takes `steps` for a score, drawn from `seed`."""
    torch.manual_seed(seed)
    model = masked(artefact, snapshot)
    algorithms: dict[str, ExplainerAlgorithm] = {
        "attention": AttentionExplainer("mean"),
        "saliency": Saliency(),
        "gradient x input": Saliency(signed=True),
        GNN_EXPLAINER: GNNExplainer(epochs=steps),
    }
    return {name: Rival(model, snapshot, algorithm) for name, algorithm in algorithms.items()}
