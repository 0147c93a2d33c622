"""The network in torch: equal to the numpy scorer, attention that sums to one, no fixed device."""

import numpy as np
import pytest
import torch

from gnn import artefact, hetero_data, scorer, weights
from gnn.attention import ContentAttention
from gnn.config import Config
from gnn.held_out import Cut
from gnn.history import make_scheme
from gnn.loss import NextPeriodLoss
from gnn.model import Network, Tables
from gnn.moment import Moment, make
from gnn.pairs import Block, block
from graph.snapshot import Snapshot
from tests import snapshots
from tests.unit.gnn.support import history_of

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return snapshots.of_shop()


def moment_of(snapshot: Snapshot, config: Config) -> Moment:
    return make(snapshot, config, make_scheme(snapshot, heads=config.heads, timed=config.time))


def stirred(config: Config, moment: Moment) -> weights.Weights:
    """First weights with noise on all of them, so that no part of the network is silent."""
    rng = np.random.default_rng(5)
    first = weights.initial(config, moment.scheme, moment.state)
    return {name: value + rng.normal(0, 0.2, value.shape).astype(np.float32) for name, value in first.items()}


def everything(moment: Moment, users: np.ndarray) -> Block:
    labels = Cut(0, moment.snapshot.at).wanted(moment.snapshot, "")
    return block(moment, users, None, labels)


CONFIGS = (
    Config(),
    Config(attention="content+context+self"),
    Config(attention="uniform"),
    Config(semantic_width=0),
    Config(attention="content"),
    Config(attention="context"),
    Config(attention="self"),
    Config(fusion="sum", heads=1),
    Config(fusion="concat"),
    Config(purchase_power=False),
    Config(own_history=False),
    Config(item_edges=False),
    Config(categories=False, brands=False),
    Config(time=False),
)


@pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda c: str({k: v for k, v in c.as_dict().items() if v != Config().as_dict()[k]})
)
def test_numpy_and_torch_give_the_same_scores(snapshot: Snapshot, config: Config):
    moment = moment_of(snapshot, config)
    given = stirred(config, moment)
    made = artefact.build(snapshot, config, moment.scheme, moment.state, given, trained=True)
    users = np.array([0, 1, 2, 17, 59])
    network = Network(config, made.shape)
    network.load_weights(given)
    tables = Tables.of(hetero_data.build(moment), CPU)
    with torch.no_grad():
        ours = network(tables, everything(moment, users)).numpy().reshape(len(users), -1)
    for row, user in enumerate(users):
        attributes: dict[str, str | float] = {
            name: attribute.levels[int(attribute.values[user])] if attribute.levels else float(attribute.values[user])
            for name, attribute in snapshot.attributes.items()
        }
        sent = scorer.messages(made, history_of(snapshot, int(user)).columns(), snapshot.at, attributes)
        theirs = scorer.scores(made, sent, moment.state.candidates)
        assert np.abs(ours[row] - theirs).max() < 1e-5 * max(1.0, np.abs(theirs).max())


def test_content_attention_learns_the_same_however_many_items_were_not_met():
    torch.manual_seed(3)
    layer = ContentAttention(user_width=3, item_width=4, heads=2, width=5)
    torch.nn.init.normal_(layer.vector)
    user, met, others = torch.randn(2, 3), torch.randn(6, 4), torch.randn(50, 4)
    edges = torch.tensor([[0, 0, 0, 1, 1, 1, 1], [5, 0, 2, 3, 1, 5, 0]])
    found: list[list[torch.Tensor]] = []
    for x, shift in ((met, 0), (torch.cat([others, met]), len(others))):
        layer.zero_grad()
        logit = layer({"user": user, "item": x}, edges + torch.tensor([[0], [shift]]), torch.empty(7, 0))
        (logit * torch.arange(14).view(7, 2)).sum().backward()
        found.append([logit.detach(), *(part.grad for part in layer.parameters() if part.grad is not None)])
    assert len(found[0]) == 5
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
    # Only what was met is projected.
    shapes: list[torch.Size] = []
    layer.item.register_forward_pre_hook(lambda _, given: shapes.append(given[0].shape))
    layer({"user": user, "item": torch.cat([others, met])}, edges + torch.tensor([[0], [50]]), torch.empty(7, 0))
    assert shapes == [(5, 4)]


@pytest.mark.parametrize("attention", ["uniform", "content", "context", "self", "content+context+self"])
def test_attention_sums_to_one_for_every_user_and_head(snapshot: Snapshot, attention: str):
    config = Config(attention=attention)
    moment = moment_of(snapshot, config)
    network = Network(config, weights.shape_of(config, moment.scheme, moment.state))
    network.load_weights(stirred(config, moment))
    data = hetero_data.build(moment)
    history = data[hetero_data.HISTORY]
    with torch.no_grad():
        found = network.attention(data.x_dict, history.edge_index, history.edge_attr, history.base)
        messages = network.messages(data)
    total = torch.zeros(len(snapshot.user_ids), config.heads).index_add(0, history.edge_index[0], found)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-5)
    # What flows is as much as the plain history holds: attention moves it between items, and adds nothing.
    sizes = [
        torch.zeros(len(total), config.heads).index_add(0, history.edge_index[0], x) for x in (messages, history.base)
    ]
    assert torch.allclose(*sizes, rtol=1e-4)


def test_uniform_attention_follows_the_plain_history(snapshot: Snapshot):
    config = Config(attention="uniform")
    moment = moment_of(snapshot, config)
    network = Network(config, weights.shape_of(config, moment.scheme, moment.state))
    data = hetero_data.build(moment)
    assert torch.allclose(network.messages(data), data[hetero_data.HISTORY].base, rtol=1e-4)


@pytest.mark.parametrize("loss", ["bce", "softmax", "mix"])
@pytest.mark.parametrize("fusion", ["sum", "bilinear", "concat"])
def test_every_weight_that_scores_depend_on_gets_a_gradient(snapshot: Snapshot, fusion: str, loss: str):
    config = Config(fusion=fusion, loss=loss)
    moment = moment_of(snapshots.cut(snapshot, 0.5), config)
    network = Network(config, weights.shape_of(config, moment.scheme, moment.state))
    network.load_weights(stirred(config, moment))
    labels = Cut(moment.snapshot.at, snapshot.at).wanted(snapshot, "")
    users = np.arange(0, 60, 2)
    part = block(moment, users, None, labels)
    NextPeriodLoss(config)(network(Tables.of(hetero_data.build(moment), CPU), part), part).backward()
    for name, parameter in network.named_parameters():
        if fusion != "concat" or name != "fusion.price":  # concatenation reads the prices from p itself
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.abs().sum() > 0, name


def test_the_gradient_of_paths_is_that_of_the_dense_product(snapshot: Snapshot):
    moment = moment_of(snapshot, Config())
    paths = everything(moment, np.array([0, 1])).paths[0]
    dense = torch.from_numpy(paths.matrix.T.toarray()).double()
    message = torch.randn(dense.shape[1], 3, dtype=torch.float32, requires_grad=True)
    weight = torch.randn(dense.shape[0], 3)
    arrived = paths @ message
    (arrived * weight).sum().backward()
    assert torch.allclose(arrived.double(), dense @ message.double(), atol=1e-4)
    assert message.grad is not None
    assert torch.allclose(message.grad.double(), dense.T @ weight.double(), atol=1e-4)


def test_model_and_loss_are_built_on_the_meta_device(snapshot: Snapshot):
    config = Config()
    moment = moment_of(snapshot, config)
    with torch.device("meta"):
        network = Network(config, weights.shape_of(config, moment.scheme, moment.state))
        loss = NextPeriodLoss(config)
    assert {parameter.device.type for parameter in (*network.parameters(), *loss.parameters())} == {"meta"}


def test_weights_have_the_names_and_shapes_that_serving_reads(snapshot: Snapshot):
    for config in CONFIGS:
        moment = moment_of(snapshot, config)
        shape = weights.shape_of(config, moment.scheme, moment.state)
        first = weights.initial(config, moment.scheme, moment.state)
        theirs = Network(config, shape).to_weights()
        assert {name: value.shape for name, value in theirs.items()} == {
            name: value.shape for name, value in first.items()
        }


def test_reset_parameters_draws_everything_anew(snapshot: Snapshot):
    config = Config(attention="content+context+self")
    moment = moment_of(snapshot, config)
    network = Network(config, weights.shape_of(config, moment.scheme, moment.state))
    network.load_weights(stirred(config, moment))
    network.reset_parameters()
    assert float(network.attention.get_submodule("content").get_parameter("vector").detach().abs().sum()) == 0.0
    assert float(network.fusion.gates.detach().abs().sum()) == 0.0


# Where there is no CUDA the CPU is held to itself, and the marked case does not exist.
DEVICES = ["cpu", *([pytest.param("cuda", marks=pytest.mark.gpu)] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
def test_every_device_scores_as_the_cpu_does(snapshot: Snapshot, device: str):
    config = Config(heads=2)
    moment = moment_of(snapshot, config)
    network = Network(config, weights.shape_of(config, moment.scheme, moment.state))
    network.load_weights(stirred(config, moment))
    part = everything(moment, np.array([0, 1, 2]))
    data = hetero_data.build(moment)
    with torch.no_grad():
        here = network(Tables.of(data, CPU), part)
        other = torch.device(device)
        there = network.to(other)(Tables.of(data, other), part.to(other)).cpu()
    assert torch.allclose(here, there, atol=1e-4)
