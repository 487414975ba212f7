"""Capture what commands show in terminals of 80 x 24 and 120 x 40 characters, while they work and at the end.

    python tools/terminal.py            write docs/terminal.md
    python tools/terminal.py --out DIR  write it elsewhere

Each command of `COMMANDS` runs in a pseudoterminal, in a new folder with a new HOME and on scikit-learn's
digits. A terminal emulator, pyte, draws what it writes. A capture is what is on the screen at that moment,
without colours.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

import fcnet
from fcnet.files import write_atomically

ROOT = Path(__file__).resolve().parents[1]

SIZES = ((80, 24), (120, 40))
"""Columns and rows."""

COMMANDS = (
    "fcnet train --recipe quick --out runs/first --epochs 300",
    "fcnet train --recipe quick --out runs/second --learning-rate 0.3 --seed 1",
    "fcnet runs runs",
    "fcnet compare runs/first runs/second",
    "fcnet tune --recipe quick --out study --trials 12 --workers 1 --epochs 30",
    "fcnet data sample pictures",
)
"""In this order, since some need what others wrote."""

EVERY = 0.4
"""Seconds between two looks at the screen, at least."""

SECONDS = 600.0
"""The longest that a command may take, on a busy machine."""

PAGE = """# What the terminal shows

The commands below ran in terminals of {sizes} characters, on scikit-learn's digits. *While it works* is the
fullest screen on the way, *At the end* the last one; colours are left out. `python tools/terminal.py` makes
this page anew, so the times are those of the machine on which it last ran.
"""


@dataclass(frozen=True)
class Seen:
    """What a command showed.

    during : the screen while it ran, every `EVERY` seconds
    after : the last screen
    status : exit status
    """

    during: tuple[tuple[str, ...], ...]
    after: tuple[str, ...]
    status: int

    @property
    def fullest(self) -> tuple[str, ...]:
        """The screen with most lines in the first two thirds of the time; empty if nobody looked then."""
        return max(self.during[: len(self.during) * 2 // 3], key=len, default=())


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder for the page")
    out = parser.parse_args(arguments).out
    write_atomically(out / "terminal.md", page(COMMANDS, SIZES))
    print(f"wrote {out / 'terminal.md'}")
    return 0


def page(commands: Sequence[str], sizes: Sequence[tuple[int, int]]) -> str:
    """The page with the captures of these commands in terminals of these sizes.

    Raises
    ------
    SystemExit : a command failed; the text shows its screen
    """
    parts = [PAGE.format(sizes=" and ".join(f"{columns} x {rows}" for columns, rows in sizes))]
    for columns, rows in sizes:
        parts.append(f"\n## {columns} x {rows}\n")
        with tempfile.TemporaryDirectory() as name:
            for command in commands:
                seen = capture(command, Path(name), columns, rows)
                if seen.status:
                    raise SystemExit("\n".join((command, *seen.after)))
                parts.append(f"\n    {command}\n")
                if seen.fullest and seen.fullest != seen.after:
                    parts.append(_block("While it works", seen.fullest))
                parts.append(_block("At the end", seen.after))
    return "".join(parts)


def capture(command: str, folder: Path, columns: int, rows: int) -> Seen:
    """Run a command line in a terminal of this size.

    Parameters
    ----------
    command : with the words that a shell would split at spaces
    folder : where it runs; HOME and the command `fcnet` are made in it
    columns, rows : of the terminal
    """
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        command.split(), stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, start_new_session=True,
        env=_environment(folder),
    )  # fmt: skip
    os.close(theirs)
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    during: list[tuple[str, ...]] = []
    looked = time.monotonic()
    for content in _output(ours, process):
        stream.feed(content)
        if time.monotonic() - looked > EVERY:
            looked = time.monotonic()
            during.append(_lines(screen))
    return Seen(tuple(during), _lines(screen), process.wait())


def _output(terminal: int, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What a process writes to its terminal, until it ends."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < SECONDS:
            ready, _, _ = select.select([terminal], [], [], EVERY)
            if not ready:
                if process.poll() is not None:
                    return
                continue
            try:
                content = os.read(terminal, 65536)
            except OSError:  # the other side was closed
                return
            if not content:
                return
            yield content
        process.kill()
    finally:
        os.close(terminal)


def _environment(folder: Path) -> dict[str, str]:
    """A terminal's environment with nothing of this process's own but the way to Python."""
    programs, home = folder / ".bin", folder / ".home"
    for place in (programs, home):
        place.mkdir(exist_ok=True)
    script = programs / "fcnet"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fcnet "$@"\n')
    script.chmod(0o755)
    return {
        "HOME": str(home), "PATH": f"{programs}{os.pathsep}{os.defpath}", "LANG": "C.UTF-8",
        "TERM": "xterm-256color", "FCNET_OFFLINE": "1", "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(fcnet.__file__).parents[1]),
    }  # fmt: skip


def _lines(screen: pyte.Screen) -> tuple[str, ...]:
    """The lines on the screen without the empty ones below."""
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)


def _block(title: str, lines: Sequence[str]) -> str:
    return "\n".join((f"\n{title}:\n", "```", *lines, "```\n"))


if __name__ == "__main__":
    sys.exit(main())
