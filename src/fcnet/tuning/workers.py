"""Several workers on this machine, each a process with its share of the cores.

A library for matrices starts its threads when NumPy loads, so their number is in the environment of a
worker before it begins. A worker's order comes on its standard input, where no list of processes shows a
password; the end of that input tells the worker that its search has ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from fcnet.errors import FcnetError, Terminated
from fcnet.tuning.locks import open_regular

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""What the libraries for matrices, PyTorch's among them, read when they are loaded."""

NOBODY = 0
"""Process number for a trial that began a moment ago, or whose worker was killed in that moment."""

STOP_SECONDS = 60.0
"""For a worker to end its step and write its checkpoint."""


def threads_each(workers: int) -> int:
    """The share of the cores of each of so many workers, at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // workers)


def surroundings(workers: int) -> dict[str, str]:
    """The environment of a worker; a smaller number that is set already stays."""
    share = threads_each(workers)
    wanted = {name: os.environ.get(name, "") for name in THREAD_VARIABLES}
    return os.environ | {
        name: str(min(share, int(value)) if value.isdigit() and int(value) > 0 else share)
        for name, value in wanted.items()
    }


@dataclass
class Processes:
    """The workers of one search.

    command : that starts one
    order : what it is told, plain values
    count : how many
    logs : folder for what they say on standard error
    kept : file descriptor that they inherit, so that they hold the folder of the search too
    """

    command: Sequence[str]
    order: dict[str, Any]
    count: int
    logs: Path
    kept: int | None = None
    running: dict[int, subprocess.Popen[str]] = field(default_factory=dict)

    def start(self) -> None:
        """Start as many as are missing."""
        self.logs.mkdir(parents=True, exist_ok=True)
        for place in range(1, self.count + 1):
            if place not in self.running:
                with os.fdopen(open_regular(self._log(place)), "w") as log:
                    log.truncate(0)
                    self.running[place] = subprocess.Popen(
                        self.command,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.DEVNULL,
                        stderr=log,
                        text=True,
                        env=surroundings(self.count),
                        pass_fds=() if self.kept is None else (self.kept,),
                        start_new_session=True,  # Ctrl-C reaches the search, which stops them
                    )
                self._tell(place)

    def living(self) -> set[int]:
        """The numbers of the processes that run."""
        return {process.pid for process in self.running.values() if process.poll() is None}

    def is_gone(self, process: int) -> bool:
        """Whether a trial's worker is none of those that run; one that has no worker yet may get it."""
        return process not in (NOBODY, *self.living())

    def reap(self) -> int:
        """Forget those that have ended; returns how many of them were killed.

        Raises
        ------
        FcnetError : what a worker said, if it ended with an error
        """
        lost = 0
        for place, process in list(self.running.items()):
            status = process.poll()
            if status is None:
                continue
            del self.running[place]
            if process.stdin:
                process.stdin.close()
            if status > 0:
                raise FcnetError(self._said(place))
            lost += status < 0
        return lost

    def stop(self) -> None:
        """Let each end its step and write a checkpoint; kill those that take too long."""
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        patience = time.monotonic() + STOP_SECONDS
        try:
            for process in self.running.values():
                process.wait(max(patience - time.monotonic(), 0.1))
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            for process in self.running.values():
                process.kill()
                process.wait()
        for process in self.running.values():
            if process.stdin:
                process.stdin.close()
        self.running.clear()

    def _tell(self, place: int) -> None:
        stdin = self.running[place].stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps(self.order) + "\n")
            stdin.flush()
        except BrokenPipeError:  # it ended at once; `reap` says why
            return

    def _log(self, place: int) -> Path:
        return self.logs / f"worker-{place}.log"

    def _said(self, place: int) -> str:
        """The last line of a worker that failed."""
        lines = self._log(place).read_text(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        return (
            last.removeprefix("error: ")
            if last.startswith("error: ")
            else f"a worker failed ({last}), " + (f"see {self._log(place)} and resume with --resume")
        )


def receive(order: TextIO) -> dict[str, Any]:
    """The order of this worker, which from now on stops when its search is gone."""
    received: dict[str, Any] = json.loads(order.readline())

    def watch() -> None:
        order.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    return received


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM stops as Ctrl-C does, a training between two steps; outside the main thread, nothing does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
