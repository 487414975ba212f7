"""What runs with names that a user's own file adds say: to plain fcnet, and in the advice that they print."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import programs
from extensions import (
    ACTIVATION,
    AUDIT,
    AUGMENTATION,
    AVERAGE,
    COMMANDS,
    DATASET,
    END,
    INITIALISATION,
    LAYER,
    OPTIMISER,
    SCHEDULE,
    TRAIN,
    changed,
    data_in,
    plain,
    run,
    trained,
)
from fcnet.errors import RunError
from fcnet.net.weights import load_weights
from fcnet.train.model import Model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return data_in(tmp_path)


@pytest.mark.parametrize(
    ("right", "needed"),
    [(ACTIVATION, "activation 'swish'"), (LAYER, "layer 'scale'")],
    ids=["activation", "layer"],
)
def test_a_model_says_which_name_it_needs(right: str, needed: str, folder: Path) -> None:
    trained(folder, right)
    shutil.copytree(folder / "run", folder / "again")
    before = (folder / "run" / "model.safetensors").read_bytes()
    for command in (
        "predict run data.npz", "test run", "report run", "explore run", "export run --onnx",
        "fold run again --out f",
    ):  # fmt: skip
        status, _, err = plain(folder, command)
        assert (status, err) == (
            2,
            f"error: run/model.safetensors needs the {needed}, which code of your own adds: run the file "
            "that adds it in place of fcnet (python FILE ...), or import that file first\n",
        ), command
    for command in (
        "train --out run --resume", "train --config run/config.toml --data data.npz --out other",
        "compare run run",
    ):  # fmt: skip
        status, _, err = plain(folder, command)
        assert status == 2
        assert re.fullmatch(
            r"error: run/config.toml: \w+ is '\w+', choose from .*; if code of your own adds it, run the "
            r"file that adds it in place of fcnet \(python FILE ...\), or import that file first\n",
            err,
        ), command
    assert (folder / "run" / "model.safetensors").read_bytes() == before
    assert run(folder, right, "test run")[0] == 0
    with pytest.raises(RunError, match=f"needs the {needed}, which code of your own adds"):
        Model.load(folder / "run")
    with pytest.raises(RunError, match=f"needs the {needed}, which code of your own adds"):
        load_weights(folder / "run" / "model.safetensors")


@pytest.mark.parametrize(
    ("right", "option", "name"),
    [
        (OPTIMISER, "optimiser", "plain"),
        (SCHEDULE, "schedule", "steady"),
        (AVERAGE, "average", "all"),
        (INITIALISATION, "initialisation", "small"),
        (AUGMENTATION, "augmentation", "noise"),
    ],
)
def test_settings_of_a_run_say_which_name_they_need(right: str, option: str, name: str, folder: Path) -> None:
    trained(folder, right)
    status, _, err = plain(folder, "train --out run --resume")
    assert status == 2
    assert f"'{name}'" in err
    assert option in err
    assert "if code of your own adds it, run the file that adds it in place of fcnet" in err
    assert plain(folder, "test run")[0] == 0  # the weights need no such name


def test_a_run_on_a_data_set_of_ones_own_finds_it_again(folder: Path) -> None:
    trained(folder, DATASET)
    status, out, err = run(folder, DATASET, "train --out run --resume")
    assert (status, err) == (0, "")
    assert out.startswith("run: training accuracy")
    for command in ("train --out run --resume", "test run"):
        status, _, err = plain(folder, command)
        assert status == 2
        assert err.startswith(
            "error: the data set points of this run is not known here, add it to fcnet.data.data"
        )
        assert "run the file that adds it in place of fcnet" in err


def test_a_search_says_which_name_it_needs(folder: Path) -> None:
    pytest.importorskip("optuna")
    command = COMMANDS[ACTIVATION].replace("train", "tune", 1) + " --trials 2"
    status, out, err = run(folder, ACTIVATION, command)
    assert status == 0, err
    assert re.search("^train it with: .*python own.py train --config run/best.toml", out, re.MULTILINE)
    status, _, err = plain(folder, "tune --out run --resume")
    assert status == 2
    assert "'swish'" in err
    assert "run the file that adds it in place of fcnet" in err


SEARCH = COMMANDS[ACTIVATION].replace("train", "tune", 1) + " --trials 2 --workers 2"


@pytest.mark.parametrize(
    "end", [END, "\nimport sys\nsys.exit(main())\n", END.replace("main()", "main(sys.argv[1:])")]
)
def test_workers_of_a_search_have_the_names_too(end: str, folder: Path) -> None:
    """Also where the file calls main() without looking whether it was started, or with its arguments."""
    pytest.importorskip("optuna")
    (folder / "own.py").write_text(
        f"import sys\nimport numpy as np\nfrom fcnet.cli import main{ACTIVATION}{end}"
    )
    status, out, err = programs.run(["own.py", *SEARCH.split()], folder, {})
    assert status == 0, err
    assert "run: 2 trials" in out
    assert "python own.py train --config" in out


def test_a_module_works_as_a_file_does(folder: Path) -> None:
    """Its workers import it by its name, so it may import what lies beside it."""
    pytest.importorskip("optuna")
    package = folder / "nets"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "swish.py").write_text(f"import numpy as np\n{ACTIVATION}")
    (package / "own.py").write_text(f"from . import swish\nfrom fcnet.cli import main\n{END}")
    command = [sys.executable, "-m", "nets.own", *SEARCH.split()]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "python -m nets.own train --config" in found.stdout


def test_names_that_workers_cannot_find_are_explained(folder: Path) -> None:
    pytest.importorskip("optuna")
    added = next(line for line in ACTIVATION.splitlines() if line.startswith("ACTIVATIONS["))
    (folder / "own.py").write_text(
        f"import numpy as np\nfrom fcnet.cli import main{ACTIVATION.replace(added, '')}{END}".replace(
            '"__main__":\n', f'"__main__":\n    {added}\n'
        )
    )
    status, _, err = programs.run(["own.py", *SEARCH.split()], folder, {})
    assert status == 2
    assert "activation is 'swish', choose from" in err
    assert "add it outside of if __name__ == '__main__', or workers do not find it" in err


def test_advice_names_the_program_that_was_started(folder: Path) -> None:
    huge = changed(SCHEDULE, "0.01", "1e30")
    status, _, err = run(folder, huge, COMMANDS[SCHEDULE])
    assert status == 2
    assert (
        "start again with: python own.py train --out run --config run/config.toml --learning-rate 0.002 "
        in err
    )
    stopping = changed(SCHEDULE, "return lambda step: 0.01", "return lambda step: stop(step)") + STOP
    status, _, err = run(folder, stopping, COMMANDS[SCHEDULE].replace("--out run", "--out stopped"))
    assert (status, err) == (130, "stopped: resume with: python own.py train --out stopped --resume\n")
    assert "python own.py train" in json.loads((folder / "run.json").read_text())["command"]
    status, _, err = plain(folder, f"{TRAIN} --learning-rate 1e30".replace("--out run", "--out plain"))
    assert "start again with: fcnet train --out plain --config" in err


STOP = """
import json
from pathlib import Path
from fcnet.records import environment

asked = []

def stop(step):
    asked.append(step)
    if len(asked) > 12:
        Path("run.json").write_text(json.dumps(environment()))
        raise KeyboardInterrupt
    return 0.01
"""


def test_an_exception_in_code_of_ones_own_names_its_line(folder: Path) -> None:
    """With the calls in that code, and without those of fcnet above them."""
    text = changed(SCHEDULE, "return lambda step: 0.01", "return lambda step: helper(step)")
    status, _, err = run(
        folder, text + "\ndef helper(step):\n    return 1 / abs(step - 3)\n", COMMANDS[SCHEDULE]
    )
    assert status == 2
    first, *calls, last = err.splitlines()
    assert first == "Traceback from your own code on (most recent call last):"
    assert [line.split(", ", 1)[1] for line in calls if line.startswith("  File")] == [
        "line 6, in <lambda>",
        "line 11, in helper",
    ]
    assert last == (
        "error: own.py, line 11, in helper: ZeroDivisionError: division by zero; mend this code of your own"
    )
    assert not (folder / "run").exists()


def test_an_exception_of_fcnet_itself_stays_a_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*given: object, **options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("fcnet.audit.audit_gradients", defect)
    with pytest.raises(ZeroDivisionError):
        plain(folder, AUDIT)
