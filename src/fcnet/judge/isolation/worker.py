"""One process of a submission, and the pipes to it."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fcnet.errors import FcnetError
from fcnet.judge.child.codec import CodecError, read_frame, unpack
from fcnet.judge.isolation.limits import Limits
from fcnet.judge.isolation.output import Output
from fcnet.judge.isolation.processes import MARK, started_by, threads_of
from fcnet.judge.isolation.reply import Failure
from fcnet.judge.isolation.scratch import usage

WATCH_SECONDS = 0.1
"""How often the limits that no system call enforces are looked at."""


class Stopped(Exception):
    """The process is gone, or has to go; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Worker:
    """A process that answers one request at a time.

    Parameters
    ----------
    command : that starts `main.py`
    environment : of the process, nothing else is inherited
    setup : what `main.py` is told first
    scratch : its folder
    limits : its limits

    Raises
    ------
    FcnetError : the process did not start
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        setup: Mapping[str, Any],
        scratch: Path,
        limits: Limits,
    ) -> None:
        self.scratch, self.limits = scratch, limits
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                cwd=scratch,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise FcnetError(
                f"cannot start {command[0]}: {error.strerror or error}, check the installation"
            ) from error
        self._mark = f"{MARK}={environment[MARK]}".encode()
        assert self.process.stderr is not None
        self._output = Output(self.process.stderr.fileno())
        self.held: tuple[str, ...] = ()
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[bytearray | BaseException | None] = queue.SimpleQueue()
        self._talker = threading.Thread(target=self._talk, daemon=True)
        self._talker.start()
        try:
            self.held = tuple(self._start(setup))
        except BaseException:
            self.close()
            raise

    def _start(self, setup: Mapping[str, Any]) -> list[str]:
        try:
            ready = self.exchange(json.dumps(setup).encode("ascii") + b"\n", self.limits.start_seconds)
        except Stopped as stopped:
            time.sleep(0.05)  # the last words are on their way
            words = " ".join(self.printed().split())
            raise FcnetError(
                f"the process for the submission did not start ({words or stopped.failure.message}), "
                "check the installation, or try --isolation none"
            ) from None
        return list(ready["ready"])

    def exchange(self, frame: bytes, seconds: float) -> Any:
        """Send a request and wait for its reply.

        Raises
        ------
        Stopped : there is none
        """
        self._output.clear()
        deadline = time.monotonic() + seconds
        self._requests.put(frame)
        while True:
            try:
                got = self._replies.get(timeout=max(0.0, min(WATCH_SECONDS, deadline - time.monotonic())))
                break
            except queue.Empty:
                self._watch()
                if time.monotonic() >= deadline:
                    raise Stopped(Failure("time", message=f"no answer within {seconds:.3g} s")) from None
        self._watch()
        if isinstance(got, CodecError):
            raise Stopped(Failure("protocol", message=str(got)))
        if got is None or isinstance(got, BaseException):
            raise Stopped(Failure("died", message=self._ending()))
        try:
            return unpack(got)
        except CodecError as error:
            raise Stopped(Failure("protocol", message=str(error))) from None

    def printed(self) -> str:
        """What was printed since the last request, as far as it is kept."""
        return self._output.text()

    def close(self) -> None:
        """Kill the process with everything that it started, and wait until it is gone."""
        self._kill()
        self._requests.put(None)
        self.process.wait()
        threads = (self._talker, self._output.thread)
        for thread in threads:
            thread.join(2.0)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None and not any(thread.is_alive() for thread in threads):
                with contextlib.suppress(OSError):
                    pipe.close()

    def _kill(self) -> None:
        """Kill the process's group, and where it could start others, those that have left the group too."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()
        while "processes" not in self.held and (left := started_by(self._mark)):
            for number in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(number, signal.SIGKILL)

    def _watch(self) -> None:
        if self._output.total > self.limits.output_bytes:
            raise Stopped(Failure("output", message=f"more than {self.limits.output_bytes} bytes printed"))
        size, count = usage(self.scratch, self.limits.files)
        if size > self.limits.disk_bytes or count > self.limits.files:
            raise Stopped(Failure("files", message=f"{count} files and {size} bytes in its folder"))
        if (threads := threads_of(self.process.pid)) > self.limits.threads:
            raise Stopped(Failure("memory", message=f"{threads} threads, {self.limits.threads} are allowed"))

    def _ending(self) -> str:
        """How the process ended, or that it closed its pipe."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.process.wait(1.0)
            if status >= 0:
                return f"its process ended with status {status}"
            with contextlib.suppress(ValueError):
                return f"its process was ended by {signal.Signals(-status).name}"
            return f"its process was ended by signal {-status}"
        return "its process closed the connection"

    def _talk(self) -> None:
        """Write each request and read its reply: the only place that may block on these two pipes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        into, out = self.process.stdin.fileno(), self.process.stdout.fileno()
        while (frame := self._requests.get()) is not None:
            try:
                rest = memoryview(frame)
                while rest:
                    rest = rest[os.write(into, rest[: 1 << 20]) :]
                self._replies.put(read_frame(lambda size: os.read(out, size), self.limits.reply_bytes))
            except (OSError, CodecError) as error:
                self._replies.put(error)
