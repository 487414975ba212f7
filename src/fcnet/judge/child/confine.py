"""What the process gives up before it imports anything of the student's, or even NumPy."""

import contextlib
import ctypes
import os
import struct
import sys
from typing import Any

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
SIGKILL = 9
CAPABILITY_VERSION_3 = 0x20080522


def confine(setup: dict[str, Any]) -> list[str]:
    """Apply what the set-up asks for; returns the names of what is held.

    Parameters
    ----------
    setup : with `limits`, by name of the resource; `sandbox`, whether to ask the kernel for more; `readable`,
        `listed` and `writable` paths; `judge`, the number of the process that started this one, 0 if it
        cannot be told

    Returns
    -------
    held : of "memory", "files", "network", "processes"
    """
    held = ["memory"] if limit(setup["limits"]) else []
    if not setup["sandbox"] or not sys.platform.startswith("linux"):
        return held
    from fcnet.judge.child import landlock, seccomp

    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_PDEATHSIG, SIGKILL), (PR_SET_DUMPABLE, 0), (PR_SET_NO_NEW_PRIVS, 1)):
        libc.prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0)))
    if setup["judge"] not in (0, os.getppid()):  # it ended before it could take us along
        os._exit(1)
    give_up_capabilities(libc)
    if landlock.restrict(setup["readable"], setup["listed"], setup["writable"]):
        held.append("files")
    if seccomp.filter_system_calls():
        held += ["network", "processes"]
    return held


def limit(limits: dict[str, int]) -> bool:
    """Set the resource limits, soft and hard; whether the system limits the address space."""
    try:
        import resource
    except ImportError:  # Windows
        return False
    done = False
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is None:
            continue
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(number)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (value, value))
            done |= name == "AS"
    return done


def give_up_capabilities(libc: ctypes.CDLL) -> None:
    """Make root a user like any other, as far as privileges go."""
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    libc.capset(ctypes.c_char_p(header), ctypes.c_char_p(bytes(24)))
