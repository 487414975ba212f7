"""The exercise's driver: what it prints, what it leaves behind, and that it notices a wrong network."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import fcnet
import programs
from fcnet import TwoLayerNet
from fcnet.errors import FcnetError

DRIVER = Path(__file__).parents[1] / "exercise" / "ex2_FCnet.py"
SOURCE = Path(fcnet.__file__).parents[1]
FIGURES = {
    "toy_training.png",
    "default_training.png",
    "default_weights.png",
    "better_training.png",
    "better_weights.png",
}


def started(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start the driver in an empty folder, with what the user's environment says of data left out."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FCNET_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-W", "error", str(DRIVER), *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def run(folder: Path, *arguments: str, driver: Path = DRIVER, **variables: str) -> tuple[int, str, str]:
    """Run a driver in this process; its exit status, and what it printed to both streams."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    without = dict.fromkeys(("FCNET_DATA", "FCNET_OFFLINE", "FCNET_CACHE"), "")
    with mpl.rc_context({"backend": "agg"}):  # drivers change the style
        try:
            return programs.run([str(driver), *arguments], folder, without | variables)
        finally:
            plt.close("all")


def percentage(what: str, text: str) -> float:
    found = re.search(rf"{what} ([\d.]+)%", text)
    assert found, text
    return float(found[1])


@pytest.fixture
def driver() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ex2_FCnet", DRIVER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_answers_every_question_on_digits_where_nothing_else_can_be_had(tmp_path):
    done = started(tmp_path, FCNET_OFFLINE="1", FCNET_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    answered = re.findall(r"Question (\w+)", done.stdout)
    assert answered == ["1a", "1b", "2", "3a", "3b", "3c"]
    assert "Question 1b: loss 1.30378789133\n" in done.stdout
    assert {
        name for name in ("W1", "b1", "W2", "b2") if f"{name} against the complex step" in done.stdout
    } == {
        "W1",
        "b1",
        "W2",
        "b2",
    }
    assert percentage("better hyper-parameters: .* validation accuracy", done.stdout) > 80
    assert "digits" in done.stdout.splitlines()[-1]
    out = tmp_path / "runs" / "exercise"
    assert {path.name for path in out.glob("*.png")} == FIGURES
    assert json.loads((out / "test.json").read_text())["count"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "nowhere"), r"error: nowhere \(--data\) does not exist, .*"),
        (("--out", "taken/out"), r"error: cannot write to taken/out: .*"),
        (("--out", "blocked"), r"error: cannot write to blocked \(Is a directory\)"),
        (("--show",), r"error: there is no display for --show, .*"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, arguments, message):
    (tmp_path / "taken").write_text("a file where a folder is wanted")
    (tmp_path / "blocked" / "toy_training.png").mkdir(parents=True)  # a folder where a figure is wanted
    status, _, err = run(tmp_path, *arguments)
    assert status == 2
    assert re.fullmatch(message + "\n", err)


class OneHalf(TwoLayerNet):
    """Regularises with one-half."""

    def loss(self, X, y=None, reg=0.0):
        return super().loss(X, y, reg / 2)


class NoMean(TwoLayerNet):
    """Forgets to divide by the number of examples, in W2's gradient only."""

    def loss(self, X, y=None, reg=0.0):
        result = super().loss(X, y, reg)
        if y is not None:
            result[1]["W2"] *= len(y)
        return result


class NoSoftmax(TwoLayerNet):
    """Gives logits for scores."""

    def loss(self, X, y=None, reg=0.0):
        return self.logits(X) if y is None else super().loss(X, y, reg)


class WrongWay(TwoLayerNet):
    """Climbs."""

    def train(self, *data, learning_rate=1e-3, **settings):
        start = dict(self.params)
        history = super().train(*data, learning_rate=learning_rate, **settings)
        self.params = start
        return history | {"loss_history": history["loss_history"][::-1]}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (NoSoftmax, "given scores"),
        (OneHalf, "given loss"),
        (NoMean, "gradients are wrong.*W2"),
        (WrongWay, "final training loss"),
    ],
)
def test_it_stops_at_the_question_that_a_network_gets_wrong(tmp_path, monkeypatch, driver, wrong, message):
    monkeypatch.setattr(driver, "TwoLayerNet", wrong)
    with pytest.raises(FcnetError, match=message):
        driver.questions_1_to_3a(tmp_path)


@pytest.mark.cifar10
def test_on_cifar10_the_default_is_poor_and_better_settings_pass_48_percent(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name.startswith("FCNET_")}
    done = started(tmp_path, "--out", "out", **kept)
    assert done.returncode == 0, done.stderr
    assert "CIFAR-10" in done.stdout
    assert 27 <= percentage("default hyper-parameters: .* validation accuracy", done.stdout) <= 31
    assert percentage("better hyper-parameters: .* validation accuracy", done.stdout) > 48
    assert percentage("test accuracy", done.stdout) > 46


# Question 4


PYTORCH = DRIVER.with_name("ex2_pytorch.py")


def test_question_4_compares_depths_and_uses_the_test_set_once(tmp_path):
    pytest.importorskip("torch")
    status, told, err = run(
        tmp_path, "--epochs", "10", "--hidden", "64",
        driver=PYTORCH, FCNET_OFFLINE="1", FCNET_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert status == 0, err
    trained = re.findall(r"(\d) layers from (\S.*?): training accuracy", told)
    assert trained == [(str(n), how) for n in (2, 3, 4, 5) for how in ("He", "N(0, 1e-3)")]
    for layers in (2, 3, 4, 5):
        assert percentage(f"{layers} layers from He: .* validation accuracy", told) > 60
    assert percentage(r"5 layers from N\(0, 1e-3\): training accuracy", told) < 20
    assert told.count("test accuracy") == 1
    assert "digits" in told.splitlines()[-1]
    out = tmp_path / "runs" / "exercise"
    assert (out / "depth_pytorch.png").exists()
    assert json.loads((out / "test_pytorch.json").read_text())["count"] == 1


def test_question_4_says_in_one_line_where_it_cannot_write(tmp_path):
    pytest.importorskip("torch")
    status, _, err = run(tmp_path, "--out", "/proc/exercise", driver=PYTORCH, FCNET_OFFLINE="1")
    assert status == 2
    assert re.fullmatch(r"error: cannot write to /proc/exercise: .*\n", err)
