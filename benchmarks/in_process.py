"""A submission in the judge's own process, in a fifth of the time: for our own mutants, which may be trusted.

Requests and replies go through the codec and the operations of a submission's own process. That process, its
limits and its pipes are left out; what they have to hold is tested in tests/isolation.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from fcnet.judge import check
from fcnet.judge.child import operations
from fcnet.judge.child.codec import LENGTH, CodecError, pack, unpack
from fcnet.judge.child.main import described
from fcnet.judge.isolation import Failure, Limits, Reply
from fcnet.judge.isolation.protections import PROTECTIONS
from fcnet.judge.isolation.reply import failure_of, formed
from fcnet.judge.report import Report


class InProcess:
    """What `fcnet.judge.isolation.Submission` is to the judge."""

    held = tuple(PROTECTIONS)

    def __init__(self, path: Path, limits: Limits | None = None, isolation: str = "auto") -> None:
        self.path = path

    def __enter__(self) -> InProcess:
        self._scratch = tempfile.TemporaryDirectory()
        operations.STATE = operations.State()
        operations.SUBMISSION = str(Path(self._scratch.name).resolve() / self.path.name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scratch.cleanup()

    def call(self, operation: str, /, **arguments: Any) -> Reply:
        value, failure, printed = None, None, io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                told = carried(operations.OPERATIONS[operation](**carried(arguments)))
                value = formed(operation, told)
            except CodecError as error:
                failure = Failure("value", "CodecError", str(error))
            except (Exception, SystemExit) as error:
                failure = failure_of(described(error, operations.SUBMISSION))
        return Reply(value, failure, printed.getvalue())


def carried(value: Any) -> Any:
    """A value as it arrives at the other end of a pipe."""
    return unpack(pack(value)[LENGTH.size :])


def judge_in_process() -> None:
    """From now on the judge asks submissions in this process; for a process that does nothing else.

    Stand-ins for packages that submissions import stay in `sys.modules`.
    """
    check.Submission = InProcess  # type: ignore[assignment,misc]


def judged(text: str, file: str = "two_layernet.py") -> Report:
    """The report of a program, in a process in which `judge_in_process` was called."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, file)
        path.write_text(text)
        return check.check_submission(path)
