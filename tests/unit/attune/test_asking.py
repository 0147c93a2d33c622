"""What cannot be taken back is asked about, at a real terminal."""

import os
import pty
import subprocess
import sys

import pytest

ASK = "from attune import console; console.ask('do it', 'Do it?', 'nothing was done', yes={yes}); print('done')"


def asked(answer: bytes | None, *, yes: bool = False) -> tuple[int, str, str]:
    """Run the question with somebody at a terminal who answers; None: with no terminal."""
    leader, follower = pty.openpty()
    try:
        os.write(leader, answer or b"")
        done = subprocess.run(
            [sys.executable, "-c", ASK.format(yes=yes)],
            stdin=subprocess.DEVNULL if answer is None else follower,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(leader)
        os.close(follower)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1)])
def test_who_sits_at_a_terminal_is_asked(answer: bytes, code: int):
    ended, out, err = asked(answer)
    assert ended == code
    assert "Do it?" in err
    assert (out.strip() == "done") == (code == 0)
    assert ("nothing was done" in err) == (code == 1)


def test_without_a_terminal_only_yes_goes_on():
    ended, out, err = asked(None)
    assert (ended, out) == (2, "")
    assert "this would do it" in err
    assert asked(None, yes=True)[:2] == (0, "done\n")
