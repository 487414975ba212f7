"""Landlock: which files a process may read and write, for good.

Three system calls with the same numbers on every system, so that no library is needed. The kernel's
documentation calls each set of rights an ABI; the first that guards the length of files is 3, of Linux 6.2.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION = 1
PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights that an ABI knows; later ones know those of 5."""

OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""Rights that a rule about a single file may give."""

NET = 0b11
"""To bind and to connect TCP sockets, from ABI 4 on."""

SCOPED = 0b11
"""No abstract UNIX sockets of, and no signals to, processes outside, from ABI 6 on."""

LEAST = 3


def abi() -> int:
    """Which ABI the kernel has, 0 if none."""
    if os.name != "posix" or os.uname().sysname != "Linux":
        return 0
    return max(0, _call(CREATE_RULESET, None, 0, VERSION))


def restrict(readable: Iterable[str], listed: Iterable[str], writable: Iterable[str]) -> bool:
    """Allow this thread, and those that it starts, these paths and nothing else; whether the kernel can.

    `PR_SET_NO_NEW_PRIVS` has to be set before.

    Parameters
    ----------
    readable : files and folders with all that is in them
    listed : folders whose names may be read, and no file in them
    writable : folders in which everything is allowed but to run a program
    """
    known = abi()
    if known < LEAST:
        return False
    rights = RIGHTS[min(known, max(RIGHTS))]
    attributes = struct.pack("=QQQ", rights, NET if known >= 4 else 0, SCOPED if known >= 6 else 0)
    attributes = attributes[: 8 if known < 4 else 16 if known < 6 else 24]
    ruleset = _call(CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        for paths, allowed in (
            (readable, READ_FILE | READ_DIR),
            (listed, READ_DIR),
            (writable, rights & ~EXECUTE),
        ):
            for path in paths:
                _allow(ruleset, path, allowed)
        return _call(RESTRICT_SELF, ruleset, 0, 0) == 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, allowed: int) -> None:
    """Add a rule; a path that is not there needs none."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            allowed &= OF_FILES
        _call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", allowed, descriptor), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """A system call; -1 if it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    typed = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    done: int = libc.syscall(ctypes.c_long(number), *typed)
    return done
