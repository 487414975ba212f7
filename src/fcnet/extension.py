"""Code of a user's own that fcnet calls: which code it is, and what is said where it breaks its contract.

What a user's file adds to a dictionary is checked where it enters: when it is looked up, when a network is
built, or once before a training. A step checks nothing. docs/extending.md says what each kind must do.

`fcnet --help` imports this module, so it imports what takes long only where it is used.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcnet.errors import ExtensionError, FcnetError

if TYPE_CHECKING:
    from traceback import FrameSummary

HERE = Path(__file__).resolve().parent

OWN_FILE = "own_file"
"""The entry of an order to another process that holds `own_file()`."""

MODULE = "-m "
"""Before the name of a user's module that Python was started with, in place of a file."""

_started: list[str | None] = [None]
"""The files or modules of a user's own that run the command line now, the last one first; None where `fcnet`
does."""

BORROWED = "__fcnet_worker__"
"""The `__name__` of a user's file that is read for its names."""

_lent: list[str] = []
"""The file whose names this process borrows, while it is read."""


def started() -> str | None:
    """The user's file that Python runs, as it was typed, or `-m NAME`; None where it runs something else."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is None:
        return sys.argv[0] if _is_users(sys.argv[0]) else None
    return MODULE + spec.name.removesuffix(".__main__") if _is_users(spec.origin or "") else None


@contextmanager
def started_by(file: str | None) -> Iterator[None]:
    """A block in which `program` names this file or module, see `started`; None stands for `fcnet`."""
    _started.insert(0, file)
    try:
        yield
    finally:
        _started.pop(0)


def program() -> str:
    """What a user types before a command: `fcnet`, or `python FILE` where a file of their own was started."""
    return typed(_started[0])


def typed(file: str | None) -> str:
    """The beginning of a command that a user's file or module runs; `fcnet` for None."""
    if file is None:
        return "fcnet"
    return f"python {file if file.startswith(MODULE) else shlex.quote(file)}"


def own_file() -> str | None:
    """The path of the user's file that was started, in full, or `-m NAME`, for `borrow` elsewhere."""
    file = _started[0]
    return file if file is None or file.startswith(MODULE) else str(Path(file).resolve())


def borrow(file: str | None) -> None:
    """Let a user's file or module add its names to this process, without running a command."""
    if file is None:
        return
    import runpy

    _lent.append(file)
    try:
        with suppress(SystemExit):  # of a file that always ends with sys.exit(main())
            if file.startswith(MODULE):
                runpy.run_module(file.removeprefix(MODULE), run_name=BORROWED)
            else:
                sys.path.insert(0, str(Path(file).parent))  # as Python does for a file that is started
                runpy.run_path(file, run_name=BORROWED)
    finally:
        _lent.clear()


def is_borrowed() -> bool:
    """Whether a user's file is read for its names only, so that its `main()` has nothing to do."""
    return bool(_lent)


def is_own(thing: object) -> bool:
    """Whether a user's code made this function, class or object, and not fcnet."""
    module = getattr(thing, "__module__", None) or type(thing).__module__
    return module.partition(".")[0] != "fcnet"


def broken(what: str, thing: object, problem: str) -> ExtensionError:
    """The error about a user's code: `WHAT (NAME in FILE, line N) PROBLEM`.

    Parameters
    ----------
    what : what it is, such as `the activation 'swish'`
    thing : the function, the class, or an object of the class
    problem : what is wrong, and what to do
    """
    return ExtensionError(f"{what} ({place(thing)}) {problem}")


def place(thing: object) -> str:
    """The name of a function, a class or an object's class, with its file and line where they are known."""
    import inspect

    thing = thing.func if isinstance(thing, partial) else thing
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        thing = type(thing)
    try:
        file, line = inspect.getsourcefile(thing), inspect.getsourcelines(thing)[1]
    except (OSError, TypeError):  # typed into a console, or compiled
        file, line = None, 0
    where = f" in {_short(file)}, line {line}" if file else ""
    return f"{getattr(thing, '__name__', type(thing).__name__)}{where}"


def described(value: object) -> str:
    """What a user's code gave, in few words: `float64 of shape (3, 4)` of an array, else its type."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{value.dtype} of shape {value.shape}"
    return "None" if value is None else f"a {type(value).__name__}"


def called(what: str, thing: Any, *given: object, wants: str) -> Any:
    """What a user's function or class gives for these arguments.

    An exception from inside it stays what it is; see `own_code`.

    Parameters
    ----------
    what, thing : as `broken`
    wants : what has to stand there, such as `a class`

    Raises
    ------
    ExtensionError : it cannot be called with them
    """
    try:
        return thing(*given)
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise
        raise broken(what, thing, f"cannot be used: {error}; put {wants} there") from error


def require_methods(what: str, thing: object, base: type, methods: dict[str, str]) -> None:
    """Require that an object has methods that its base class does not give it.

    Parameters
    ----------
    what, thing : as `broken`
    base : the class whose own methods do not count
    methods : the methods by name, with their arguments

    Raises
    ------
    ExtensionError : `WHAT ... lacks NAME(ARGUMENTS), define it`
    """
    for name, arguments in methods.items():
        method = getattr(thing, name, None)
        inherited = getattr(method, "__func__", method) is getattr(base, name, None)
        if not callable(method) or inherited:
            raise broken(what, thing, f"lacks {name}({arguments}), define it")


def own_code(error: BaseException) -> list[FrameSummary]:
    """Where in a user's own files an exception came from: the calls from the first of these files on."""
    from traceback import extract_tb

    frames = extract_tb(error.__traceback__)
    places = [number for number, frame in enumerate(frames) if _is_users(frame.filename)]
    return list(frames[places[0] :]) if places else []


@contextmanager
def own_code_named() -> Iterator[None]:
    """A block in which an exception from the files of a user who started one becomes an error with its line.

    The calls from the first line of theirs on are printed before it, without those of fcnet above.

    Raises
    ------
    ExtensionError : `FILE, line N, in FUNCTION: KIND: TEXT`
    """
    try:
        yield
    except (FcnetError, MemoryError, BrokenPipeError):
        raise
    except Exception as error:
        frames = own_code(error)
        if not frames or own_file() is None:
            raise
        from traceback import format_list

        last = next(frame for frame in reversed(frames) if _is_users(frame.filename))
        print("Traceback from your own code on (most recent call last):", file=sys.stderr)
        print("".join(format_list(frames)), end="", file=sys.stderr)
        kind = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        where = f"{_short(last.filename)}, line {last.lineno}, in {last.name}"
        raise ExtensionError(f"{where}: {kind}; mend this code of your own") from error


def _is_users(file: str) -> bool:
    """Whether a Python file is a user's: neither fcnet's, nor Python's, nor that of a package."""
    try:
        return file.endswith(".py") and Path(file).is_file() and _is_elsewhere(Path(file).absolute())
    except OSError:  # the current folder is gone
        return False


@cache
def _is_elsewhere(path: Path) -> bool:
    path, standard = path.resolve(), Path(os.__file__).resolve().parent
    packages = {"site-packages", "dist-packages"} & set(path.parts)
    return not packages and not path.is_relative_to(HERE) and not path.is_relative_to(standard)


def _short(file: str) -> str:
    """A file as a user would name it: from the current folder on if it lies below it."""
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return file
