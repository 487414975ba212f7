"""A process that starts `fcnet` as often as it is told and lets it kill itself at a chosen system call.

    python tests/victim.py [torch]

It imports everything once and forks for every start, so that a start costs no more than its work. It reads
one JSON object a line, `{"arguments": [...], "log": FILE, "die": {"file": ..., "call": ..., "n": ...} or
null, "careless": NAME or null}`, and answers each with a line `{"status": N}`, where -9 is a kill.
Checkpoints are written every few milliseconds instead of every ten seconds. What is careless shows that the
comparison notices: `in place` writes files under their names, `forgetful` keeps checkpoints without losses.
"""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fcnet.cli import main
from fcnet.files import LEFTOVER
from fcnet.train import fit

CALLS = ("open", "half", "written", "sync", "synced", "rename", "renamed", "folder synced")
"""Moments in the writing of a file: before it is opened, when half of it is written, when all is, before and
after it is put on the disk, before and after it gets its name, and when that is on the disk too."""


class Death:
    """SIGKILL to this process when a call on a file is reached for the n-th time."""

    def __init__(self, file: str, call: str, n: int) -> None:
        self.file, self.call, self.left = file, call, n

    def at(self, path: Path, call: str) -> None:
        temporary = LEFTOVER.fullmatch(path.name)
        if (temporary["name"] if temporary else path.name, call) == (self.file, self.call):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Halved:
    """A file that is written in two halves."""

    def __init__(self, file: Any, path: Path, death: Death) -> None:
        self.file, self.path, self.death = file, path, death

    def __enter__(self) -> Halved:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, content: bytes) -> None:
        half = len(content) // 2
        self.file.write(content[:half])
        self.file.flush()
        self.death.at(self.path, "half")
        self.file.write(content[half:])
        self.file.flush()
        self.death.at(self.path, "written")


def arm(death: Death) -> None:
    """Put death in the way of everything that is written."""
    files = import_module("fcnet.files")
    fsync, replace, unlink, create = os.fsync, os.replace, os.unlink, files.create
    paths: dict[int, Path] = {}
    last = Path()

    def create_(name: str, folder: int | None) -> Any:
        path = Path(name)
        death.at(path, "open")
        file = create(name, folder)
        paths[file.fileno()] = path
        return Halved(file, path, death)

    def fsync_(descriptor: int) -> None:
        path = paths.pop(descriptor, None)
        if path:
            death.at(path, "sync")
        fsync(descriptor)
        death.at(path or last, "synced" if path else "folder synced")

    def replace_(source: str, target: str, **options: Any) -> None:
        nonlocal last
        death.at(Path(target), "rename")
        replace(source, target, **options)
        death.at(Path(target), "renamed")
        last = Path(target)

    def unlink_(path: Path, **options: Any) -> None:
        death.at(Path(path), "unlink")
        unlink(path, **options)
        death.at(Path(path), "unlinked")

    files.create = create_  # type: ignore[attr-defined]
    os.fsync, os.replace, os.unlink = fsync_, replace_, unlink_  # type: ignore[assignment]


def be_careless(how: str) -> None:
    """Replace a part of fcnet by one that does not survive."""
    if how == "in place":
        files: Any = import_module("fcnet.files")
        files.CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

        def in_place(target: Path, durable: bool = True) -> Any:
            files.make_folder(target.parent)
            return files.create(str(target), None)

        files.new_file = in_place
    elif how == "forgetful":
        module = import_module("fcnet.train.fit")
        whole = module.Checkpoint
        module.Checkpoint = lambda *place, **more: whole(*place, **more | {"losses": []})
        fit.CHECKPOINT_SECONDS, fit.CHECKPOINT_SHARE = 0.0, 1e9  # after every step, so some losses are lost


def begin(order: dict[str, Any]) -> int:
    """`fcnet` in its own process; its exit status, negative for a signal."""
    process = os.fork()
    if process == 0:  # the fork, which ends here
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        status = 1
        try:
            if order["careless"]:
                be_careless(order["careless"])
            if order["die"]:
                arm(Death(**order["die"]))
            status = main(order["arguments"])
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def serve(ready: Callable[[], None]) -> None:
    """Warm up, then start what standard input asks for until it ends."""
    ready()
    print(json.dumps({"status": 0}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"status": begin(json.loads(line))}), flush=True)


def warm() -> None:
    """Train a little, so that everything is imported that a start needs; the starts share it."""
    fit.CHECKPOINT_SECONDS, fit.CHECKPOINT_SHARE = 0.005, 1.0
    with TemporaryDirectory() as folder, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        assert main(["train", "--out", f"{folder}/run", "--iterations", "1"]) == 0
    if "torch" in sys.argv:
        import_module("fcnet.torch_net.engine")
    gc.freeze()  # or each start would copy all of it when it collects garbage for the first time


if __name__ == "__main__":
    serve(warm)
