"""Python, packages, variables, places to write to, the terminal, and how foreign code is isolated."""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fcnet.doctor.finding import Finding
from fcnet.errors import FcnetError
from fcnet.wording import megabytes

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
"""Variables of others that change how fcnet works, besides its own, FCNET_..."""

ROOM = 1_000_000_000
"""Bytes that should be free: CIFAR-10's archive, its files and the images kept of them take 540 MB."""

WIDTH = 80
"""Columns that every table fits into."""


def python() -> Iterator[Finding]:
    """The interpreter, and where fcnet runs from."""
    from fcnet import __version__

    bits = 64 if sys.maxsize > 2**32 else 32
    found = f"{platform.python_version()} ({bits} bits), {sys.executable or 'unknown path'}"
    advice = "" if bits == 64 else "install a 64-bit Python: PyTorch has none of 32 bits, and memory is short"
    yield Finding("Python", "ok" if bits == 64 else "note", found, advice)
    yield Finding("fcnet", "ok", f"{__version__}, {Path(__file__).resolve().parents[1]}")


def machine() -> Iterator[Finding]:
    """Processor and memory."""
    from fcnet import memory
    from fcnet.records import environment

    facts, size, left = environment(), memory.total(), memory.available()
    found = f"{facts['system']}, {facts['processor']}, {facts['cores']} processors"
    if size:
        found += f", {size / 2**30:.1f} GiB of memory"
    if left is not None and left != size:
        found += f", {left / 2**30:.1f} GiB of it available"
    yield Finding("machine", "ok", found)


def packages() -> Iterator[Finding]:
    """What each extra brings."""
    from importlib.metadata import PackageNotFoundError, version

    from fcnet.extras import PACKAGES, PURPOSES, missing

    there: list[str] = []
    absent: dict[str, list[str]] = {}
    for package, (usual, extra) in PACKAGES.items():
        if missing(package):
            absent.setdefault(extra, []).append(usual)
            continue
        try:
            there.append(f"{usual} {version(_DISTRIBUTIONS.get(package, package))}")
        except PackageNotFoundError:
            there.append(usual)
    yield Finding("packages", "ok", ", ".join(there) or "none of the extras")
    for extra, names in absent.items():
        if extra != "torch":  # it has a check of its own
            purpose = f"{PURPOSES[extra]} needs {' and '.join(names)}"
            yield Finding(extra, "note", "not installed", f"{purpose}: pip install 'fcnet[{extra}]'")


_DISTRIBUTIONS = {"PIL": "pillow", "markdown_it": "markdown-it-py", "sklearn": "scikit-learn"}
"""Names on PyPI that are not those in Python."""


def variables() -> Iterator[Finding]:
    """Environment variables that change what fcnet does."""
    from fcnet.records import without_password

    names = sorted(name for name in os.environ if name.startswith("FCNET_") or name in VARIABLES)
    given = ", ".join(f"{name}={without_password(os.environ[name])}" for name in names)
    yield Finding("variables", "ok", given or "none is set")
    if os.environ.get("FCNET_OFFLINE", "0") not in ("", "0"):
        yield Finding("network", "note", "FCNET_OFFLINE forbids it", "unset it to fetch data sets")


def places() -> Iterator[Finding]:
    """Folders that must be writable: for runs, for temporary files, for the cache."""
    for name, where, advice in (
        ("run folders", Path.cwd, "change to a folder of yours, or give --out another"),
        ("temporary", lambda: Path(tempfile.gettempdir()), "set TMPDIR to a folder that is writable"),
        ("cache folder", _cache, "set FCNET_CACHE to a folder that is writable"),
    ):
        try:
            folder = where()
            problem, free = _problem_with(folder), shutil.disk_usage(folder).free
        except (OSError, FcnetError) as error:
            yield Finding(name, "problem", str(error), advice)
            continue
        if problem:
            yield Finding(name, "problem", f"{folder}: {problem}", advice)
        elif free < ROOM:
            yield Finding(name, "note", f"{folder}: only {megabytes(free)} free", "free some space")
        else:
            yield Finding(name, "ok", f"{folder} is writable, {megabytes(free)} free")


def _cache() -> Path:
    """The cache, or the folder in which it would be made."""
    from fcnet.data.find import cache_root

    cache = cache_root()
    return next(place for place in (cache, *cache.parents) if place.exists() or place == place.parent)


def _problem_with(folder: Path) -> str:
    """Why a folder will not do: it cannot be written, or its file system has no locks; empty if it will."""
    from filelock import lock_descriptor

    try:
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  its own errors are told from the lock's
    except OSError as error:
        return f"not writable ({error.strerror})"
    with file:
        try:
            lock_descriptor(file.fileno(), blocking=False)
        except OSError as error:
            return f"no locks, so two processes can spoil each other's files ({error.strerror})"
    return ""


def terminal() -> Iterator[Finding]:
    """Encoding and width of the output."""
    encoding = sys.stdout.encoding or "unknown"
    width = shutil.get_terminal_size().columns
    kind = "a terminal" if sys.stdout.isatty() else "no terminal"
    found = f"{kind}, {encoding}, {width} columns"
    if not encoding.lower().replace("-", "").startswith("utf8"):
        yield Finding("output", "note", found, "bars and names may look odd, set PYTHONUTF8=1")
    elif width < WIDTH:
        yield Finding("output", "note", found, f"tables fit into {WIDTH} columns, make the window wider")
    else:
        yield Finding("output", "ok", found)


def sandbox() -> Iterator[Finding]:
    """What foreign code can be kept from, asked of a submission's process as `fcnet grade` asks it."""
    if not sys.platform.startswith("linux"):
        advice = "foreign code is isolated fully on Linux alone"
        yield Finding("sandbox", "note", f"{sys.platform} has no Landlock and no seccomp", advice)
        return
    from fcnet.judge.child import landlock
    from fcnet.judge.isolation import not_held, what_is_held

    held, version = what_is_held("auto"), landlock.abi()
    guards = f"Landlock {version}" if version else "no Landlock"
    if missing := not_held(held):
        advice = "foreign code is isolated in part only: use Linux 6.2 or newer, or install bubblewrap"
        yield Finding("sandbox", "note", f"{guards}; not restricted: {', '.join(missing)}", advice)
    else:
        yield Finding("sandbox", "ok", f"{guards}; restricted: {', '.join(held)}")
