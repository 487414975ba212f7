"""What commands show in real terminals: nothing wider than the screen, no word broken; docs/terminal.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fcnet
from terminal import COMMANDS, SIZES, Seen, capture

PAGE = Path(__file__).resolve().parents[1] / "docs" / "terminal.md"


def text(lines: tuple[str, ...]) -> str:
    """The lines as one, so that a word that is broken between two of them has a space in it."""
    return " ".join(" ".join(lines).split())


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_search_fits_the_terminal_while_it_works_and_at_the_end(
    size: tuple[int, int], tmp_path: Path
) -> None:
    columns, rows = size
    command = "fcnet tune --recipe quick --out study --trials 6 --workers 1 --epochs 60"
    seen = capture(command, tmp_path, columns, rows)
    assert seen.status == 0, seen.after
    assert any("1 running" in text(screen) and "trial " in text(screen) for screen in seen.during)
    # terminals break a line that is too long, pyte too: then a word of the sentence is in two parts
    found = re.search(r"study: 6 trials (.*)$", text(seen.after))
    assert found is not None
    said = found[1]
    assert re.search(
        r"the (best has a validation accuracy of [\d.]+ %, the base [\d.]+ %: "
        r"|base is the best, with a validation accuracy of [\d.]+ %)",
        said,
    )
    assert not re.search(r" [,;:.]|\d \.\d", said)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_trainings_and_their_list_fit_the_terminal(size: tuple[int, int], tmp_path: Path) -> None:
    columns, rows = size
    first, second, listed, compared = (capture(command, tmp_path, columns, rows) for command in COMMANDS[:4])
    for seen in (first, second, listed, compared):
        assert seen.status == 0, seen.after
    assert re.search(r"runs/first: training accuracy [\d.]+ %, validation accuracy", text(first.after))
    assert re.search(
        r"first [\d.]+ % [\d.]+ second [\d.]+ % [\d.]+ epochs 4, learning_rate 0.3, seed 1$",
        text(listed.after),
    )
    assert "It says nothing about other seeds." in text(compared.after)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "tune", "data fetch"])
def test_help_in_colour_is_broken_into_lines_as_without(command: str, tmp_path: Path) -> None:
    seen = capture(f"fcnet {command} --help", tmp_path, 80, 400)
    environment = os.environ | {"COLUMNS": "80", "PYTHONPATH": str(Path(fcnet.__file__).parents[1])}
    plain = subprocess.run(
        [sys.executable, "-m", "fcnet", *command.split(), "--help"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert seen.after == tuple(line.rstrip() for line in plain.stdout.rstrip().splitlines())
    assert "(default" in plain.stdout
    assert "None)" not in plain.stdout


def test_a_line_that_is_too_long_would_be_seen(tmp_path: Path) -> None:
    seen = capture("printf %s " + "a" * 90, tmp_path, 80, 24)
    assert seen == Seen(seen.during, ("a" * 80, "a" * 10), 0)


def test_the_page_shows_every_command_in_every_size() -> None:
    page = PAGE.read_text()
    for columns, rows in SIZES:
        (part,) = re.findall(
            rf"^## {columns} x {rows}\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL
        )
        assert re.findall(r"^    (fcnet .*)$", part, flags=re.MULTILINE) == list(COMMANDS)
        assert (
            max(
                len(line)
                for block in re.findall(r"^```\n(.*?)^```", part, re.M | re.S)
                for line in block.splitlines()
            )
            <= columns
        )
