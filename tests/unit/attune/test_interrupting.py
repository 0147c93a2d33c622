"""Ctrl-C at the command line: a line that says what is left and how to go on, never silence and never a traceback."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from attune import training
from gnn.checkpoint import About, Checkpoints
from gnn.config import Config
from tests import command


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("status",), "interrupted; nothing is lost"), (("train",), "No other model is served")],
)
def test_ctrl_c_while_the_database_is_waited_for_is_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        silent.settimeout(120)
        port = silent.getsockname()[1]
        where = {"ATTUNE_HOME": str(tmp_path), "NEO4J_URI": f"bolt://127.0.0.1:{port}", "NEO4J_PASSWORD": "x"}
        process = subprocess.Popen(
            [*command.PROGRAM, *arguments],
            env=os.environ | where,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        asked, _ = silent.accept()
        with asked:
            asked.recv(4)  # it is in the driver now, which waits for an answer
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=120)
    assert process.returncode == 1
    assert said in told
    assert "Traceback" not in told


def test_what_is_left_of_a_training_is_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    assert "--resume" not in training._left()
    Checkpoints(tmp_path / "checkpoint").begin(About("snapshot", 0, Config().as_dict(), "cpu"))
    assert "attune train --resume" in training._left()
