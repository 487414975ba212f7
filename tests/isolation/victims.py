"""What the attacks aim at: files of a teacher, a process, a server; and the submission that attacks them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fcnet
from fcnet.judge.isolation import Isolation, Limits, Reply, Submission
from isolation.attacks import NETWORK, PREAMBLE, Attack

MARKS = "name,points\nA. Student,17\n"

LIMITS = Limits(
    call_seconds=2.5,
    total_seconds=20.0,
    memory_bytes=1 << 30,
    files=200,
    output_bytes=1 << 20,
    reply_bytes=8 << 20,
)


@dataclass(frozen=True)
class Targets:
    """What a submission might harm."""

    folder: Path
    process: subprocess.Popen[bytes]
    server: socket.socket

    @property
    def marks(self) -> Path:
        return self.folder / "marks.csv"

    def source(self, attack: Attack) -> str:
        """The attacking submission."""
        places = {
            "@CANARY@": self.marks,
            "@FOLDER@": self.folder,
            "@REFERENCE@": Path(fcnet.__file__).with_name("two_layernet.py"),
            "@VICTIM@": self.process.pid,
            "@PORT@": self.server.getsockname()[1],
        }
        text = "\n".join((PREAMBLE, attack.code, NETWORK, attack.after, ""))
        for place, value in places.items():
            text = text.replace(place, str(value))
        return text

    def harmed(self) -> list[str]:
        """What is not as it was."""
        harm = []
        if sorted(path.name for path in self.folder.iterdir()) != ["marks.csv"]:
            harm.append("files came or went")
        elif self.marks.stat().st_mode & 0o777 != 0o640 or self.marks.read_text() != MARKS:
            harm.append("the marks were changed")
        elif self.marks.stat().st_mtime < 1000:
            harm.append("the marks' time was changed")
        if self.process.poll() is not None:
            harm.append("the process is gone")
        with contextlib.suppress(BlockingIOError):
            self.server.accept()[0].close()
            harm.append("somebody connected")
        return harm


@contextmanager
def targets(folder: Path) -> Iterator[Targets]:
    """Files, a process and a server; a secret in our environment."""
    place = folder / "course"
    place.mkdir()
    (place / "marks.csv").write_text(MARKS)
    (place / "marks.csv").chmod(0o640)
    process = subprocess.Popen(["sleep", "600"])  # which starts in a tenth of Python's time
    os.environ["SECRET_TOKEN"] = "secret"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        try:
            yield Targets(place, process, server)
        finally:
            del os.environ["SECRET_TOKEN"]
            process.kill()
            process.wait()


def attacked(attack: Attack, targets: Targets, folder: Path, isolation: Isolation = "auto") -> list[Reply]:
    """The replies to loading the attacking submission and to one call of its loss afterwards."""
    path = folder / "two_layernet.py"
    path.write_text(targets.source(attack))
    with Submission(path, LIMITS, isolation) as submission:
        return [
            submission.call("load", source=path.read_text()),
            submission.call("construct", target="net", cls="TwoLayerNet", args=[3, 4, 2]),
        ]


def outcome(replies: list[Reply]) -> str:
    """What came of an attack: a kind of failure, or what `attempt` printed."""
    first = replies[0]
    said = [line.split()[3] for line in first.output.splitlines() if line.startswith("came of it: ")]
    if first.failure is not None and (first.failure.kind != "exception" or not said):
        return first.failure.kind
    if not said:
        return "no word of it"
    return said[-1] if said[-1] == "done" else "refused"
