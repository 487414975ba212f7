"""docs/extending.md does what it says: each file is saved under its name and run as the page runs it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import programs

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "extending.md").read_text()

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)

FILES = {
    match[1]: block for kind, block in BLOCKS if kind == "python" and (match := re.match(r"# (\S+)\n", block))
}

LONGEST = 40
"""Lines that an extension may take."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extending")
    for name, content in FILES.items():
        (folder / name).write_text(content)
    return folder


def run(line: str, folder: Path) -> tuple[int, str, str]:
    """Run a line of the page; its exit status, and what it printed to both streams."""
    program, *words = shlex.split(line)
    assert program == "python"
    return programs.run(words, folder, {"FCNET_CACHE": str(folder / "cache"), "COLUMNS": "100"})


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_short(name: str) -> None:
    assert len(FILES[name].strip().splitlines()) <= LONGEST


def test_every_block_runs(folder: Path) -> None:
    printed = {}
    for line in (line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()):
        status, printed[line], err = run(line, folder)
        assert status == 0, f"{line}\n{printed[line]}{err}"
    audits = [text for line, text in printed.items() if " audit " in line]
    assert audits
    assert all(text.splitlines()[-1] == "passed" for text in audits)
    trained = [text for line, text in printed.items() if " train " in line]
    for text in trained:
        accuracy = re.search(r"validation accuracy ([\d.]+) %", text)
        assert accuracy is not None
        assert float(accuracy[1]) > 85, text


def test_each_file_is_used(folder: Path) -> None:
    commands = " ".join(block for kind, block in BLOCKS if kind == "sh")
    assert all(f"python {name} " in commands for name in FILES)


def test_a_wrong_derivative_is_found(folder: Path) -> None:
    """The audit of the page can fail."""
    wrong = FILES["swish.py"].replace("1 + kept * (1 - sigmoid)", "1 + kept * sigmoid")
    assert wrong != FILES["swish.py"]
    (folder / "wrong.py").write_text(wrong)
    status, _, err = run("python wrong.py audit --sizes 6 8 3 --activation swish", folder)
    assert status == 2
    assert "the gradients are not the derivatives of the loss" in err


def test_what_a_file_adds_is_its_own(folder: Path) -> None:
    """Otherwise a file of the page might need another one."""
    status, _, err = run("python scale.py audit --sizes 5 7 3 --activation swish", folder)
    assert status == 2
    assert "swish" in err
