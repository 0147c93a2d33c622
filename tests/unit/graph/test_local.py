"""Whose port it is: a server that lost its port to another program must not be taken for the one that has it."""

import os
import socket
import subprocess
import sys
import time

from graph import local


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
