"""Commands and programs of a page, run in one shell as a reader types them: a new HOME, nothing else set.

Root runs them as another user, with an id that the system does not know, as containers do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fcnet

MARK = "=====between the blocks====="

SECONDS = 600
"""The longest that all blocks may take together, on a busy machine."""


STRANGER = 54_321
"""A user and group that no system has by itself."""


def stranger() -> dict[str, Any]:
    """Options of `subprocess.run` for a user without a name; none where only this user can run Python."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return {}
    options: dict[str, Any] = {"user": STRANGER, "group": STRANGER, "extra_groups": []}
    try:
        subprocess.run(
            [sys.executable, "-c", "import fcnet"], cwd="/", check=True, capture_output=True, **options
        )
    except (OSError, subprocess.CalledProcessError):  # they lie in a folder that others may not enter
        return {}
    return options


@contextmanager
def place_of(options: dict[str, Any]) -> Iterator[Path]:
    """A new folder that belongs to that user, apart from pytest's own, which others may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="fcnet-shell-"))
    try:
        for name in ("bin", "home", "work"):
            (folder / name).mkdir()
        for place in (folder, *folder.iterdir()):
            place.chmod(0o755)
            if options:
                os.chown(place, STRANGER, STRANGER)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def session(blocks: Sequence[tuple[str, str]]) -> list[str]:
    """What each block prints, in order; the first that fails is named.

    Parameters
    ----------
    blocks : ("sh", commands) or ("python", a program), as they stand in the page, which puts its reader into
        an empty folder
    """
    options = stranger()
    with place_of(options) as folder:
        return _session(blocks, folder, options)


def _session(blocks: Sequence[tuple[str, str]], folder: Path, options: dict[str, Any]) -> list[str]:
    programs, home = folder / "bin", folder / "home"
    for name, module in (("fcnet", " -m fcnet"), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{module} "$@"\n')
        (programs / name).chmod(0o755)
    script = "set -e\n" + f"echo '{MARK}'\n".join(
        text if language == "sh" else f"python - <<'PROGRAM'\n{text}\nPROGRAM\n" for language, text in blocks
    )
    environment = {
        "HOME": str(home), "PATH": f"{programs}{os.pathsep}{os.defpath}", "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(fcnet.__file__).parents[1]), "FCNET_OFFLINE": "1", "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script],
        cwd=folder / "work", env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
        **options,
    )  # fmt: skip
    printed = done.stdout.split(f"{MARK}\n")
    assert done.returncode == 0, (blocks[len(printed) - 1][1], printed[-1], done.stderr)
    assert "Traceback" not in done.stderr
    return printed


def commands(page: str, *programs: str) -> list[str]:
    """The indented commands of a Markdown page that call one of the programs, continued lines included."""
    named = "|".join(programs)
    return re.findall(rf"^    ((?:{named})\b(?:[^\n]*\\\n)*[^\n]*)$", page, flags=re.MULTILINE)
