"""What attention computes per edge from both its ends: no tensor of edges x width is ever held.

Stock layers gather [E, H * D] for every step of the formula and keep it for the way back. On the CPU compiled loops
read both ends of an edge, forward and once more on the way back (`gnn.edgewise_cpu`); other devices gather a piece of
the edges at a time (`gnn.edgewise_torch`). Edges are sorted by user.
"""

from types import ModuleType

from jaxtyping import Float, Int
from torch import Tensor

from gnn import edgewise_cpu, edgewise_torch
from gnn.bipartite import Bipartite


def additive(
    user: Float[Tensor, "U H D"],
    item: Float[Tensor, "I H D"],
    vector: Float[Tensor, "H D"],
    edge_index: Int[Tensor, "2 E"],
    slope: float = 0.2,
) -> Float[Tensor, "E H"]:
    """Return a . LeakyReLU(user + item) of every edge: the logits of GATv2 (Brody et al., ICLR 2022).

    Raises `ValueError` on the CPU when edges are not sorted by user.
    """
    return _tensor(_room(user).additive(user.float(), item.float(), vector.float(), edge_index, slope))


def dot(
    user: Float[Tensor, "U H D"], item: Float[Tensor, "I H D"], edge_index: Int[Tensor, "2 E"]
) -> Float[Tensor, "E H"]:
    """Return user . item of every edge, per head: a sampled dense-dense product. Raises as `additive`."""
    return _tensor(_room(user).dot(user.float(), item.float(), edge_index))


def gather(weight: Float[Tensor, "E H"], item: Float[Tensor, "I H D"], edges: Bipartite) -> Float[Tensor, "U H D"]:
    """Return what arrives at the users: the sum over their edges of weight times the item's value."""
    return _tensor(_room(item).gather(weight.float(), item.float(), edges))


def softmax(logit: Float[Tensor, "E H"], user: Int[Tensor, "E"], users: int) -> Float[Tensor, "E H"]:
    """Return the softmax over each user's edges, per head. Raises as `additive`."""
    return _tensor(_room(logit).softmax(logit.float(), user, users))


def _room(value: Tensor) -> ModuleType:
    return edgewise_cpu if value.device.type == "cpu" else edgewise_torch


def _tensor(found: object) -> Tensor:
    assert isinstance(found, Tensor)  # noqa: S101 - for the type checker: apply is untyped
    return found
