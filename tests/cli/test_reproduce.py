"""`fcnet reproduce --quick` on digits: complete, honest about its data, stopped anywhere and gone on."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import programs
from fcnet.data.digits import load_digits
from fcnet.errors import RunError
from fcnet.experiments.diagnosis import Watch
from fcnet.experiments.recipes import DEFAULT, suited
from fcnet.experiments.reproduce import Reproduction
from fcnet.records import RunFolder, read_json
from fcnet.runs.training import train_run
from fcnet.train.callbacks import Callback
from fcnet.train.model import Model
from quick_record import PATH, collected, drift
from report.conftest import EMPTY
from trainings import StopAfter

from .conftest import NOTE, Result, finish, start, user_environment

COMMAND = "reproduce --quick --out out"


def surroundings(folder: Path) -> dict[str, str]:
    return user_environment(folder) | {"FCNET_DATA": ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reproduce")


@pytest.fixture(scope="module")
def first(folder: Path) -> Result:
    """The whole exercise, once."""
    return finish(start(COMMAND, folder))


@pytest.fixture(scope="module")
def results(folder: Path, first: Result) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "out" / "results.json").read_text())
    return content


def test_the_whole_exercise_runs_without_network(first: Result) -> None:
    assert first.status == 0
    assert [line for line in first.err if not line.startswith(NOTE)] == []
    text = "\n".join(first.out)
    assert "WRONG" not in text
    for heading in (
        "Questions 1 and 2",
        "Question 3: the default settings",
        "Question 3: the tuned two-layer net",
    ):
        assert heading in text


def test_the_first_and_the_last_line_say_that_these_are_digits(first: Result) -> None:
    assert first.out[0].startswith("digits (CIFAR-10 is not available): 1,437 training and 360 test images")
    assert first.out[-1].startswith(NOTE)
    assert first.err[0].startswith(NOTE)


def test_the_results_have_every_number(results: dict[str, Any]) -> None:
    assert results["dataset"]["name"] == "digits"
    assert results["dataset"]["official"] is None
    assert re.fullmatch("[0-9a-f]{64}", results["dataset"]["hash"])
    toy = results["toy"]
    assert toy["scores_difference"] < 1e-7
    assert abs(toy["loss"] - 1.30378789133) < 1e-10
    assert toy["gradient_relative_error"].keys() == {"W1", "b1", "W2", "b2"}
    assert max(toy["gradient_relative_error"].values()) < 1e-8
    assert toy["final_training_loss"] <= 0.02
    assert 0.1 < results["default"]["validation_accuracy"] < results["tuned"]["validation_accuracy"]
    assert results["tuned"]["test_accuracy"] > 0.9
    assert results["tuned"]["training_seconds"] > 0
    assert results["environment"]["versions"]["numpy"]


def test_what_is_printed_is_what_is_recorded(first: Result, results: dict[str, Any]) -> None:
    text = "\n".join(first.out)
    for value in (results["default"]["validation_accuracy"], results["tuned"]["test_accuracy"]):
        assert f"{100 * value:.1f} %" in text
    assert f"{results['toy']['loss']:.11f}" in text


def test_it_ends_with_the_report(folder: Path, first: Result, results: dict[str, Any]) -> None:
    assert "the report: out/report.html" in first.out
    page = (folder / "out" / "report.html").read_text()
    assert f"{100 * results['tuned']['test_accuracy']:.1f} %" in page
    assert "digits (CIFAR-10 is not available)" in page


def test_every_number_is_the_one_that_is_recorded(folder: Path, results: dict[str, Any]) -> None:
    pytest.importorskip("torch")
    assert list(drift(read_json(PATH), collected(folder / "out"))) == []


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("diagnosis updates 3 W1", lambda value: value * 0.976),  # of the array without its scale
        ("diagnosis updates 3", lambda row: row | {"W1.scale": 1e-5}),
        (["diagnosis", "findings", "training minus validation accuracy"], lambda gap: gap - 0.01),
        ("results default training_accuracy", lambda value: value + 0.01),
        ("results tuned test_accuracy", lambda value: value - 0.04),
        ("results tuned parameters", lambda count: count + 1),
        ("results toy loss", lambda loss: loss + 0.01),
        ("toy audit parameters W1 complex_error", lambda error: 2e-10),
        ("depth rows", lambda rows: rows[1:]),
        ("depth signal 4 activations 0", lambda value: 1.01 * value),
        ("last numpy loss", lambda loss: 1.5 * loss),
    ],
)
def test_a_number_that_drifts_is_named(place: str | list[str], change: Callable[[Any], Any]) -> None:
    """A careless check of records would find nothing here."""
    *way, last = place.split() if isinstance(place, str) else place
    record, altered = read_json(PATH), read_json(PATH)
    inner: Any = altered
    for name in way:
        inner = inner[int(name) if isinstance(inner, list) else name]
    key = int(last) if isinstance(inner, list) else last
    inner[key] = change(inner[key])
    (found,) = drift(record, altered)
    assert found.startswith("/".join([*way, last]))


def test_a_second_call_repeats_nothing(
    folder: Path, first: Result, results: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, without drawing the figures, as the first call has."""
    monkeypatch.setattr("fcnet.report.figures.svg", lambda figure: EMPTY)
    names = [
        "toy.json",
        *(f"{run}/{name}" for run in ("default", "tuned") for name in ("record.json", "model.safetensors")),
    ]
    paths = [folder / "out" / name for name in (*names, "tuned/test.json", "default/diagnosis.json")]
    before = [path.stat().st_mtime_ns for path in paths]
    status, out, _ = programs.run(["-m", "fcnet", *COMMAND.split()], folder, surroundings(folder))
    assert status == 0
    assert [path.stat().st_mtime_ns for path in paths] == before
    assert any(re.match("  default run: epoch", line) for line in first.out)
    assert not any(re.match("  (default|tuned) run: epoch", line) for line in out.splitlines())
    again = json.loads((folder / "out" / "results.json").read_text())
    assert {k: v for k, v in again.items() if k != "environment"} == {
        k: v for k, v in results.items() if k != "environment"
    }
    assert again["tuned"]["test_set_used"] == 1


def test_stopped_and_killed_in_the_middle_the_same_command_goes_on(
    folder: Path, results: dict[str, Any], tmp_path: Path
) -> None:
    """Here without PyTorch, which question 4 needs: the other parts are the same, and that is said.

    The figures are not drawn again.
    """
    program = str(Path(__file__).parents[1] / "without.py")
    undrawn = f"from fcnet.report import figures; figures.svg = lambda figure: {EMPTY!r}"
    without = ("-c", f"{undrawn}; import runpy; runpy.run_path({program!r}, run_name='__main__')", "torch")
    for run, number in (("default", signal.SIGINT), ("tuned", signal.SIGKILL)):
        process = start(COMMAND, tmp_path, *without)
        config = RunFolder(tmp_path / "out" / run).config
        while not config.exists():  # the run is about to start, and takes some tenths of a second
            assert process.poll() is None, process.communicate()
            time.sleep(0.002)
        time.sleep(0.05)
        process.send_signal(number)
        stopped = finish(process)
        if number == signal.SIGINT:
            errors = [line for line in stopped.err if not line.startswith(NOTE)]
            assert (stopped.status, errors) == (
                130,
                ["stopped: nothing is lost, run the same command again to continue"],
            )
        assert not (tmp_path / "out" / "results.json").exists()
    ended = finish(start(COMMAND, tmp_path, *without))
    assert ended.status == 0
    said = "the engine torch needs PyTorch, which is not installed: pip install 'fcnet[torch]'"
    assert said in "\n".join(ended.out)
    again = json.loads((tmp_path / "out" / "results.json").read_text())
    assert "pytorch" not in again
    for part in ("dataset", "toy", "default", "tuned"):
        assert without_seconds(again[part]) == without_seconds(results[part])
    diagnoses = [read_json(out / "out" / "default" / "diagnosis.json") for out in (folder, tmp_path)]
    assert diagnoses[0] == diagnoses[1]  # it watched from the first step on


def without_seconds(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "training_seconds"}


@pytest.mark.parametrize("lost", ["diagnosis.json", "record.json"])
def test_a_default_run_stopped_before_its_diagnosis_is_watched_again(lost: str, tmp_path: Path) -> None:
    """The diagnosis needs the first step, which a run resumed from its last checkpoint does not repeat."""
    reproduction = Reproduction(load_digits(), tmp_path, quick=True)
    whole = reproduction.default(Callback())
    run = RunFolder(tmp_path / "default")
    (run.path / "diagnosis.json").unlink()
    if lost == "record.json":
        run.record.unlink()
    again = reproduction.default(Callback())
    assert again["findings"] == whole["findings"]
    assert again["updates"][0]["step"] == 1


def test_a_folder_of_other_data_or_of_the_other_mode_is_refused(folder: Path, first: Result) -> None:
    words = ["-m", "fcnet", "reproduce", "--out", "out"]
    status, _, err = programs.run(words, folder, surroundings(folder))
    assert status == 2
    assert err.splitlines()[-1].startswith("error: out holds the results of other data or of the other mode")


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("mine")
    refused = pytest.raises(RunError, match="is not empty and not a reproduction of fcnet")
    with refused, Reproduction(load_digits(), tmp_path, quick=True).held():
        pass
    assert page.read_text() == "mine"
    assert not (tmp_path / "reproduction.json").exists()


def test_watching_changes_no_weight(tmp_path: Path) -> None:
    config = replace(suited(DEFAULT, load_digits()), iterations=30)
    for name, callback in (("watched", Watch(every=7)), ("alone", Callback())):
        train_run(config, load_digits(), tmp_path / name, callback=callback)
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("watched", "alone")]
    assert models[0] == models[1]


def test_the_tuned_run_keeps_the_weights_that_it_started_from(tmp_path: Path) -> None:
    """The first time; a run that goes on from a checkpoint is past its beginning."""
    reproduction = Reproduction(load_digits(), tmp_path, quick=True)
    with pytest.raises(KeyboardInterrupt):
        reproduction.tuned(StopAfter(7))
    initial = Model.load(tmp_path / "tuned" / "initial").params["W1"]
    reproduction.tuned(Callback())
    np.testing.assert_array_equal(Model.load(tmp_path / "tuned" / "initial").params["W1"], initial)
    final = Model.load(tmp_path / "tuned").params["W1"]
    assert final.shape == initial.shape
    assert np.abs(final - initial).max() > 0.01
