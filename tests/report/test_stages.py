"""A file of a reproduction is checked as a whole when it is read: one line says what is wrong, and where."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fcnet.cli import main
from fcnet.errors import RunError
from fcnet.records import read_json
from fcnet.stages import KINDS, read_stage

RECORDS = Path(__file__).parents[2] / "results"

HUGE = "1" + "0" * 400

WRONG = ("null", "[]", "{}", '"high"', "-1", "NaN", HUGE, "[" * 5000)
"""What is put in the place of every value, one after the other."""

FACTS = {
    "toy.json": (
        "audit", "audit.steps", "audit.parameters", "audit.parameters.W1.errors", "audit.passed", "loss",
        "gradient_relative_error", "loss_history",
    ),
    "ladder.json": ("rungs", "rungs.0.val_accuracy", "rungs.0.seconds", "rungs.0.change"),
    "default/diagnosis.json": (
        "findings", "findings.0.value", "findings.0.sentence", "updates", "updates.0.W1",
    ),
    "depth.json": (
        "rows", "rows.0.seeds", "rows.0.validation_accuracy_mean", "rows.0.seconds", "rows.0.layers",
        "rows.0.budget", "signal.0.activations", "signal.0.gradients", "signal.0.layers",
    ),
    "results.json": (
        "dataset", "dataset.name", "toy.gradient_relative_error", "default.validation_accuracy",
        "tuned.training_seconds", "pytorch.best.layers", "pytorch.two_layer.numpy",
    ),
}  # fmt: skip
"""Places in each file that the report reads."""

RIGHT = {
    ("rungs", "[]"), ("rungs.0.change", '"high"'), ("findings", "[]"), ("findings.0.value", "-1"),
    ("findings.0.sentence", '"high"'), ("updates", "[]"), ("dataset.name", '"high"'),
}  # fmt: skip
"""What may be there."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(RECORDS / "reproduce", tmp_path / "out"))
    shutil.copy(RECORDS / "reproduce.json", folder / "results.json")
    return folder


def spoiled(path: Path, where: str, literal: str) -> None:
    """Put a literal, which need not be JSON, in a place of a JSON file."""
    whole: Any = json.loads(path.read_text())
    inner, *outer = where.split(".")[::-1]
    value = whole
    for name in reversed(outer):
        value = value[int(name) if isinstance(value, list) else name]
    value[int(inner) if isinstance(value, list) else inner] = "LITERAL"
    path.write_text(json.dumps(whole).replace('"LITERAL"', literal))


def test_the_records_are_right(out: Path) -> None:
    for path in (*out.glob("*.json"), out / "default" / "diagnosis.json"):
        assert read_stage(path) == read_json(path)
    assert {*KINDS} == {Path(name).name for name in FACTS} | {"reproduction.json"}


@pytest.mark.parametrize(
    ("name", "where"), [(name, where) for name, places in FACTS.items() for where in places]
)
def test_what_a_file_must_not_hold_is_one_line_that_names_it(name: str, where: str, out: Path) -> None:
    good = (out / name).read_text()
    for literal in WRONG:
        if (where, literal) in RIGHT:
            continue
        spoiled(out / name, where, literal)
        with pytest.raises(RunError, match=re.escape(str(out / name))) as caught:
            read_stage(out / name)
        assert "\n" not in str(caught.value)
        (out / name).write_text(good)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", FACTS)
def test_the_report_names_the_file_and_is_not_written(
    name: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoiled(out / name, FACTS[name][0], "7")
    assert main(["report", str(out)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {out / name} is damaged: ")
    assert said.count("\n") == 1
    assert not (out / "report.html").exists()
