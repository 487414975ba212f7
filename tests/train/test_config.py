"""Settings are checked when they are made, survive a file, and become the schedule that they describe."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from fcnet.errors import DataError, RunError
from fcnet.experiments.recipes import DEFAULT, QUICK, TUNED
from fcnet.runs.training import read_config
from fcnet.train.config import TrainConfig
from fcnet.train.fit import make_schedule

# Schedules


def schedule_of(steps_per_epoch: int, total: int, **settings: Any) -> Callable[[int], float]:
    return make_schedule(TrainConfig(**settings), steps_per_epoch, total)


def test_the_exercises_schedule_multiplies_after_each_epoch() -> None:
    schedule = schedule_of(3, 8, learning_rate=0.1, decay=0.5)
    assert [schedule(step) for step in range(8)] == [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025]


def test_the_cosine_rises_in_a_line_peaks_and_ends_at_zero() -> None:
    schedule = schedule_of(6, 11, learning_rate=0.8, schedule="cosine", warmup_epochs=0.5)
    assert [schedule(step) for step in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert schedule(7) == pytest.approx(0.4)  # half way down
    assert schedule(11) == pytest.approx(0, abs=1e-15)
    rates = [schedule(step) for step in range(3, 11)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0


def test_a_cosine_without_warmup_starts_at_the_top() -> None:
    cosine = {"learning_rate": 0.8, "schedule": "cosine"}
    assert schedule_of(4, 4, **cosine)(0) == 0.8
    # a run that ends before its warmup does
    assert schedule_of(9, 4, **cosine, warmup_epochs=1)(3) == pytest.approx(0.32)


def test_the_constant_schedule_never_changes() -> None:
    schedule = schedule_of(3, 8, learning_rate=0.1, schedule="constant")
    assert {schedule(step) for step in range(8)} == {0.1}


# Settings


def test_the_defaults_are_the_exercises() -> None:
    config = TrainConfig()
    assert (config.hidden, config.initialisation, config.batch_size) == ((50,), "1e-4", 200)
    assert (config.learning_rate, config.decay, config.reg, config.momentum) == (1e-4, 0.95, 0.25, 0.0)
    assert (DEFAULT.iterations, DEFAULT.validation) == (1000, 1000)


@pytest.mark.parametrize("config", [DEFAULT, QUICK, TUNED, TrainConfig(hidden=(), iterations=7, mirror=True)])
def test_settings_survive_a_file(config: TrainConfig, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(config.to_dict()))
    assert read_config(path) == config
    assert tomllib.loads(path.read_text()).keys() <= {field.name for field in fields(TrainConfig)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0, give a whole number of at least 1"),
        ({"batch_size": 2.5}, "batch_size is 2.5, give a whole number of at least 1"),
        ({"batch_size": True}, "batch_size is True, give a whole number of at least 1"),
        ({"epochs": 0}, "epochs is 0, give a whole number of at least 1"),
        ({"iterations": 0}, "iterations is 0, give a whole number of at least 1"),
        ({"evaluate_every": -1}, "evaluate_every is -1, give a whole number of at least 1"),
        ({"hidden": [50, 0]}, "hidden is 0, give a whole number of at least 1"),
        ({"hidden": "50"}, "hidden is '50', give a list of whole numbers, such as [50]"),
        ({"hidden": 50}, "hidden is 50, give a list of whole numbers, such as [50]"),
        ({"components": 0}, "components is 0, give a whole number of at least 1"),
        ({"dropout": 1}, "dropout is 1, give a number from 0 up to, but not including, 1"),
        ({"momentum": float("nan")}, "momentum is nan, give a number from 0 up to, but not including, 1"),
        (
            {"label_smoothing": -0.1},
            "label_smoothing is -0.1, give a number from 0 up to, but not including, 1",
        ),
        ({"reg": -1.0}, "reg is -1.0, give a number of at least 0"),
        ({"seed": -1}, "seed is -1, give a whole number of at least 0"),
        ({"seed": 1.5}, "seed is 1.5, give a whole number of at least 0"),
        ({"shift": 1.5}, "shift is 1.5, give a whole number of at least 0"),
        ({"rotate": -1.0}, "rotate is -1.0, give a number from 0 to 180, in degrees"),
        ({"zoom": 1.0}, "zoom is 1.0, give a number from 0 up to, but not including, 1"),
        ({"engine": "jax"}, "engine is 'jax', choose from 'numpy', 'torch'"),
        (
            {"device": "cuda"},
            "device is 'cuda', give 'cpu' with the engine numpy, or choose the engine torch",
        ),
        (
            {"precision": "float16"},
            "precision is 'float16', choose from 'auto', 'float32', 'float64', 'bfloat16' (did you mean "
            "'bfloat16'?)",
        ),
        ({"compile": True}, "compile is True, give False with the engine numpy, or choose the engine torch"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0, give a number above 0"),
        ({"learning_rate": float("inf")}, "learning_rate is inf, give a number above 0"),
        ({"learning_rate": "0.1"}, "learning_rate is '0.1', give a number above 0"),
        ({"decay": 1.5}, "decay is 1.5, give a number above 0 and at most 1"),
        ({"mirror": "no"}, "mirror is 'no', give true or false"),
        (
            {"optimiser": "sgdd"},
            "optimiser is 'sgdd', choose from 'sgd', 'nesterov', 'adam', 'adamw' (did you mean 'sgd'?)",
        ),
        ({"activation": "swish"}, "activation is 'swish', choose from 'relu', 'gelu', 'tanh'"),
        ({"norm": "batch"}, "norm is 'batch', choose from 'none', 'layernorm'"),
        ({"blocks": -1}, "blocks is -1, give a whole number of at least 0"),
        ({"optimiser": "nesterov"}, "momentum is 0.0, give above 0 with nesterov, such as 0.9"),
        ({"schedule": "step"}, "schedule is 'step', choose from 'decay', 'cosine', 'constant'"),
        (
            {"preprocessing": "raw"},
            "preprocessing is 'raw', choose from 'auto', 'centred', 'standardised', 'whitened', 'zca', "
            "'symmetric'",
        ),
        (
            {"initialisation": "xavier"},
            "initialisation is 'xavier', choose from 'he', 'pytorch' or a positive standard deviation",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"^config.toml: {re.escape(message)}$"):
        TrainConfig.from_dict(settings, "config.toml")


@pytest.mark.parametrize(
    ("name", "advice"),
    [("learning_rat", r"do you mean learning_rate\? "), ("xyz", "known are activation, ")],
)
def test_a_file_with_an_unknown_setting_is_refused(name: str, advice: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"{name} = 0.1\n")
    with pytest.raises(DataError, match=f"has the unknown setting '{name}', which a newer .*; {advice}"):
        read_config(path)


@pytest.mark.parametrize("content", [b"batch_size = ", b"\xff\xfe", None])
def test_a_file_that_is_no_toml_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=f"^cannot read {re.escape(str(path))}: "):
        read_config(path)


def test_a_file_may_begin_with_the_mark_that_windows_notepad_writes(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("\ufeffhidden = [7]\n", encoding="utf-8")
    assert read_config(path).hidden == (7,)


def test_a_file_with_a_setting_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("hidden = 50\n")
    with pytest.raises(DataError, match=r"config.toml: hidden is 50, give a list of whole numbers"):
        read_config(path)
