"""The first thing that a submission's process does: limits, import path, and the word that it is ready."""

from __future__ import annotations

import io
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
    import json

    setup = json.loads(requests_line(requests))
    from confine import confine

    held = confine(setup)
    sys.path.extend(setup["packages"])
    from codec import pack

    import operations

    operations.SUBMISSION = setup["submission"]
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, setup["folder"])
    os.chdir(setup["folder"])
    replies.write(pack({"ready": held}))
    return setup, operations.OPERATIONS


def requests_line(requests: io.FileIO) -> bytes:
    """The first line: JSON, because the codec needs NumPy, which is imported after the process is confined."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = requests.read(1)
        if not byte:
            raise EOFError("the judge is gone")
        line += byte
    return bytes(line)
