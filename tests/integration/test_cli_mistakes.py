"""Mistakes on the command line, and what is not there: each ends with its code and names the place."""

from pathlib import Path
from typing import Any

import pytest

from graph.client import Settings
from tests import command
from tests.command import Run

pytestmark = pytest.mark.integration


def test_a_users_mistake_ends_a_process_without_a_traceback(tmp_path: Path):
    assert "nowhere" in command.alone(tmp_path, "load", "files", "nowhere", code=2)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("load", "files", "nowhere"), "nowhere"),
        (("recommend",), "USER"),
        (("recommend", "nobody"), "nobody"),
        (("recommend", "u0", "--mode", "everything"), "everything"),
        (("recommend", "u0", "-k", "-3"), "-3"),
        (("recommend", "u0", "-k", "0"), "-k is 0"),
        (("recommend", "u0", "-k", "1000000000"), "1000000000"),
        (("recommend", "u0", "--out", "u0.parquet"), "--all"),
        (("recommend", "--all", "--out", "lists.xlsx"), ".csv"),
        (("recommend", "--all"), "--out"),
        (("explain", "nobody", "i1"), "nobody"),
        (("explain", "u0", "nothing"), "nothing"),
        (("train", "--set", "with=8"), "width"),
        (("train", "--set", "width"), "key=value"),
        (("train", "--model", "ials"), "frequency+ease"),
        (("train", "--until", "yesterday"), "yesterday"),
        (("train", "--until", "1971-02-03"), "no event before 1971-02-03"),
        (("train", "--set", "target=perchase"), "it holds purchase"),
        (("evaluate", "--models", "popularity", "--set", "target=perchase"), "'perchase'"),
        (("tune", "shop", "--models", "popularity", "--out", "x.toml", "--set", "target=perchase"), "'perchase'"),
        (("train", "--device", "abacus"), "abacus"),
        (("train", "--config", "nowhere.toml"), "nowhere.toml"),
        (("train", "--resume", "--warm"), "--resume"),
        (("train", "--resume"), "interrupted"),
        (("promote", "yesterdays"), "yesterdays"),
        (("compress", "yesterdays"), "yesterdays"),
        (("evaluate", "--models", "crystal-ball"), "crystal-ball"),
        (("evaluate", "--tuned", "crystal-ball"), "crystal-ball"),
        (("evaluate", "--seeds", "many"), "many"),
        (("evaluate", "--truth", "nowhere.csv"), "nowhere.csv"),
        (("evaluate", "--apart"), "--truth"),
        (("tune", "shop", "--models", "attune", "--out", "x.toml"), "attune"),
        (("fly",), "fly"),
    ],
)
def test_wrong_use_ends_with_2_and_names_the_place(
    attune: Run, trained: dict[str, Any], arguments: tuple[str, ...], named: str
):
    assert trained
    assert named in attune(*arguments, code=2).stderr


@pytest.mark.parametrize("arguments", [("train",), ("recommend", "u0"), ("explain", "u0", "i1"), ("evaluate",)])
def test_a_database_that_is_down_ends_with_1_and_a_remedy(attune: Run, arguments: tuple[str, ...]):
    done = attune(*arguments, code=1, NEO4J_URI="bolt://127.0.0.1:9", NEO4J_PASSWORD="x")  # nobody listens there
    assert "127.0.0.1:9" in done.stderr


def test_serve_says_when_the_port_is_taken(attune: Run, trained: dict[str, Any]):
    import socket

    assert trained
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        told = attune("serve", "--port", port, code=1).stderr
        assert port in told
        assert "Page" not in told  # no address of what is not served


def test_before_any_training_the_remedy_is_named(attune: Run, loaded: dict[str, Any], tmp_path: Path, neo4j: Settings):
    assert loaded
    done = attune(
        "recommend",
        "u0",
        code=2,
        ATTUNE_HOME=str(tmp_path),
        NEO4J_URI=neo4j.uri,
        NEO4J_USER=neo4j.user,
        NEO4J_PASSWORD=neo4j.password,
    )
    assert "attune train" in done.stderr
