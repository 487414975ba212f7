"""The loop of a submission's process: a request comes in, an operation is run, its reply goes out.

The judge starts this file by its path, with Python's `-I -S`, so that nothing is on the import path but what
the first line names. That line is the set-up, written by the judge before any of the student's code has run;
a frame of the codec is a request. Requests come over what was standard input and replies leave over what was
standard output. Both are moved to other descriptors at once: what the student's code prints goes to standard
error, which the judge reads apart from the replies.
"""

import contextlib
import io
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_TEXT = 2000
"""Characters of a message that are sent."""


def main() -> None:
    """Set up, say that it is done, and answer requests until there are no more."""
    requests, replies = take_pipes()
    only_this_folder_of_fcnet()
    try:
        from fcnet.judge.child.set_up import begin

        setup, operations = begin(requests, replies)
    except BaseException as error:  # never the student's fault: the judge says so
        sys.stderr.write(f"set-up failed: {type(error).__name__}: {error}\n")
        sys.stderr.flush()
        os._exit(70)
    serve(requests, replies, operations, setup["submission"])


def only_this_folder_of_fcnet() -> None:
    """Let `import fcnet.judge.child...` find this folder, and `import fcnet...` nothing else."""
    folder = str(Path(__file__).resolve().parent)
    for name, places in (("fcnet", []), ("fcnet.judge", []), ("fcnet.judge.child", [folder])):
        module = types.ModuleType(name)
        module.__path__ = places
        sys.modules[name] = module


def take_pipes() -> tuple[io.FileIO, io.FileIO]:
    """Move the two pipes away from descriptors 0 and 1, where the student's code reads and prints."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return io.FileIO(requests, "r"), io.FileIO(replies, "w")


def serve(
    requests: io.FileIO, replies: io.FileIO, operations: dict[str, Callable[..., Any]], filename: str
) -> None:
    """Answer one request after the other."""
    from fcnet.judge.child.codec import CodecError, pack, read_frame, unpack

    while (frame := read_frame(requests.read, 1 << 40)) is not None:
        request = unpack(frame)
        del frame
        reply: dict[str, Any] = {"nonce": request["nonce"]}
        try:
            reply["value"] = operations[request["operation"]](**request["arguments"])
        except BaseException as error:  # SystemExit too: a submission that calls exit() has only failed here
            reply["failure"] = described(error, filename)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        try:
            packed = pack(reply)
        except CodecError as error:
            reply.pop("value", None)
            reply["failure"] = {"kind": "value", "type": "CodecError", "message": str(error)}
            packed = pack(reply)
        send(replies, packed)


def send(replies: io.FileIO, packed: bytes) -> None:
    """Write all of a frame: a pipe takes only a part at a time."""
    rest = memoryview(packed)
    while rest:
        rest = rest[replies.write(rest) or 0 :]


def described(error: BaseException, filename: str) -> dict[str, Any]:
    """An exception as a value: its type, its message and its line in the submission's file, 0 for none."""
    try:
        message = str(error)
    except BaseException as second:
        message = f"(its message cannot be read: {type(second).__name__})"
    try:
        from fcnet.judge.child.loading import line_in

        line = line_in(error, filename)
    except BaseException:  # the student's code may have replaced whatever this uses
        line = 0
    return {
        "kind": "memory" if isinstance(error, MemoryError) else "exception",
        "type": type(error).__name__[:MOST_TEXT],
        "message": message[:MOST_TEXT],
        "line": line,
    }


if __name__ == "__main__":
    main()
