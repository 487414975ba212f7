"""What is said of the time before something begins follows from records, and from this machine."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import pytest

from fcnet.experiments import duration
from fcnet.experiments.duration import PROBE, TIMES, about, expected, step, trained
from fcnet.records import read_json
from fcnet.train.config import TrainConfig

RESULTS = Path(__file__).resolve().parents[1] / "results"


def test_the_times_are_those_of_the_records() -> None:
    probe = read_json(RESULTS / "probe.json")
    assert pytest.approx(median(probe["seconds"]), rel=0.02) == PROBE
    results = read_json(RESULTS / "reproduce.json")
    for name in ("processor", "cores"):
        assert probe["environment"][name] == results["environment"][name]
    question4 = results["pytorch"]["two_layer"]
    trainings = sum(
        [
            *(results[name]["training_seconds"] for name in ("default", "tuned")),
            *(rung["seconds"] for rung in results["ladder"]),
            *(part["training_seconds"] for part in (question4, question4["numpy"])),
            *(row["seconds"] * row["seeds"] for row in results["pytorch"]["depth"]),
        ]
    )
    assert trainings < TIMES["reproduce"] < 1.1 * trainings


def test_a_machine_that_is_twice_as_slow_takes_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duration, "step", lambda: 2 * PROBE)
    assert expected("reproduce") == "about 30 minutes on this machine"
    assert expected("ex2_FCnet.py") == "about 2 minutes on this machine"


@pytest.mark.parametrize("run", ["default", "tuned", "numpy"])
def test_the_time_of_a_training_is_about_that_of_its_record(
    run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duration, "step", lambda: PROBE)
    record = read_json(RESULTS / "reproduce" / run / "record.json")
    cifar10: Any = SimpleNamespace(train=range(50_000), image_shape=(3, 32, 32), classes=range(10))
    seconds = trained(TrainConfig.from_dict(record["config"], run), cifar10)
    assert record["seconds"] / 1.5 < seconds < 1.5 * record["seconds"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3.0, "about 10 seconds"), (44.0, "about 40 seconds"), (94.0, "about 90 seconds"),
        (95.0, "about 2 minutes"), (5399.0, "about 90 minutes"), (10800.0, "about 3 hours"),
    ],
)  # fmt: skip
def test_a_time_is_said_in_one_or_two_figures(seconds: float, words: str) -> None:
    assert about(seconds) == words


def test_the_measurement_is_a_time_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duration, "MEASURED", 0.0)
    assert 0 < step() < 60
