"""Foreign text reaches the terminal as text: escape sequences are sent through every command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcnet.cli import main
from fcnet.cli.commands import COMMANDS
from fcnet.cli.progress import showing
from fcnet.data.dataset import Dataset
from hostile.prepare import ESCAPES
from searches import request, run
from trainings import small

NAME = f"a{ESCAPES.replace('/', '')}b"
"""Of folders, files, classes, and whatever else a command is given."""

TRAIN = "--hidden 2 --initialisation he --preprocessing standardised --epochs 1"

GIVEN: dict[str, tuple[str, ...]] = {
    "reproduce": ("--out NAME/x --data NAME",),
    "data fetch": ("--data NAME/cache --source NAME", "--name NAME", "--data NAME --source http://NAME/x"),
    "data verify": ("--data NAME", "--name NAME"),
    "data info": ("--data NAME", ""),
    "data sample": ("NAME/sample", "NAME"),
    "cache list": ("",),
    "cache prune": ("--yes", "--all --yes"),
    "train": (f"--data NAME/own --out NAME/new {TRAIN}", "--config NAME --out x", "--out NAME/run --resume"),
    "tune": (f"--data NAME/own --out NAME/search --trials 1 --vary reg {TRAIN}", "--out NAME/found --resume"),
    "test": ("NAME/run", "NAME"),
    "predict": ("NAME/run NAME/own", "NAME/run NAME/NAME", "NAME/run NAME/own --show NAME/seen.png"),
    "runs": ("NAME", "NAME/NAME"),
    "compare": ("NAME/run NAME/run", "NAME NAME/run"),
    "fold": ("NAME/run --mirror --out NAME/folded", "NAME --mirror", "NAME/run --out NAME/folded"),
    "record run": (
        "NAME/recipe.toml --out NAME/record --data digits --beat NAME",
        "NAME --out NAME/record --data digits",
        "NAME/recipe.toml --out NAME/run --data digits",
    ),
    "record plan": ("NAME/recipe.toml --out NAME/planned --data digits --nonce NAME",),
    "record verify": ("NAME", "NAME/run/record.json", "NAME/planned/plan.json --runs NAME"),
    "export": ("NAME/run --onnx --out NAME/x.onnx", "NAME --onnx"),
    "audit": ("--sizes 2 3 2 --out NAME/NAME/x", "--activation NAME --sizes 2 3 2"),
    "report": ("NAME/run", "NAME"),
    "explore": ("NAME/run --out NAME/x.html", "NAME"),
    "start": ("NAME/start", "NAME"),
    "check": ("NAME", "NAME/NAME.py"),
    "grade": ("NAME/handed --out NAME/graded", "NAME"),
    "doctor": ("",),
    "watch": ("NAME/NAME", "NAME/run --host NAME"),
}  # fmt: skip
"""What each command is given; a new command has to be added here."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Path:
    """A folder whose name is escape sequences, with things that a command finds work in."""
    from fcnet.runs.training import train_run

    folder = tmp_path_factory.mktemp("whole") / NAME
    for label, name in enumerate((NAME, "plain")):
        (folder / "own" / name).mkdir(parents=True)
        for number in range(6):
            pixels = np.random.default_rng([label, number]).integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "own" / name / f"{number}{NAME}.png")
    train_run(small(epochs=1, hidden=(2,)), digits, folder / "run")
    run(request(folder / "found", trials=1), digits)
    (folder / "recipe.toml").write_text(f"name = {json.dumps(NAME)}\n[budget]\nminutes = 1\n[settings]\n")
    (folder / "handed").mkdir()
    (folder / "handed" / f"{NAME}.py").write_text(f"raise ValueError({ESCAPES!r})\n")
    return folder


def test_every_command_is_tried() -> None:
    assert GIVEN.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_lets_escape_sequences_through(
    command: str,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(whole, tmp_path / NAME)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FCNET_OFFLINE", "1")
    monkeypatch.setenv("FCNET_CACHE", str(tmp_path / NAME / "cache"))
    monkeypatch.setenv("FCNET_DATA", str(tmp_path / NAME))
    monkeypatch.setenv("COLUMNS", "80")
    for words in GIVEN[command]:
        arguments = [word.replace("NAME", NAME) for word in words.split()]
        status = main([*command.split(), *arguments])
        out, err = capsys.readouterr()
        assert status in (0, 1, 2), words
        assert not {c for c in out + err if c != "\n" and not c.isprintable()}, words
        if status == 2 and command != "predict":
            assert err.splitlines()[-1].startswith("error: "), words
            assert len(err.splitlines()) <= 2, words  # a note that the data are digits, and the error


def test_the_words_of_servers_are_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    with showing("bytes") as progress:
        for done in (1, 5, 10):
            progress(ESCAPES, done, 10)
    err = capsys.readouterr().err
    assert not {c for c in err if c != "\n" and not c.isprintable()}
    assert len(err.splitlines()) == 1
