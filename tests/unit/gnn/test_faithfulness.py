"""Explanations held against others: masks on the network, edges really taken out, figures and the report."""

from pathlib import Path

import numpy as np
import orjson
import pytest
import torch
from torch import nn
from torch_geometric.explain.algorithm.utils import clear_masks, set_masks

from gnn import explain, scorer, train, untrained
from gnn.artefact import Artefact
from gnn.config import Config
from gnn.evaluation import explainers, faith_report, faithfulness, pyg_explainers
from gnn.evaluation.explainers import Question
from gnn.evaluation.faith_table import MEASURES, Faith
from gnn.explain import Kind
from gnn.filters import Mode
from gnn.output import Users
from gnn.progress import Silent
from graph.snapshot import Snapshot
from tests import snapshots as shop_snapshots

SMALL = Config(epochs=1, min_buyers=1)
RIVALS = {"random paths", "popular paths", "attention", "saliency", "gradient x input", "GNNExplainer"}


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return shop_snapshots.of_shop()


@pytest.fixture(scope="module")
def artefact(snapshot: Snapshot) -> Artefact:
    return train.train(snapshot, SMALL, device="cpu").artefact


@pytest.fixture(scope="module")
def question(artefact: Artefact, snapshot: Snapshot) -> Question:
    users = Users(artefact, snapshot)
    return Question(artefact, users.history(3), artefact.state.candidates[:4], snapshot.at, users.attributes(3))


@pytest.fixture(scope="module")
def faith(artefact: Artefact, snapshot: Snapshot) -> Faith:
    return faithfulness.measure(artefact, snapshot, faithfulness.Sample(users=4, items=2, steps=20), Silent())


def _scored(question: Question) -> np.ndarray:
    sent = scorer.messages(question.artefact, question.history.columns(), question.now, question.attributes)
    return scorer.scores(question.artefact, sent, question.items)


def test_with_masks_of_one_the_adapted_network_gives_the_served_scores(question: Question, snapshot: Snapshot):
    model = pyg_explainers.masked(question.artefact, snapshot)
    ends = torch.arange(len(question.edges)).repeat(2, 1)
    found = []
    for item in question.items:
        block = pyg_explainers.laid_out(question, int(item), snapshot)
        found.append(float(model(torch.ones(len(question.edges), 1), ends, block=block)))
    np.testing.assert_allclose(found, _scored(question), atol=1e-4)


def test_saliency_is_what_the_score_changes_by_when_one_mask_moves(question: Question, snapshot: Snapshot):
    model = pyg_explainers.masked(question.artefact, snapshot)
    signed = pyg_explainers.Rival(model, snapshot, pyg_explainers.Saliency(signed=True))(question)[0]
    block = pyg_explainers.laid_out(question, int(question.items[0]), snapshot)
    edges, step = len(question.edges), 1e-2
    ends = torch.arange(edges).repeat(2, 1)
    edge = int(np.argmax(np.abs(signed)))
    score: list[float] = []
    for change in (-step, step):
        mask = torch.ones(edges)
        mask[edge] += change
        set_masks(model, nn.Parameter(mask), ends, apply_sigmoid=False)
        score.append(float(model(torch.ones(edges, 1), ends, block=block).detach()))
        clear_masks(model)
    assert (score[1] - score[0]) / (2 * step) == pytest.approx(signed[edge], rel=0.02, abs=1e-3)


def test_our_edges_carry_all_that_leads_through_the_history(question: Question):
    found = explainers.attune(question)
    told = explain.explain_many(
        question.artefact,
        question.history,
        question.items.tolist(),
        now=question.now,
        attributes=question.attributes,
    )
    through = (Kind.OWN_HISTORY, Kind.ITEM, Kind.CATEGORY, Kind.BRAND)
    own = [
        sum(part.value for part in explained.contributions if part.kind in through)
        if item in question.edges
        else sum(part.value for part in explained.contributions if part.kind in through[1:])
        for item, explained in zip(question.items, told, strict=True)
    ]
    np.testing.assert_allclose(found.sum(axis=1), own, atol=1e-9)


def test_taking_edges_out_scores_like_a_user_who_never_had_them(question: Question):
    kept = question.history.item != question.edges[0]
    again = faithfulness.Again(question, Mode.ALL)
    without = Question(
        question.artefact,
        faithfulness.part_of(question.history, kept),
        question.items,
        question.now,
        question.attributes,
    )
    np.testing.assert_allclose(again.scored(kept)[0], _scored(without), rtol=1e-12)
    whole, place = again.scored(np.ones(len(kept), np.bool_))
    np.testing.assert_allclose(whole, _scored(question))
    assert not np.allclose(whole, again.scored(kept)[0])
    assert ((place > 0) & (place <= 1)).all()


def test_every_explainer_is_measured_on_both_lists_and_ours_is_exact(faith: Faith):
    assert {(row.explainer, row.list) for row in faith.rows} == {
        (name, kind) for name in (*RIVALS, "attune") for kind in ("all", "discover")
    }
    assert faith.largest_error < 1e-9
    for row in faith.rows:
        assert set(row.measures) == set(MEASURES)
        assert np.isfinite(list(row.measures.values())).all()
        assert (row.against == {}) == (row.explainer == "attune")
        assert row.measures["comprehensiveness"] == pytest.approx(np.mean(row.lost))


def test_cited_edges_matter_more_than_random_ones_and_cost_little(faith: Faith):
    rows = {row.explainer: row for row in faith.rows if row.list == "discover"}
    ours = rows["attune"]
    assert ours.measures["comprehensiveness"] > rows["random paths"].measures["comprehensiveness"]
    assert ours.measures["sufficiency"] < rows["random paths"].measures["sufficiency"]
    assert rows["popular paths"].measures["stability"] > rows["random paths"].measures["stability"]
    assert rows["GNNExplainer"].cost == 1.0
    assert ours.cost < 0.1


def test_the_same_seed_finds_the_same(artefact: Artefact, snapshot: Snapshot):
    one, other = (
        faithfulness.measure(artefact, snapshot, faithfulness.Sample(users=2, items=1, steps=3), Silent())
        for _ in range(2)
    )
    assert [row.measures for row in one.rows] == [row.measures for row in other.rows]


def test_a_shop_with_an_untrained_model_is_measured_too(snapshot: Snapshot):
    made = untrained.build(snapshot, SMALL)
    found = faithfulness.measure(made, snapshot, faithfulness.Sample(users=2, items=1, steps=3), Silent())
    assert found.pairs == 4


def test_the_report_holds_every_figure_and_fetches_nothing(faith: Faith, tmp_path: Path):
    faith_report.write_report(faith, tmp_path)
    data = orjson.loads((tmp_path / "explanations.json").read_bytes())
    assert len(data["rows"]) == len(faith.rows)
    text = (tmp_path / "explanations.html").read_text(encoding="utf-8")
    for name in (*RIVALS, "attune"):
        assert name in text
    assert text.count("<svg") == 3
    assert "src=" not in text
    assert "<link" not in text
    assert "<script" not in text
