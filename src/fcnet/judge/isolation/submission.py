"""A submission: its copy, its process, and the calls to it."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from fcnet.judge.child.codec import pack
from fcnet.judge.isolation import bubblewrap
from fcnet.judge.isolation.limits import Limits
from fcnet.judge.isolation.protections import Isolation, checked
from fcnet.judge.isolation.reply import Failure, Reply, failure_of, formed
from fcnet.judge.isolation.scratch import scratch_copy
from fcnet.judge.isolation.surroundings import CHILD, allowed_paths, environment, packages, python
from fcnet.judge.isolation.worker import Stopped, Worker


class Submission:
    """A student's file, in a process of its own; a context manager.

    Parameters
    ----------
    path : of the file; it is copied, with the `.py` files beside it, and never written to
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
        self._scratch = ExitStack()
        self._worker: Worker | None = None
        self._used, self._starts = 0.0, 0

    def __enter__(self) -> Submission:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

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
            told = worker.exchange(frame, min(left, self.limits.call_seconds))
            value, failure = _opened(told, operation, nonce)
        except Stopped as stopped:
            failure = stopped.failure
            self._stop()
        self._used += time.monotonic() - start
        return Reply(value, failure, worker.printed())

    def _start(self) -> Worker:
        """Start a process in a scratch folder of its own, with a fresh copy of the submission."""
        self._starts += 1
        scratch, copy = self._scratch.enter_context(scratch_copy(self.path))
        sandbox = self.isolation != "none"
        bwrap = bubblewrap.program() if sandbox else None
        paths = allowed_paths(scratch)
        setup = {
            "folder": str(scratch / "code"),
            "submission": str(copy),
            "packages": packages(),
            "judge": os.getpid() if bwrap is None else 0,
            "limits": self.limits.resources(),
            "sandbox": sandbox,
            **paths,
        }
        command = [*python(), str(CHILD / "main.py")]
        if bwrap is not None:
            command = bubblewrap.wrapped(bwrap, command, paths)
        try:
            self._worker = Worker(command, environment(scratch), setup, scratch, self.limits)
            held = (*self._worker.held, *(bubblewrap.HOLDS if bwrap is not None else ()))
            self.held = checked(held, self.isolation)
        except BaseException:
            self._stop()
            raise
        return self._worker

    def _stop(self) -> None:
        """End the process, and remove its folder."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        self._scratch.close()


def what_is_held(isolation: Isolation) -> tuple[str, ...]:
    """The protections that a submission's process has here, asked of one that has nothing to do.

    Raises
    ------
    FcnetError : less than `isolation` requires, or the process does not start
    """
    with tempfile.TemporaryDirectory() as folder:
        nothing = Path(folder, "nothing.py")
        nothing.touch()
        with Submission(nothing, isolation=isolation) as submission:
            return submission.held


def _opened(told: Any, operation: str, nonce: str) -> tuple[Any, Failure | None]:
    """The value and the failure of a reply.

    Raises
    ------
    Stopped : it is not a reply to the request with this nonce, or of no known form
    """
    if not isinstance(told, dict) or told.get("nonce") != nonce:
        raise Stopped(Failure("protocol", message="a reply that belongs to no request"))
    if "failure" not in told:
        try:
            return formed(operation, told.get("value")), None
        except msgspec.ValidationError:
            raise Stopped(Failure("protocol", message="an answer of no known form")) from None
    failure = failure_of(told["failure"])
    if failure.kind == "protocol":
        raise Stopped(failure)
    return None, failure
