"""Points: a rubric says what each stage is worth, and what a mistake costs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcnet.errors import DataError
from fcnet.judge.report import NUMPY_STAGES, POINTS, PYTORCH_STAGES

STAGES = tuple(dict.fromkeys((*NUMPY_STAGES, *PYTORCH_STAGES)))


@dataclass(frozen=True)
class Rubric:
    """What is worth how many points.

    Attributes
    ----------
    title : of the exercise
    points : of each stage that counts
    deductions : by code; a stage that fails with these mistakes alone loses so many points instead of all,
        and a remark costs as many of its stage's points
    """

    title: str = "Fully-connected networks"
    points: Mapping[str, float] = field(default_factory=lambda: dict(POINTS))
    deductions: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The most that can be reached."""
        return float(sum(self.points.values()))

    def of_stage(self, stage: str, record: Mapping[str, Any]) -> float:
        """Points that a record reaches in a stage."""
        full = self.points.get(stage, 0.0)
        told = next((entry for entry in record["stages"] if entry["stage"] == stage), None)
        if told is None or told["verdict"] not in ("right", "wrong"):
            return 0.0
        codes = {
            finding["code"]: finding["severity"]
            for finding in record["findings"]
            if finding["stage"] == stage
        }
        lost = sum(self.deductions.get(code, 0.0) for code in codes)
        errors = [code for code, severity in codes.items() if severity == "error"]
        if told["verdict"] == "wrong" and not (errors and all(code in self.deductions for code in errors)):
            return 0.0
        if told["verdict"] == "right" and told["of"] and not lost:  # the check itself may take points off
            full *= told["points"] / told["of"]
        return max(0.0, full - lost)

    def reached(self, record: Mapping[str, Any]) -> dict[str, float]:
        """Points of each stage that counts."""
        return {stage: self.of_stage(stage, record) for stage in self.points}


def read_rubric(path: Path | None) -> Rubric:
    """The rubric of a file, or the exercise's own points without one.

    Raises
    ------
    DataError : the file cannot be read, or says something that a rubric does not say
    """
    if path is None:
        return Rubric()
    try:
        told = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"cannot read {path} ({error}), give a TOML file with a table [points]") from error
    unknown = sorted(set(told) - {"title", "points", "deductions"})
    if unknown:
        raise DataError(f"{path} has {', '.join(unknown)}, a rubric has title, [points] and [deductions]")
    points = _numbers(path, "points", told.get("points", dict(POINTS)))
    for stage in points:
        if stage not in STAGES:
            raise DataError(f"{path} gives points for {stage!r}, the stages are {', '.join(STAGES)}")
    if not sum(points.values()):
        raise DataError(f"{path} gives no points at all, give some in [points]")
    deductions = _numbers(path, "deductions", told.get("deductions", {}))
    _check_codes(path, deductions)
    title = told.get("title", Rubric.title)
    if not isinstance(title, str):
        raise DataError(f"{path} has the title {title!r}, give a text")
    return Rubric(title, points, deductions)


def _numbers(path: Path, name: str, table: Any) -> dict[str, float]:
    if not isinstance(table, dict):
        raise DataError(f"{name} in {path} is not a table, write [{name}] with lines like loss = 4")
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
            raise DataError(f"{name}.{key} in {path} is {value!r}, give a number of points, 0 or more")
    return {key: float(value) for key, value in table.items()}


def _check_codes(path: Path, codes: Mapping[str, float]) -> None:
    from fcnet.judge.catalogue import kinds

    for code in codes:
        if code not in kinds("numpy") and code not in kinds("pytorch"):
            raise DataError(
                f"{path} deducts points for {code}, which is not a code of the catalogue, see "
                f"docs/checking.md"
            )
