"""Commands and programs of a page, run in one shell as a reader types them: a new HOME, nothing else set."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import fcnet

MARK = "=====between the blocks====="

SECONDS = 600
"""The longest that all blocks may take together, on a busy machine."""


def session(blocks: Sequence[tuple[str, str]], folder: Path) -> list[str]:
    """What each block prints, in order; the first that fails is named.

    Parameters
    ----------
    blocks : ("sh", commands) or ("python", a program), as they stand in the page
    folder : where the page puts its reader; HOME and the commands `fcnet` and `python` are made beside it
    """
    programs, home = folder.parent / "bin", folder.parent / "home"
    for place in (programs, home, folder):
        place.mkdir(exist_ok=True)
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
        cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    printed = done.stdout.split(f"{MARK}\n")
    assert done.returncode == 0, (blocks[len(printed) - 1][1], printed[-1], done.stderr)
    assert "Traceback" not in done.stderr
    return printed


def commands(page: str, *programs: str) -> list[str]:
    """The indented commands of a Markdown page that call one of the programs, continued lines included."""
    named = "|".join(programs)
    return re.findall(rf"^    ((?:{named})\b(?:[^\n]*\\\n)*[^\n]*)$", page, flags=re.MULTILINE)
