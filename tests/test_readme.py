"""The README does what it says: its commands and programs run in one shell, in order, with a new HOME."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from shell import STRANGER, commands, session, stranger

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """What each command and program prints, by its text; none may fail."""
    for package in ("torch", "onnx", "sklearn", "PIL", "matplotlib"):
        pytest.importorskip(package)
    blocks = [
        ("sh", shortened(found["command"])) if found["command"] else ("python", shortened(found["program"]))
        for found in re.finditer(
            r"^    (?P<command>fcnet\b(?:[^\n]*\\\n)*[^\n]*\n)|^```python\n(?P<program>.*?)^```$",
            README,
            flags=re.MULTILINE | re.DOTALL,
        )
        if "def test_" not in found[0]  # the fixture's example stands for a reader's own code
    ]
    for n in range(len(blocks) - 1, 0, -1):  # programs with nothing between them are one
        if blocks[n - 1][0] == blocks[n][0] == "python":
            blocks[n - 1 : n + 1] = [("python", blocks[n - 1][1] + blocks[n][1])]
    outputs = session(blocks)
    return dict(zip([text for _, text in blocks], outputs, strict=True))


def shortened(command: str) -> str:
    """A search of two trials, and the digits where the page says so; all else as it stands."""
    return command.replace("--trials 60", "--trials 2").replace("inputs = 3072", "inputs = 64")


def of(printed: dict[str, str], text: str) -> str:
    (output,) = [output for block, output in printed.items() if text in block]
    return output


def test_the_readme_has_every_command() -> None:
    found = {command.split()[1] for command in commands(README, "fcnet")}
    assert found == {"explore", "data", "train", "runs", "predict", "test", "export", "tune"}
    assert set(commands(README, "make")) == {"make", "make test"}


def test_its_commands_run_and_print_what_it_says(printed: dict[str, str]) -> None:
    assert "pictures/circle" in of(printed, "fcnet data sample") or "circle" in of(
        printed, "fcnet data sample"
    )
    assert "first" in of(printed, "fcnet runs")
    assert "2 trials like the first take about" in of(printed, "fcnet tune")
    assert re.search(r"test accuracy [\d.]+ %", of(printed, "fcnet test runs/three-layers"))
    assert "passed" in of(printed, "audit_gradients")
    assert re.match(r"0\.9\d+ epoch \d+: loss", of(printed, "FCNetClassifier"))


def test_no_row_is_wider_than_the_terminal(printed: dict[str, str]) -> None:
    assert max(map(len, of(printed, "fcnet runs").splitlines())) <= 80


def test_root_reads_the_page_as_a_user_without_a_name() -> None:
    """With an id that the system does not know, and a HOME that is empty."""
    told = session([("python", "import os; print(*os.getresuid(), os.listdir(os.environ['HOME']))")])
    ids = [STRANGER] * 3 if stranger() else list(os.getresuid())
    assert told == [f"{' '.join(map(str, ids))} []\n"]
