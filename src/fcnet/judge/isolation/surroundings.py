"""What a submission's process finds: the interpreter, the environment, and the files that it may read."""

import os
import secrets
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from fcnet.judge.isolation.processes import MARK

CHILD = Path(__file__).resolve().parents[1] / "child"

SECRET = Path(__file__).resolve().parents[2]
"""fcnet itself: the solution and the reference. Only `CHILD` of it is for the submission's process."""

SYSTEM = (
    "/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib",
    "/nix/store", "/gnu/store",
    "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/usr/share/fonts", "/etc/fonts",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu", "/sys/devices/system/node",
    "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom",
)  # fmt: skip
"""Shared libraries, fonts, and what mathematical libraries ask about the processor."""

PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def python() -> list[str]:
    """The interpreter, told to ignore the environment, the user's folder and what `site` would add."""
    return [sys.executable, "-I", "-S", "-B", "-X", "utf8"]


def packages() -> list[str]:
    """The folders with NumPy, PyTorch and what else is installed beside them."""
    places = (sysconfig.get_path(name) for name in ("purelib", "platlib"))
    return list(dict.fromkeys(str(Path(place).resolve()) for place in places))


def environment(scratch: Path) -> dict[str, str]:
    """All environment variables of the process. Its arrays are small: one thread is fastest for them."""
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **dict.fromkeys(THREADS, "1"),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(scratch / "tmp"),
        "TMPDIR": str(scratch / "tmp"),
        "MPLBACKEND": "Agg",
        MARK: secrets.token_hex(16),
    }


def allowed_paths(scratch: Path) -> dict[str, list[str]]:
    """What may be read, listed and written, as `fcnet.judge.child.landlock.restrict` takes it."""
    readable, listed = _readable()
    return {"readable": list(readable), "listed": list(listed), "writable": [str(scratch), os.devnull]}


@cache
def _readable() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files and folders that may be read, and the folders whose names may be."""
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    standard = (
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib"),
        sysconfig.get_config_var("LIBDIR"),
    )
    roots = {
        Path(place).resolve()
        for place in (*SYSTEM, *filter(None, libraries), *filter(None, standard), *packages())
        if Path(place).exists()
    }
    readable: list[str] = [str(CHILD)]
    listed: list[str] = []
    for root in sorted(roots):
        if root != Path(root.anchor):  # LIBDIR of an odd build is no reason to show everything
            for path, whole in without(root, SECRET):
                (readable if whole else listed).append(str(path))
    return tuple(dict.fromkeys(readable)), tuple(dict.fromkeys(listed))


def without(root: Path, secret: Path) -> Iterator[tuple[Path, bool]]:
    """Cut a secret out of a tree: paths, and whether all below them is meant or the list of names alone."""
    if not secret.is_relative_to(root):
        yield root, True
    elif secret != root:
        yield root, False
        for entry in _entries(root):
            if not entry.is_symlink():
                yield from without(entry, secret)
            elif not secret.is_relative_to(entry.resolve()):
                yield entry, True


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return ()
