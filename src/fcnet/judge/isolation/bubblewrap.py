"""Bubblewrap, for kernels without Landlock: a container that holds only what may be read."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from fcnet.judge.child import landlock

LINKS = ("/lib", "/lib32", "/lib64")
"""Where programs look for their loader; on most systems these are links into `/usr`."""

HOLDS = ("files", "network", "processes")


def program(kernel: int | None = None) -> str | None:
    """The path of bubblewrap where it is needed and installed.

    Parameters
    ----------
    kernel : Landlock's ABI; the kernel is asked if None
    """
    has_landlock = (landlock.abi() if kernel is None else kernel) >= landlock.LEAST
    return None if has_landlock or os.name != "posix" else shutil.which("bwrap")


def wrapped(bwrap: str, command: Sequence[str], paths: Mapping[str, Sequence[str]]) -> list[str]:
    """A command inside a container of its own: no network, no other process, no file but these paths.

    Parameters
    ----------
    bwrap : path of bubblewrap
    command : to run, the interpreter first
    paths : `readable` and `writable`, as `fcnet.judge.child.landlock.restrict` takes them
    """
    # the interpreter of a virtual environment is a link; what it points to needs no other file of it
    python = str(Path(command[0]).resolve())
    arguments = [bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for link in filter(Path.is_symlink, map(Path, LINKS)):
        arguments += ["--symlink", str(link.readlink()), str(link)]
    for path in (python, *paths["readable"]):
        if not path.startswith(("/proc/", "/dev/")):
            arguments += ["--ro-bind-try", path, path]
    for path in paths["writable"]:
        if not path.startswith("/dev/"):
            arguments += ["--bind", path, path]
    return [*arguments, "--", python, *command[1:]]
