"""What a search varies: ranges around the base, which they contain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcnet.cli import main
from fcnet.errors import DataError
from fcnet.experiments.recipes import RECIPES
from fcnet.train.config import TrainConfig
from fcnet.tuning.space import NAMES, USUAL, Dimension, Space, make_space

PHOTOGRAPH, DIGIT = (3, 32, 32), (1, 8, 8)


def drawn(draw: Any, space: Space) -> dict[str, Any]:
    """Values for all dimensions that matter."""
    values: dict[str, Any] = {}
    for dimension in space.dimensions:
        if not dimension.matters(values):
            continue
        if dimension.values:
            values[dimension.name] = draw(st.sampled_from(dimension.values))
        elif dimension.whole:
            values[dimension.name] = draw(st.integers(int(dimension.low), int(dimension.high)))
        else:
            values[dimension.name] = draw(st.floats(dimension.low, dimension.high))
    return values


bases = st.builds(
    replace,
    st.sampled_from(list(RECIPES.values())),
    hidden=st.lists(st.integers(1, 4096), min_size=1, max_size=4).map(tuple),
    learning_rate=st.floats(1e-6, 10.0),
    reg=st.floats(1e-8, 1.0),
    batch_size=st.integers(1, 1000),
    dropout=st.floats(0, 0.9),
    shift=st.integers(0, 9),
    initialisation=st.sampled_from(["he", "pytorch", "0.01"]),
)


@given(base=bases)
def test_a_space_contains_its_base(base: TrainConfig) -> None:
    space = make_space(base, None, PHOTOGRAPH)
    values = space.values(base)
    settings = space.settings(base, values).to_dict() | {"hidden": list(base.hidden)}
    for name, value in base.to_dict().items():  # varied numbers have three digits
        assert settings[name] == (pytest.approx(value, rel=0.01) if isinstance(value, float) else value)
    for dimension in space.dimensions:
        if not dimension.values and dimension.name in values:
            assert dimension.low <= values[dimension.name] <= dimension.high


@given(base=bases, data=st.data())
def test_every_point_of_a_space_is_settings_that_can_be(base: TrainConfig, data: st.DataObject) -> None:
    """TrainConfig checks itself; nothing but what is varied may change."""
    vary = ("depth", *USUAL) if base.preprocessing == "whitened" else ("hidden",)
    space = make_space(base, vary, PHOTOGRAPH)
    settings = space.settings(base, drawn(data.draw, space))
    varied = {dimension.name.split("_")[0] for dimension in space.dimensions} | {"hidden"}
    for name, value in settings.to_dict().items():
        if name.split("_")[0] not in varied:
            assert value == base.to_dict()[name]


@given(base=bases)
def test_a_space_survives_json(base: TrainConfig) -> None:
    space = make_space(base, ("schedule", "decay", "depth", "hidden", "mirror"), PHOTOGRAPH)
    assert Space.from_list(space.to_list()) == space


def test_the_command_line_names_all_that_can_be_varied(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["tune", "--help"])
    words = "".join(capsys.readouterr().out.split())  # lines may end within a name
    assert all(name in words for name in NAMES)
    with pytest.raises(DataError, match=r"--vary luck is unknown, choose among learning-rate, .*floor"):
        make_space(TrainConfig(), ("reg", "luck"), PHOTOGRAPH)


def test_depth_decides_how_many_layers_have_a_width() -> None:
    base = TrainConfig(hidden=(64,))
    space = make_space(base, ("hidden", "depth"), PHOTOGRAPH)
    assert [one.name for one in space.dimensions] == ["depth", "hidden_1", "hidden_2", "hidden_3"]
    fixed = optuna.trial.FixedTrial({"depth": 2, "hidden_1": 101, "hidden_2": 33, "hidden_3": 500})
    values = space.suggested(fixed)  # type: ignore[arg-type]
    assert "hidden_3" not in values
    assert space.settings(base, values).hidden == (104, 32)  # multiples of eight
    assert make_space(base, ("depth",), PHOTOGRAPH).settings(base, {"depth": 3}).hidden == (64, 64, 64)


def test_a_schedule_has_its_own_settings() -> None:
    space = make_space(TrainConfig(), ("schedule", "decay", "warmup-epochs"), PHOTOGRAPH)
    cosine = {"schedule": "cosine", "decay": 0.9, "warmup_epochs": 1.0}
    suggest = optuna.trial.FixedTrial
    assert space.suggested(suggest(cosine)) == {"schedule": "cosine", "warmup_epochs": 1.0}  # type: ignore[arg-type]
    decay = cosine | {"schedule": "decay"}
    assert space.suggested(suggest(decay)) == {"schedule": "decay", "decay": 0.9}  # type: ignore[arg-type]


def test_small_images_bound_shifts_and_components() -> None:
    base = TrainConfig(preprocessing="whitened", components=48)
    found = {one.name: one for one in make_space(base, None, DIGIT).dimensions}
    assert found["components"] == Dimension("components", 48, 64, log=True, whole=1)
    assert found["shift"] == Dimension("shift", 0, 1, whole=1)


@pytest.mark.parametrize(
    ("vary", "base"),
    [
        ("decay", TrainConfig(schedule="cosine")),
        ("warmup-epochs", TrainConfig(schedule="decay")),
        ("momentum", TrainConfig(optimiser="adam")),
        ("momentum", TrainConfig(optimiser="adamw")),
        ("components", TrainConfig()),
        ("whitening-floor", TrainConfig()),
        ("hidden", TrainConfig(hidden=())),
        ("dropout", TrainConfig(hidden=())),
    ],
)
def test_what_would_change_nothing_is_refused_by_name_and_left_out_otherwise(
    vary: str, base: TrainConfig
) -> None:
    with pytest.raises(DataError, match=f"--vary {vary} changes nothing .* (give|vary) "):
        make_space(base, (vary,), PHOTOGRAPH)
    usual = {one.name for one in make_space(base, None, PHOTOGRAPH).dimensions}
    if vary != "decay":  # the schedule is varied, too
        assert vary.replace("-", "_") not in usual


def test_a_number_that_a_range_lacks_moves_to_its_end() -> None:
    base = TrainConfig(reg=0.0)
    assert make_space(base, ("reg",), PHOTOGRAPH).values(base) == {"reg": 1e-5}


def test_rounding_stays_in_the_range() -> None:
    assert Dimension("x", 0.12345, 1.0).tidy(0.12345) == 0.12345
    assert Dimension("x", 8, 20, whole=8).tidy(20) == 16
    assert Dimension("x", values=(1, 2)).tidy(2) == 2
