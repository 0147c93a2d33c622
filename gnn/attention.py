"""Node-level attention over a user's history: three kinds of logits, one softmax.

logit = log(base) + tanh-bounded sum of the chosen kinds, so that first weights of zero leave the plain history; each
kind is a module that answers for all history edges at once, [N, H].
"""

import math
from typing import Protocol

import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter

from gnn import edgewise
from gnn.weights import REACH


class Kind(Protocol):
    """What every kind of attention is: a module that gives a logit per history edge and head."""

    def __call__(self, x_dict: dict[str, Tensor], edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return logits [N, H]."""
        ...

    def reset_parameters(self) -> None:
        """Draw the first weights."""
        ...


class ContentAttention(nn.Module):
    """From node features, as GATv2 (Brody et al., ICLR 2022): a . LeakyReLU(W_u x_u + W_i x_i)."""

    def __init__(self, user_width: int, item_width: int, heads: int, width: int) -> None:
        super().__init__()
        self.user = nn.Linear(user_width, heads * width, bias=False)
        self.item = nn.Linear(item_width, heads * width)
        self.vector = nn.Parameter(torch.empty(heads, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the projections; the vector starts at zero, so that attention starts uniform over the base."""
        nn.init.xavier_uniform_(self.user.weight)
        nn.init.xavier_uniform_(self.item.weight)
        nn.init.zeros_(self.item.bias)
        nn.init.zeros_(self.vector)

    def forward(self, x_dict: dict[str, Tensor], edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return logits [N, H]; projects nodes once, and holds nothing as wide as that for every edge."""
        x, heads = x_dict["item"], self.vector.shape
        if edge_index.shape[1] < len(x):
            # The users of one step have met few of a shop's items.
            met, place = torch.unique(edge_index[1], return_inverse=True)
            x, edge_index = x[met], torch.stack([edge_index[0], place])
        user, item = self.user(x_dict["user"]), self.item(x)
        return edgewise.additive(user.view(-1, *heads), item.view(-1, *heads), self.vector, edge_index)

    def extra_repr(self) -> str:
        """Name the sizes."""
        return f"heads={self.vector.shape[0]}, width={self.vector.shape[1]}"


class ContextAttention(nn.Module):
    """From the edge itself (recency, frequency, rhythm, kinds of event, channel, promotion) by one hidden layer."""

    def __init__(self, edge_width: int, heads: int, width: int) -> None:
        super().__init__()
        self.lift = nn.Linear(edge_width, width)
        self.head = nn.Linear(width, heads, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the hidden layer; its reading starts at zero."""
        nn.init.xavier_uniform_(self.lift.weight)
        nn.init.zeros_(self.lift.bias)
        nn.init.zeros_(self.head.weight)

    def forward(self, x_dict: dict[str, Tensor], edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return logits [N, H]."""
        return self.head(torch.relu(self.lift(edge_attr)))


class SelfAttention(nn.Module):
    """Scaled dot product of item and user, where the user is the mean of the own items: no embedding per user."""

    def __init__(self, items: int, heads: int, width: int) -> None:
        super().__init__()
        self.item = nn.Embedding(items, width)
        self.scale = nn.Parameter(torch.empty(heads, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the embeddings; their scale starts at zero."""
        nn.init.normal_(self.item.weight, std=0.3)
        nn.init.zeros_(self.scale)

    def forward(self, x_dict: dict[str, Tensor], edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return logits [N, H]."""
        key = self.item(edge_index[1])
        query = scatter(key, edge_index[0], dim_size=len(x_dict["user"]), reduce="mean")
        return (key * query[edge_index[0]]) @ self.scale.T / math.sqrt(self.scale.shape[1])

    def extra_repr(self) -> str:
        """Name the sizes."""
        return f"heads={self.scale.shape[0]}, width={self.scale.shape[1]}"


class HistoryAttention(nn.Module):
    """Softmax over each user's history edges of log(base) plus the logits of the chosen kinds."""

    def __init__(self, kinds: dict[str, nn.Module]) -> None:
        super().__init__()
        for name, kind in kinds.items():
            self.add_module(name, kind)
        self.kinds = tuple(kinds)

    def forward(self, x_dict: dict[str, Tensor], edge_index: Tensor, edge_attr: Tensor, base: Tensor) -> Tensor:
        """Return attention [N, H], which sums to 1 over each user's edges, per head."""
        logit = base.log()
        if self.kinds:
            delta = torch.stack([getattr(self, name)(x_dict, edge_index, edge_attr) for name in self.kinds]).sum(dim=0)
            logit = logit + REACH * torch.tanh(delta / REACH)
        return edgewise.softmax(logit, edge_index[0], len(x_dict["user"]))

    def extra_repr(self) -> str:
        """Name the kinds."""
        return f"kinds={'+'.join(self.kinds) or 'uniform'}"
