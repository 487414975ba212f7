"""A submission: its copy, its process, and the calls to it."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from fcnet.judge.child.codec import pack
from fcnet.judge.isolation.limits import Limits
from fcnet.judge.isolation.protections import Isolation, checked
from fcnet.judge.isolation.reply import Failure, Reply, failure_of
from fcnet.judge.isolation.scratch import scratch_copy
from fcnet.judge.isolation.surroundings import CHILD, allowed_paths, environment, packages, python
from fcnet.judge.isolation.worker import Stopped, Worker


class Submission:
    """A student's file or folder, in a process of its own; a context manager.

    Parameters
    ----------
    path : of the file or folder; it is copied and never written to
    limits : what it may use
    isolation : "auto" holds what the system can hold, "require" refuses to run with less than all of it,
        "none" asks for a process with limits alone

    Attributes
    ----------
    held : names of `PROTECTIONS` that the process has, known once it has started
    """

    def __init__(self, path: Path, limits: Limits | None = None, isolation: Isolation = "auto") -> None:
        self.path, self.limits, self.isolation = Path(path), limits or Limits(), isolation
        self.held: tuple[str, ...] = ()
        self._open = ExitStack()
        self._worker: Worker | None = None
        self._used, self._starts = 0.0, 0

    def __enter__(self) -> Submission:
        self.scratch, self.copy = self._open.enter_context(scratch_copy(self.path))
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._open.close()

    def call(self, operation: str, /, **arguments: Any) -> Reply:
        """Ask the submission's process for an operation; see `fcnet.judge.isolation`."""
        start = time.monotonic()
        left = self.limits.total_seconds - self._used
        if left <= 0:
            return Reply(failure=Failure("time", message="the time for all calls is used up"))
        if self._worker is None and self._starts > self.limits.restarts:
            return Reply(failure=Failure("died", message="its process ended too often"))
        worker = self._worker or self._start()
        nonce = secrets.token_hex(16)
        frame = pack({"operation": operation, "arguments": arguments, "nonce": nonce})
        value, failure = None, None
        try:
            value, failure = _opened(worker.exchange(frame, min(left, self.limits.call_seconds)), nonce)
        except Stopped as stopped:
            failure = stopped.failure
            self._stop()
        seconds = time.monotonic() - start
        self._used += seconds
        return Reply(value, failure, worker.printed(), seconds)

    def _start(self) -> Worker:
        """Start a process; the copy in the scratch folder is as the one before has left it."""
        self._starts += 1
        setup = {
            "folder": str(self.scratch / "code"),
            "submission": str(self.copy),
            "packages": packages(),
            "judge": os.getpid(),
            "limits": self.limits.resources(),
            "sandbox": self.isolation != "none",
            **allowed_paths(self.scratch),
        }
        command = [*python(), str(CHILD / "main.py")]
        worker = Worker(command, environment(self.scratch), setup, self.scratch, self.limits)
        try:
            self.held = checked(worker.held, self.isolation)
        except BaseException:
            worker.close()
            raise
        self._worker = worker
        return worker

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def _opened(told: Any, nonce: str) -> tuple[Any, Failure | None]:
    """The value and the failure of a reply.

    Raises
    ------
    Stopped : it is no reply to the request with this nonce
    """
    if not isinstance(told, dict) or told.get("nonce") != nonce:
        raise Stopped(Failure("protocol", message="a reply that belongs to no request"))
    if "failure" not in told:
        return told.get("value"), None
    failure = failure_of(told["failure"])
    if failure.kind == "protocol":
        raise Stopped(failure)
    return None, failure
