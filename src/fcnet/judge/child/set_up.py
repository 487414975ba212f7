"""The first thing that a submission's process does: limits, import path, and the word that it is ready."""

import io
import json
import os
import sys
from collections.abc import Callable
from typing import Any


def begin(requests: io.FileIO, replies: io.FileIO) -> tuple[dict[str, Any], dict[str, Callable[..., Any]]]:
    """Read the set-up, confine the process, import the operations, and tell the judge what is held.

    Returns
    -------
    setup : what the judge sent
    operations : by name
    """
    from fcnet.judge.child.confine import confine

    setup = json.loads(first_line(requests))
    os.chdir(setup["folder"])
    held = confine(setup)
    sys.path.extend(setup["packages"])
    from fcnet.judge.child import operations
    from fcnet.judge.child.codec import pack

    operations.SUBMISSION = setup["submission"]
    sys.path.insert(0, setup["folder"])
    replies.write(pack({"ready": held}))
    return setup, operations.OPERATIONS


def first_line(requests: io.FileIO) -> bytes:
    """The set-up is JSON: the codec needs NumPy, which is imported after the process is confined."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = requests.read(1)
        if not byte:
            raise EOFError("the judge is gone")
        line += byte
    return bytes(line)
