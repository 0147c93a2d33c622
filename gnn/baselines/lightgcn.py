"""LightGCN (He et al., SIGIR 2020): PyG's model on the graph of users and items, whole graph per step."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float64, Int64
from torch import Tensor
from torch_geometric.nn.models import LightGCN

from gnn.baselines.base import Past, Range, Space
from gnn.baselines.drawing import Bought
from gnn.determinism import deterministic

_BATCH = 65_536


@dataclass(eq=False)
class LightGcn:
    """Embeddings smoothed over the graph, trained by BPR."""

    width: int = 64
    layers: int = 2
    learning_rate: float = 0.05
    regularisation: float = 1e-5
    steps: int = 60
    """Each a pass of messages over the whole graph, and 65,536 sampled triples."""
    seed: int = 0

    SPACE: ClassVar[Space] = {
        "width": Range(16, 64, log=True, whole=True),
        "layers": Range(1, 3, whole=True),
        "learning_rate": Range(0.01, 0.3, log=True),
        "regularisation": Range(1e-7, 1e-3, log=True),
        "steps": Range(20, 80, log=True, whole=True),
    }

    @deterministic()
    def fit(self, past: Past) -> None:
        """Train; without a purchase every score is zero."""
        torch.manual_seed(self.seed)
        rng = np.random.default_rng(self.seed)
        U, P = past.users, len(past.candidates)
        bought = Bought.of(past)
        self._user, self._item = torch.zeros(U, 1), torch.zeros(P, 1)
        if not len(bought):
            return
        graph = _adjacency(bought, U)
        model = LightGCN(U + P, self.width, self.layers, normalize=False)
        optimiser = torch.optim.Adam(model.parameters(), self.learning_rate)
        for _ in range(self.steps):
            user, better, worse = bought.triples(min(_BATCH, 4 * len(bought)), rng)
            optimiser.zero_grad(set_to_none=True)
            found = model.get_embedding(graph)
            of_user = found[user]
            loss = model.recommendation_loss(
                (of_user * found[U + better]).sum(dim=1),
                (of_user * found[U + worse]).sum(dim=1),
                node_id=torch.cat([user, U + better, U + worse]),
                lambda_reg=self.regularisation,
            )
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            self._user, self._item = model.get_embedding(graph).split([U, P])

    @torch.no_grad()
    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return the products of the embeddings."""
        return (self._user[torch.from_numpy(users)] @ self._item.T).double().numpy()


def _adjacency(bought: Bought, U: int) -> Tensor:
    """Return the symmetric graph of users and items with its symmetric normalisation, once instead of at each step."""
    n = U + bought.candidates
    half = sp.csr_matrix((np.ones(len(bought), np.float32), (bought.user, U + bought.position)), shape=(n, n))
    whole = sp.csr_matrix(half + half.T)
    scale = 1 / np.sqrt(np.maximum(np.asarray(whole.sum(axis=1)).ravel(), 1))
    whole = sp.csr_matrix(sp.diags_array(scale) @ whole @ sp.diags_array(scale))
    with warnings.catch_warnings():
        # torch announces once a process that CSR is in beta.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta", category=UserWarning)
        return torch.sparse_csr_tensor(
            torch.from_numpy(whole.indptr.astype(np.int64)),
            torch.from_numpy(whole.indices.astype(np.int64)),
            torch.from_numpy(whole.data.astype(np.float32)),
            size=(n, n),
            check_invariants=False,
        )
