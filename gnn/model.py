"""The heterogeneous graph attention network: attention over history, messages along metapaths, fusion into a score."""

from dataclasses import dataclass, fields

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
from gnn.weights import PRICE_TERMS, PRIOR_UNIT, SLOPE_UNIT, Shape, Weights

_PRICE = ITEM_FEATURES.index("price_level")


@dataclass(frozen=True, slots=True)
class Tables:
    """What all users share at one moment: the items' side of the graph."""

    x: Tensor
    """Node features of the items, [I, Fi]."""
    level: Tensor
    """Price levels, [I], nan unknown."""
    share: Tensor
    """The items' part in their nodes, [G, I] in the order of `State.groups`."""
    rate: Tensor
    """One over the unit of each channel at this moment, [C]; 0 for a channel that is silent."""
    walk_mass: Tensor
    """In proportion to this a walk starts at the items of a history, [I]."""
    seen_mean: Tensor
    seen_scale: Tensor
    """How squashed channels are centred for semantic attention, [C] each."""

    @staticmethod
    def of(data: HeteroData, device: torch.device) -> "Tables":
        """Take the items' side of a graph to a device."""
        item = data["item"]
        moment = (data.channel_rate, item.walk_mass, data.seen_mean, data.seen_scale)
        return Tables(item.x, item.level, item.share, *moment).to(device)

    def to(self, device: torch.device) -> "Tables":
        """Return the tables on another device."""
        return Tables(*(getattr(self, part.name).to(device) for part in fields(self)))


class OwnHistory(nn.Module):
    """What a user's own history of an item says of it: decayed counts, and a hidden layer on the edge's features."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.lift = nn.Linear(shape.F, 2 * shape.D)
        self.head = nn.Linear(2 * shape.D, 1, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the hidden layer; its reading starts at zero."""
        nn.init.xavier_uniform_(self.lift.weight)
        nn.init.zeros_(self.lift.bias)
        nn.init.zeros_(self.head.weight)

    def forward(self, edge_attr: Tensor, base: Tensor) -> Tensor:
        """Return counts per head and the layer's reading for every history edge, [N, H + 1]."""
        return torch.cat([torch.expm1(base), self.head(torch.relu(self.lift(edge_attr)))], dim=1)


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
        self.semantic = fusion.SemanticAttention(len(shape.channels), shape.seen, shape.S) if shape.S else None

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
        # The sum along paths itself is in full precision, also where hidden layers are not.
        with torch.autocast(a.device.type, enabled=False):
            score = self.fusion(a.float(), p.float(), terms.float())
        return score if self.semantic is None else score + self.semantic(a, tables.seen_mean, tables.seen_scale)

    def channels(self, tables: Tables, block: Block) -> Tensor:
        """Return every channel's value [B, C] in units of the moment; the order is `Shape.channels`."""
        nodes = {"user": block.x_user, "item": tables.x}
        message = self._messages(nodes, block.edge_index, block.edge_attr, block.base)
        if self.own is None:
            own = message.new_zeros(len(block.pair_user), message.shape[1] + 1)
        else:
            own = block.own @ self.own(block.edge_attr, block.base)
        user, item = block.edge_index
        starts = message * tables.walk_mass[item, None]
        whole = starts.new_zeros(len(block.x_user), starts.shape[1]).index_add(0, user, starts)
        # In the order of `MATRICES`; a walk starts at one item, whatever the size of the history.
        carried = (message, message, starts / whole.clamp_min(1e-30)[user])
        values = [own, *(paths @ sent for paths, sent in zip(block.paths, carried, strict=True))]
        for k, (edge_node, paths) in enumerate(zip(block.edge_node, block.nodes, strict=True)):
            mass = message.new_zeros(paths.matrix.shape[0] + 1, message.shape[1]).index_add(0, edge_node, message)
            # The last row gathers what belongs nowhere; nothing flows from it.
            arrived = paths @ mass[:-1].clamp_min(1e-12).sqrt()
            values += [arrived * tables.share[k][block.pair_item, None], arrived[:, :1]]
        return torch.cat([*values, tables.x[block.pair_item, : len(PRIORS)]], dim=1) * tables.rate

    def _messages(self, x_dict: dict[str, Tensor], edge_index: Tensor, edge_attr: Tensor, base: Tensor) -> Tensor:
        attention = self.attention(x_dict, edge_index, edge_attr, base)
        size = base.new_zeros(len(x_dict["user"]), base.shape[1]).index_add(0, edge_index[0], base)
        return attention * size[edge_index[0]]


def gate_inputs(tables: Tables, block: Block) -> tuple[Tensor, Tensor]:
    """Return p_UI of every pair [B, P], in the order of `GATE_INPUTS`, and the price terms [B, T]."""
    item = tables.x[block.pair_item]
    price = item[:, _PRICE].clamp(-3, 3)
    fit = (1 - 4 * (block.level[block.pair_user] - tables.level[block.pair_item]).abs()).nan_to_num(0.0)
    user = block.p_user[block.pair_user]
    slopes = torch.cat([user[:, 1:], torch.stack([price, fit], dim=1)], dim=1)
    p = torch.cat([user[:, :1], slopes * SLOPE_UNIT], dim=1)
    spend, level, discount, income = user[:, 1:].unbind(dim=1)
    terms = torch.stack([fit, price, price * spend, price * level, price * discount, price * income], dim=1)
    return p, terms * PRIOR_UNIT
