"""Every command of the students' page runs as printed, in its order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import fcnet

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "first_evening.md").read_text()
COMMANDS = re.findall(r"^    (\S.*)$", PAGE, re.M)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command of the page, with this interpreter's fcnet, without network."""
    words = shlex.split(command)
    words = (
        [sys.executable, "-m", "fcnet", *words[1:]] if words[0] == "fcnet" else [sys.executable, *words[1:]]
    )
    environment = os.environ | {
        "PYTHONPATH": str(Path(fcnet.__file__).parents[1]),
        "FCNET_OFFLINE": "1",
        "FCNET_CACHE": str(folder / "cache"),
        "COLUMNS": "80",
    }
    environment.pop("FCNET_DATA", None)
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def test_the_page_has_its_commands() -> None:
    assert COMMANDS[0] == "fcnet start exercise2"
    assert "cd exercise2" in COMMANDS
    assert len(COMMANDS) >= 9


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    folder = tmp_path
    for command in COMMANDS:
        if command.startswith("cd "):
            folder = folder / command[3:]
            assert folder.is_dir()
            continue
        done = run(command, folder)
        assert "Traceback" not in done.stderr, (command, done.stderr)
        if command.startswith("fcnet check"):
            assert done.returncode == 1, (command, done.stdout, done.stderr)
            assert "unfinished" in done.stdout
        else:
            assert done.returncode == 0, (command, done.stderr)
        if command.startswith("python"):
            assert "not written yet: question 1a" in done.stdout
    assert (folder / "report.html").exists()
    assert (tmp_path / "exercise2_notebooks" / "two_layernet.ipynb").exists()
