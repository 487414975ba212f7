"""The `fcnet` command.

Each command is a dataclass in its own file: its fields are the options, its docstring is the help,
its `run` does the work and imports what it needs only then, so that its `--help` stays quick. A user's
mistake ends here as one line and exit status 2; anything else is a defect and shows its traceback. An
exception from code of a user's own shows the calls in that code, and its line (`fcnet.extension`).
"""

import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from fcnet.errors import AlreadySaidError, FcnetError, Terminated
from fcnet.extension import is_borrowed, own_code_named, started, started_by
from fcnet.wording import shown

NAMED_BY_THE_USER = {
    errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EROFS,
}  # fmt: skip
"""What is wrong with a path that a user gave, wherever it is noticed first."""

FULL = {errno.ENOSPC, errno.EDQUOT}
"""What a full disk says, also the one that the output is redirected to."""


def _write_any_name() -> None:
    """Let the terminal show the escape of a character that its encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; returns the exit status.

    0 success, 2 a mistake that the user can correct, 130 stopped by Ctrl-C, 143 stopped by SIGTERM, 141 the
    reader of the output closed it.
    """
    if is_borrowed():
        return 0
    words = sys.argv[1:] if arguments is None else list(arguments)
    # a file of a user's own that gives other arguments than its own cannot be typed with those
    with started_by(started() if words == sys.argv[1:] else None):
        return _status(words)


def _status(arguments: Sequence[str]) -> int:
    """The exit status of a command that has run."""
    try:
        _write_any_name()
        # Arrow's own allocator takes 1 GB of addresses at its start, which a limit of memory may forbid
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        from fcnet.cli.commands import parse

        try:
            with own_code_named():
                status = parse(arguments).run()
        except SystemExit as end:  # --help; or rich, which ends what nobody reads
            if isinstance(end.__context__, BrokenPipeError):
                return 141
            _flush()
            raise
        _flush()
        return status
    except AlreadySaidError:
        return 2
    except FcnetError as error:
        tell(f"error: {error}")
        return 2
    except ModuleNotFoundError as error:
        from fcnet.extras import explained

        advice = explained(error)
        if advice is None:
            raise
        tell(f"error: {advice}")
        return 2
    except MemoryError as error:
        tell(f"error: not enough memory, {str(error) or 'give smaller data or settings'}")
        return 2
    except BrokenPipeError:  # `fcnet ... | head`
        _close_output()
        return 141
    except OSError as error:
        advice = _explained(error)
        if advice is None:
            raise
        tell(f"error: {advice}")
        return 2
    except KeyboardInterrupt as interruption:
        tell(f"stopped: {str(interruption) or 'by Ctrl-C, nothing is lost'}")
        return 143 if isinstance(interruption, Terminated) else 130


def _explained(error: OSError) -> str | None:
    """What a user can do about an error of the system; None if it is a defect of ours."""
    if error.filename and error.errno in NAMED_BY_THE_USER:
        return f"cannot use {os.fsdecode(error.filename)}: {error.strerror}, give another path"
    if error.errno in FULL:
        try:
            sys.stdout.flush()
        except OSError:  # it was the output
            _close_output()
        what = f" {os.fsdecode(error.filename)}" if error.filename else ""
        return f"cannot write{what}: {error.strerror}, free some space"
    if isinstance(error, FileNotFoundError) and not _somewhere():
        return "the current folder was removed, change to another one"
    return None


def _somewhere() -> bool:
    """Whether the current folder is there."""
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return False
    return True


def _flush() -> None:
    """Write what is left of the output: a full disk is noticed here, and not while the interpreter ends."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _close_output() -> None:
    """Drop what is left of the output, which the interpreter would write on its way out."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123


def tell(text: str, stream: TextIO | None = None) -> None:
    """Print one line, on stderr if not said otherwise; on a terminal it is broken between words.

    Terminals break where the line is full, and so in the middle of a word. What others wrote, such as the
    name of a file, is shown without control characters.
    """
    stream, text = stream or sys.stderr, shown(text)
    if stream.isatty():
        import shutil
        import textwrap

        width = shutil.get_terminal_size().columns
        text = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    print(text, file=stream, flush=True)
