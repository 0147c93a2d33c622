"""The heterogeneous graph attention network: attention over history, messages along metapaths, fusion into a score."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import HeteroData

from gnn import fusion
from gnn.attention import ContentAttention, ContextAttention, HistoryAttention, SelfAttention
from gnn.config import Config
from gnn.hetero_data import HISTORY
from gnn.pairs import Block
from gnn.state import ITEM_FEATURES, PRIORS
from gnn.weights import ITEM_UNIT, PRICE_TERMS, PRIOR_UNIT, SLOPE_UNIT, Shape, Weights

_PRICE = ITEM_FEATURES.index("price_level")
_POPULARITY = ITEM_FEATURES.index("popularity")


@dataclass(frozen=True, slots=True)
class Tables:
    """What all users share at one moment: the items' side of the graph."""

    x: Tensor
    """Node features of the items, [I, Fi]."""
    level: Tensor
    """Price levels, [I], nan unknown."""
    share: Tensor
    """The items' part in their category at each level, and in their brand, [L + 1, I]."""

    @staticmethod
    def of(data: HeteroData, device: torch.device) -> "Tables":
        """Take the items' side of a graph to a device."""
        item = data["item"]
        return Tables(item.x.to(device), item.level.to(device), item.share.to(device))


class OwnHistory(nn.Module):
    """What a user's own history of an item says of it: frequency, and a hidden layer on edge, user and item."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.empty(shape.H))
        self.lift = nn.Linear(shape.F + shape.Fu + shape.Fi, 2 * shape.D)
        self.head = nn.Linear(2 * shape.D, 1, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the hidden layer; its reading starts at zero."""
        nn.init.constant_(self.frequency, 0.5 / len(self.frequency))
        nn.init.xavier_uniform_(self.lift.weight)
        nn.init.zeros_(self.lift.bias)
        nn.init.zeros_(self.head.weight)

    def forward(self, x_dict: dict[str, Tensor], edge_index: Tensor, edge_attr: Tensor, base: Tensor) -> Tensor:
        """Return one value per history edge, [N]."""
        # The layer on the concatenation, projected per node first: no [N, F + Fu + Fi] tensor.
        on_edge, on_user, on_item = self.lift.weight.split(
            [edge_attr.shape[1], x_dict["user"].shape[1], x_dict["item"].shape[1]], dim=1
        )
        hidden = edge_attr @ on_edge.T + (x_dict["user"] @ on_user.T + self.lift.bias)[edge_index[0]]
        hidden = torch.relu(hidden + (x_dict["item"] @ on_item.T)[edge_index[1]])
        return torch.expm1(base) @ self.frequency + self.head(hidden)[:, 0]


class Network(nn.Module):
    """Scores pairs of users and items as sums over the paths between them."""

    def __init__(self, config: Config, shape: Shape) -> None:
        super().__init__()
        makers = {
            "content": lambda: ContentAttention(shape.Fu, shape.Fi, shape.H, shape.D),
            "context": lambda: ContextAttention(shape.F, shape.H, shape.D),
            "self": lambda: SelfAttention(shape.I, shape.H, shape.D),
        }
        self.config = config
        self.attention = HistoryAttention({kind: makers[kind]() for kind in config.attention_kinds()})
        self.own = OwnHistory(shape) if config.own_history else None
        self.fusion = fusion.make(config.fusion, len(shape.channels), len(PRICE_TERMS), shape.D)

    def reset_parameters(self) -> None:
        """Draw every weight anew."""
        for module in self.modules():
            if module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()  # pyright: ignore[reportCallIssue] - checked on the line above

    def load_weights(self, weights: Weights) -> None:
        """Take weights by name, as `gnn.weights.initial` and artefacts hold them."""
        self.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})

    def to_weights(self) -> Weights:
        """Return a copy of the weights as numpy arrays by name."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self.state_dict().items()}

    def messages(self, data: HeteroData) -> Tensor:
        """Return the weight of every history edge of a whole graph, [N, H], in the order of its edges."""
        history = data[HISTORY]
        return self._messages(data.x_dict, history.edge_index, history.edge_attr, history.base)

    def forward(self, tables: Tables, block: Block) -> Tensor:
        """Return scores [B] of a block's pairs."""
        a = self.channels(tables, block)
        p, terms = gate_inputs(tables, block)
        return self.fusion(a, p, terms)

    def channels(self, tables: Tables, block: Block) -> Tensor:
        """Return every channel's value [B, C]; the order is `Shape.channels`."""
        nodes = {"user": block.x_user, "item": tables.x}
        message = self._messages(nodes, block.edge_index, block.edge_attr, block.base)
        if self.own is None:
            own = message.new_zeros(len(block.pair_user))
        else:
            value = self.own(nodes, block.edge_index, block.edge_attr, block.base)
            own = torch.cat([value, value.new_zeros(1)])[block.own_edge]
        values = [own[:, None], *(paths @ (message * ITEM_UNIT) for paths in block.paths)]
        for k, (edge_node, pair_node, count) in enumerate(
            zip(block.edge_node, block.pair_node, block.nodes, strict=True)
        ):
            mass = message.new_zeros(count + 1, message.shape[1]).index_add(0, edge_node, message)
            # The last row gathers what belongs nowhere; nothing flows from it.
            flow = torch.cat([mass[:-1].clamp_min(1e-12).sqrt(), mass.new_zeros(1, mass.shape[1])])
            values.append(flow[pair_node] * tables.share[k][block.pair_item, None])
        return torch.cat([*values, tables.x[block.pair_item, : len(PRIORS)] * PRIOR_UNIT], dim=1)

    def _messages(self, x_dict: dict[str, Tensor], edge_index: Tensor, edge_attr: Tensor, base: Tensor) -> Tensor:
        attention = self.attention(x_dict, edge_index, edge_attr, base)
        size = base.new_zeros(len(x_dict["user"]), base.shape[1]).index_add(0, edge_index[0], base)
        return attention * size[edge_index[0]]


def gate_inputs(tables: Tables, block: Block) -> tuple[Tensor, Tensor]:
    """Return p_UI of every pair [B, P], in the order of `GATE_INPUTS`, and the price terms [B, T]."""
    item = tables.x[block.pair_item]
    price, popularity = item[:, _PRICE].clamp(-3, 3), item[:, _POPULARITY].clamp(-3, 3)
    fit = (1 - 4 * (block.level[block.pair_user] - tables.level[block.pair_item]).abs()).nan_to_num(0.0)
    user = block.p_user[block.pair_user]
    slopes = torch.cat([user[:, 1:], torch.stack([price, popularity, fit], dim=1)], dim=1)
    p = torch.cat([user[:, :1], slopes * SLOPE_UNIT], dim=1)
    spend, level, discount, income = user[:, 3:].unbind(dim=1)
    terms = torch.stack([fit, price, price * spend, price * level, price * discount, price * income], dim=1)
    return p, terms * PRIOR_UNIT
