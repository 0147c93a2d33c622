"""Several processes behind one address: each answers on its own, all map the same artefact from the page cache."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

log = logging.getLogger("attune.api")

# A worker that dies at once would otherwise be started anew all the time.
_PAUSE_S = 1.0


class Workers:
    """Starts workers, starts them anew when they die, and stops them all when it is told to."""

    def __init__(self, n: int, work: Callable[[int], None]) -> None:
        """`work` runs in each of `n` processes until SIGTERM; nothing may have started a thread before.

        It is given the worker's place, 0 to `n` - 1, which that of one that died passes to the one that replaces it.
        """
        self._n = n
        self._work = work
        self._running: dict[int, tuple[int, float]] = {}
        """Process -> its place, and when it began."""
        self._stopping = False

    def run(self) -> None:
        """Return when all have stopped after SIGINT or SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        for place in range(self._n):
            if not self._stopping:
                self._start(place)
        while self._running:
            try:
                pid, status = os.wait()
            except InterruptedError:
                continue
            known = self._running.pop(pid, None)
            if known is None or self._stopping:
                continue
            place, begun = known
            log.error("worker died", extra={"worker": pid, "status": status})
            time.sleep(max(0.0, begun + _PAUSE_S - time.monotonic()))
            if not self._stopping:
                self._start(place)

    def _start(self, place: int) -> None:
        pid = os.fork()
        if pid:
            self._running[pid] = place, time.monotonic()
            if self._stopping:  # the signal came between the two
                os.kill(pid, signal.SIGTERM)
            return
        code = 1
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            self._work(place)
            code = 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        for pid in self._running:
            os.kill(pid, signal.SIGTERM)
