"""Whose port it is: a server that lost its port to another program must not be taken for the one that has it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graph import local, process
from graph.errors import ServerFailed


def test_only_the_process_that_holds_a_port_listens_there() -> None:
    with socket.socket() as held, subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        held.bind(("127.0.0.1", 0))
        port = int(held.getsockname()[1])
        ours, theirs = (local.Record(pid, time.time(), port, port) for pid in (os.getpid(), other.pid))
        assert not local.listens(ours, port)
        held.listen()
        assert local.listens(ours, port)
        assert not local.listens(theirs, port)
        other.communicate()
    assert not local.listens(theirs, port)


def test_a_start_takes_the_ports_of_the_last_one_where_they_are_free(tmp_path: Path) -> None:
    said: list[str] = []
    with socket.socket() as held, socket.socket() as other:
        for one in (held, other):
            one.bind(("127.0.0.1", 0))
        taken, before = (int(one.getsockname()[1]) for one in (held, other))
        held.listen()
        other.close()
        process.configure(tmp_path, 512, before, taken)
        assert local.configured_ports(tmp_path) == (before, taken)
        assert process._port(taken, before, said.append) == before
        assert said == [f"Using port {before}, as before"]
        assert process._port(before, taken, said.append) == before  # taken since: the usual one
        assert process._port(before, before, said.append) == before
        assert len(said) == 1


def test_a_server_whose_password_is_lost_says_which_file_to_put_back(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="password is missing") as lost:
        local.settings(tmp_path, local.Record(os.getpid(), time.time(), 1, 2))
    assert str(local.password_file(tmp_path)) in str(lost.value)
